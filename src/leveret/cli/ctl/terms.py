"""Values as rabbitmqctl prints them: Erlang terms in tables, wire types beside values in JSON."""

from dataclasses import dataclass
from typing import Any, Final

# A signed 32-bit integer travels as `I`, what is larger as `l`.
INT_MAX: Final = 2**31 - 1


@dataclass(frozen=True)
class Cell:
    """A value whose text in a table is another than its JSON."""

    text: str
    value: object


def printable(text: str) -> str:
    """Text without control characters: a row stays a row, and no name commands a terminal."""
    if text.isprintable():
        return text
    return "".join(_escaped(character) for character in text)


def text_of(value: object) -> str:
    """A value in a table."""
    if isinstance(value, Cell):
        return printable(value.text)
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return printable(str(value))


def json_of(value: object) -> object:
    """A value for JSON; what there is none of is an empty string."""
    if isinstance(value, Cell):
        return value.value
    return "" if value is None else value


def names(values: list[str]) -> Cell:
    """A list of names: tags, members."""
    return Cell(f"[{', '.join(values)}]", values)


def table(fields: dict[str, Any]) -> Cell:
    """A field table: arguments, client properties."""
    return Cell(_term(fields), _typed_fields(fields))


def host(address: str) -> Cell:
    """An address, which Erlang keeps as a tuple of numbers."""
    from ipaddress import ip_address

    try:
        numbers = ip_address(address)
    except ValueError:
        return Cell(address, address)
    packed = numbers.packed
    if numbers.version == 4:
        return Cell(address, list(packed))
    return Cell(address, [int.from_bytes(packed[i : i + 2]) for i in range(0, 16, 2)])


def _term(value: object) -> str:
    if isinstance(value, dict):
        fields = ",".join(f"{{{_term(key)},{_term(field)}}}" for key, field in value.items())
        return f"[{fields}]"
    if isinstance(value, list):
        return f"[{','.join(_term(each) for each in value)}]"
    if isinstance(value, str):
        quoted = value.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{quoted}"'
    return "undefined" if value is None else text_of(value)


def _typed_fields(fields: dict[str, Any]) -> list[object]:
    return [[key, *_typed(value)] for key, value in fields.items()]


def _typed(value: object) -> list[object]:
    match value:
        case bool():
            return ["bool", value]
        case int():
            return ["signedint" if -INT_MAX - 1 <= value <= INT_MAX else "long", value]
        case float():
            return ["double", value]
        case str():
            return ["longstr", value]
        case list():
            return ["array", [_typed(each) for each in value]]
        case dict():
            return ["table", _typed_fields(value)]
        case _:
            return ["void", "undefined"]


def _escaped(character: str) -> str:
    if character.isprintable():
        return character
    # Characters that only look like nothing, as joiners in emoji, stay what they are.
    code = ord(character)
    is_control = code < 0x20 or 0x7F <= code < 0xA0 or code in _LINE_AND_DIRECTION
    return character.encode("unicode_escape").decode() if is_control else character


# Line separators, and the marks that reorder what stands beside them.
_LINE_AND_DIRECTION: Final = frozenset(
    {0x2028, 0x2029, *range(0x202A, 0x202F), *range(0x2066, 0x206A)}
)
