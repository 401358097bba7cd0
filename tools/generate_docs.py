"""Fill in the tables of docs/ that are made from the code's own tables.

A page marks the place with `<!-- generated: NAME -->` and `<!-- end of generated -->`; what stands
between the two is replaced, the rest is written by hand. Run `make docs`, or
`python tools/generate_docs.py` in the project's root.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from leveret.broker.arguments import ARGUMENTS, CONSUMER_ARGUMENTS, Argument
from leveret.broker.compat import DIFFERENCES, LEVELS
from leveret.broker.policy_settings import SETTINGS
from leveret.cli.ctl.examples import EXAMPLES
from leveret.cli.ctl.refused import REASONS
from leveret.config import Config, is_reloadable, setting_rows
from leveret.management.authorisation import ALL, NOTHING, OPERATIONS, OWN, TAGS
from leveret.management.resources import ROUTES
from leveret.sources.keys import KEYS
from leveret.sources.keys import NOT_OBEYED as KEYS_NOT_OBEYED
from leveret.sources.values import Only
from leveret.sources.variables import NOT_OBEYED as VARIABLES_NOT_OBEYED
from leveret.sources.variables import PREFIX, RABBITMQ_VARIABLES

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
    """Every setting: what it may be, its default, whether a running broker takes another value,
    RabbitMQ's names for it, and its meaning."""
    schema = msgspec.json.schema(Config)["$defs"]["Config"]["properties"]
    return table(
        ("Setting", "Type", "Default", "Reload", "In rabbitmq.conf", "Meaning"),
        (
            (
                f"`{name}`",
                _type(schema[name], default),
                _toml(default),
                "yes" if is_reloadable(name) else "",
                ", ".join(_keys_of(name)),
                meaning,
            )
            for name, _type_name, default, meaning in setting_rows()
        ),
    )


def _keys_of(setting: str) -> list[str]:
    keys = [f"`{key.shown}`" for key in KEYS if setting in key.setting.split()]
    # Tables have a key for each field.
    return keys if len(keys) < 4 else [keys[0], "..."]


def keys_with_one_value() -> str:
    """The keys of rabbitmq.conf that have one value."""
    return table(
        ("Key", "Obeyed", "Otherwise"),
        (
            (f"`{key.shown}`", " ".join(f"`{word}`" for word in only.accepted), only.why)
            for key in KEYS
            if isinstance(only := key.convert, Only)
        ),
    )


def keys_not_obeyed() -> str:
    """The keys of rabbitmq.conf that are known and not obeyed."""
    return table(("Key", "Why not"), ((f"`{key}`", why) for key, why in KEYS_NOT_OBEYED))


def rabbitmq_variables() -> str:
    """RabbitMQ's own variables."""
    rows = [(f"`{variable}`", f"`{row[0]}`") for variable, row in RABBITMQ_VARIABLES.items()]
    rows += [(f"`{variable}`", why) for variable, why in VARIABLES_NOT_OBEYED.items()]
    return table(("Variable", "Setting, or why it is not obeyed"), rows)


def environment_prefix() -> str:
    """How a setting's variable is formed, with an example that is one."""
    name = "amqp_port"
    return f"`{PREFIX}` and the setting's name in capitals: `{name}` is `{PREFIX}{name.upper()}`.\n"


def _type(schema: Mapping[str, Any], default: object) -> str:
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
        return "list of tables" if "$ref" in schema.get("items", {}) else "list of texts"
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


# --- docs/management.md ---


def management_rights() -> str:
    """What each tag may do, operation by operation."""
    words = {NOTHING: "", OWN: "own", ALL: "all"}
    return table(
        ("Operation", *(f"`{tag}`" for tag in TAGS)),
        (
            (
                operation.name,
                *(
                    "own vhosts"
                    if operation.in_vhost and operation.reach[tag] == OWN
                    else words[operation.reach[tag]]
                    for tag in TAGS
                ),
            )
            for operation in OPERATIONS
        ),
    )


def management_routes() -> str:
    """Every path below /api, and by what right each method is answered."""
    paths: dict[str, dict[str, list[str]]] = {}
    for route in ROUTES:
        paths.setdefault(route.path, {}).setdefault(route.operation.name, []).append(route.method)
    return table(
        ("Path below `/api`", "Methods, and the operation that they are"),
        (
            (
                f"`{path}`",
                "; ".join(f"{', '.join(methods)}: {name}" for name, methods in by_right.items()),
            )
            for path, by_right in paths.items()
        ),
    )


# --- docs/ctl.md ---


def _verbs(names: Iterable[str]) -> str:
    return table(
        ("Verb", "Example"),
        ((f"`{name}`", f"`leveret ctl {EXAMPLES[name][0]}`") for name in names),
    )


def verbs() -> str:
    """The verbs, each with an example."""
    return _verbs(name for name in EXAMPLES if name not in REASONS)


def refused_verbs() -> str:
    """Those that are refused."""
    return _verbs(name for name in EXAMPLES if name in REASONS)


BLOCKS: dict[str, Callable[[], str]] = {
    "compat-levels": compat_levels,
    "consumer-arguments": consumer_arguments,
    "environment-prefix": environment_prefix,
    "management-rights": management_rights,
    "management-routes": management_routes,
    "keys-not-obeyed": keys_not_obeyed,
    "keys-with-one-value": keys_with_one_value,
    "refused-verbs": refused_verbs,
    "verbs": verbs,
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
