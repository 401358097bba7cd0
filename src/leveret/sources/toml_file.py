"""The settings' own file: TOML."""

import re
import tomllib
from pathlib import Path

from leveret.sources.gathered import ConfigError, Gathered


def read_toml_file(path: Path, gathered: Gathered) -> None:
    """Read a file. Raises `ConfigError`."""
    try:
        text = path.read_bytes().decode()
        values = tomllib.loads(text)
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}") from error
    except RecursionError:
        raise ConfigError(f"{path} is not TOML: it is nested too deeply") from None
    except ValueError as error:  # also of a number with thousands of digits, and of no UTF-8
        raise ConfigError(f"{path} is not TOML: {error}") from error
    for name, value in values.items():
        origin = f"{path}:{_line_of(name, text)}"
        if name in gathered.known:
            gathered.give(name, value, origin)
        else:
            gathered.unknown(name, origin, gathered.known)


def _line_of(name: str, text: str) -> int:
    # The parser does not tell. A line within a text that looks like this one is not worth a parser.
    found = re.search(rf"^[ \t]*\[*[ \t]*[\"']?{re.escape(name)}\b", text, re.MULTILINE)
    return 1 if found is None else text.count("\n", 0, found.start()) + 1
