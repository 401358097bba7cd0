"""Fill in the tables of docs/ that are made from the code's own tables.

A page marks the place with `<!-- generated: NAME -->` and `<!-- end of generated -->`; what stands
between the two is replaced, the rest is written by hand. Run `make docs`, or
`python tools/generate_docs.py` in the project's root.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import msgspec

from leveret.broker.arguments import ARGUMENTS, CONSUMER_ARGUMENTS, Argument
from leveret.broker.compat import DIFFERENCES, LEVELS
from leveret.broker.policy_settings import SETTINGS
from leveret.config import PREFIX, RABBITMQ_VARIABLES, Config, setting_rows

DOCS = Path(__file__).parent.parent / "docs"

BLOCK = re.compile(r"(<!-- generated: ([a-z-]+) -->\n).*?(<!-- end of generated -->)", re.DOTALL)


def table(heads: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A table; a bar inside a cell would end the cell."""
    lines = [list(heads)]
    lines.append(["---"] * len(lines[0]))
    lines += [[cell.replace("|", "\\|") for cell in row] for row in rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


# --- docs/configuration.md ---


def settings() -> str:
    """Every setting, with its variable, what it may be, its default and its meaning."""
    schema = msgspec.json.schema(Config)["$defs"]["Config"]["properties"]
    return table(
        ("Setting", "Type", "Default", "Meaning"),
        (
            (f"`{name}`", _type(schema[name], default), _toml(default), meaning)
            for name, _type_name, default, meaning in setting_rows()
        ),
    )


def rabbitmq_variables() -> str:
    """RabbitMQ's own variables."""
    return table(
        ("Variable", "Setting"),
        ((f"`{variable}`", f"`{name}`") for variable, name in RABBITMQ_VARIABLES.items()),
    )


def environment_prefix() -> str:
    """How a setting's variable is formed, with an example that is one."""
    name = Config.__struct_fields__[1]
    return f"`{PREFIX}` and the setting's name in capitals: `{name}` is `{PREFIX}{name.upper()}`.\n"


def _type(schema: Mapping[str, object], default: object) -> str:
    either = schema.get("anyOf")
    if default is None and isinstance(either, list):
        # A value or none; only whole numbers have that.
        return _type(either[0], 0)
    options = schema.get("enum")
    if isinstance(options, list):
        # The default is the first row's value; the schema sorts the words.
        words = sorted(options, key=lambda word: (word != default, word))
        return " or ".join(f"`{_word(word)}`" for word in words)
    if isinstance(default, bool):
        return "true or false"
    if isinstance(default, tuple):
        return "list of texts"
    if isinstance(default, str):
        return "text"
    kind = "integer" if isinstance(default, int) else "number"
    low, high = schema.get("minimum"), schema.get("maximum")
    if high is not None:
        return f"{kind}, {low} to {high}"
    return f"{kind}, {low} or more"


def _word(word: object) -> str:
    return f'"{word}"'


def _toml(value: object) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, tuple):
        return f"`[{', '.join(map(_word, value))}]`"
    return f"`{_word(value) if isinstance(value, str) else value}`"


# --- docs/arguments.md ---


def queue_arguments() -> str:
    """The arguments of queue.declare."""
    return _arguments(ARGUMENTS.values())


def consumer_arguments() -> str:
    """The arguments of basic.consume."""
    return _arguments(CONSUMER_ARGUMENTS.values())


def _arguments(rows: Iterable[Argument]) -> str:
    return table(
        ("Argument", "Queue types", "Obeyed", "Meaning"),
        (
            (
                f"`{row.name}`",
                ", ".join(sorted(row.queue_types)),
                "yes" if row.obeyed else "no",
                row.doc,
            )
            for row in rows
        ),
    )


# --- docs/policies.md ---


def policy_settings() -> str:
    """What the definition of a policy may hold."""
    return table(
        ("Setting", "Queue types", "Operator policies", "Meaning"),
        (
            (
                f"`{row.name}`",
                ", ".join(sorted(row.queue_types)),
                "yes" if row.operator else "no",
                row.doc,
            )
            for row in SETTINGS.values()
        ),
    )


# --- docs/compatibility.md ---


def compat_levels() -> str:
    """What RabbitMQ's releases answer differently."""
    return table(
        ("What", *(f"`{level}`" for level in LEVELS), "Per vhost"),
        (
            (row.doc, *map(_answer, row.values), _answer(not row.server_wide))
            for row in DIFFERENCES.values()
        ),
    )


def _answer(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, bytes):
        return f"`{value[:4].decode()} {' '.join(map(str, value[4:]))}`"
    return str(value)


BLOCKS: dict[str, Callable[[], str]] = {
    "compat-levels": compat_levels,
    "consumer-arguments": consumer_arguments,
    "environment-prefix": environment_prefix,
    "queue-arguments": queue_arguments,
    "rabbitmq-variables": rabbitmq_variables,
    "settings": settings,
    "policy-settings": policy_settings,
}


def generated(page: str) -> str:
    """The text of a page with its generated parts made anew."""
    return BLOCK.sub(lambda found: f"{found[1]}\n{BLOCKS[found[2]]()}\n{found[3]}", page)


def main() -> None:
    """Rewrite the pages that have generated parts."""
    for path in sorted(DOCS.rglob("*.md")):
        page = path.read_text(encoding="utf-8")
        if generated(page) != page:
            path.write_text(generated(page), encoding="utf-8")


if __name__ == "__main__":
    main()
