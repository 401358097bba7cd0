"""The syntax of rabbitmq.conf: `key = value` on each line, `#` begins a comment.

As in RabbitMQ a `#` ends an unquoted value too, `'single quotes'` keep one, `$(NAME)` is a variable
of the environment, and `include` reads other files. What the keys mean is in `keys`.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from leveret.sources.gathered import ConfigError

_LINE: Final = re.compile(r"([A-Za-z][^\s=#]*)\s*=\s*(?:'([^']*)'\s*(?:#.*)?|([^#]*)(?:#.*)?)")
_INCLUDE: Final = re.compile(r"include\s+([^#]+?)\s*(?:#.*)?")
_VARIABLE: Final = re.compile(r"\$\(([^)]*)\)")
_DEPTH_MAX: Final = 10


class Entry:
    """A line of a file; `origin` is `file:line`."""

    def __init__(self, key: str, value: str, origin: str) -> None:
        self.key = key
        self.value = value
        self.origin = origin

    def parts(self) -> list[str]:
        """The key, split at its dots; one after a backslash belongs to a name."""
        return [part.replace("\\.", ".") for part in re.split(r"(?<!\\)\.", self.key)]


def entries_of(path: Path, environment: Mapping[str, str], depth: int = 0) -> Iterator[Entry]:
    """The lines of a file, or of a folder's `.conf` files in the order of their names."""
    if depth > _DEPTH_MAX:
        raise ConfigError(f"{path} is included by files that it includes")
    if path.is_dir():
        for each in sorted(path.glob("*.conf")):
            yield from entries_of(each, environment, depth)
        return
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path} is not UTF-8: {error}") from error
    for number, line in enumerate(text.splitlines(), 1):
        origin = f"{path}:{number}"
        stripped = line.strip()
        if stripped == "" or stripped.startswith("#"):
            continue
        included = _INCLUDE.fullmatch(stripped)
        if included is not None:
            for each in _matching(path.parent, included[1]):
                yield from entries_of(each, environment, depth + 1)
            continue
        found = _LINE.fullmatch(stripped)
        if found is None:
            raise ConfigError(f"{origin}: a line is `key = value`, a comment or an include")
        key, quoted, plain = found.groups()
        value = plain.strip() if quoted is None else quoted
        if value.startswith("encrypted:"):
            raise ConfigError(
                f"{origin}: encrypted values are RabbitMQ's own; give the secret in a file that a "
                "variable such as RABBITMQ_DEFAULT_PASS_FILE names"
            )
        yield Entry(key, _with_variables(value, environment, origin), origin)


def _matching(folder: Path, pattern: str) -> list[Path]:
    found = sorted(folder.glob(pattern)) if not Path(pattern).is_absolute() else None
    if found is None:
        root = Path(Path(pattern).anchor)
        found = sorted(root.glob(str(Path(pattern).relative_to(root))))
    if not found and not re.search(r"[*?\[]", pattern):
        return [folder / pattern]
    return found


def _with_variables(value: str, environment: Mapping[str, str], origin: str) -> str:
    def of_environment(found: re.Match[str]) -> str:
        name = found[1]
        if name not in environment:
            raise ConfigError(f"{origin}: there is no variable {name} in the environment")
        return environment[name]

    return _VARIABLE.sub(of_environment, value)
