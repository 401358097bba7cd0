"""Values as RabbitMQ's texts print them: Erlang terms, on one line."""

from typing import Final

from leveret.wire.field import (
    KIND_ARRAY,
    KIND_DECIMAL,
    KIND_NAMES,
    KIND_TABLE,
    KIND_VOID,
    Field,
)

_ESCAPES: Final = {
    ord('"'): '\\"',
    ord("\\"): "\\\\",
    ord("\b"): "\\b",
    ord("\t"): "\\t",
    ord("\n"): "\\n",
    ord("\v"): "\\v",
    ord("\f"): "\\f",
    ord("\r"): "\\r",
    0x1B: "\\e",
}


def term(value: object) -> str:
    """A value as JSON knows it: text is a binary, an object a map, null an atom."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case float():
            return _float(value)
        case str():
            return _binary(value)
        case list():
            return _list(value)
        case dict():
            fields = ",".join(f"{term(key)} => {term(value[key])}" for key in sorted(value))
            return f"#{{{fields}}}"
        case _:
            return str(value)


def pairs(values: dict[str, object]) -> str:
    """An object as a list of pairs."""
    return f"[{','.join(f'{{{term(key)},{term(value)}}}' for key, value in values.items())}]"


def field_term(name: str, field: Field) -> str:
    """A field of a table: its name, its type, its value."""
    name_term = _octets(name.encode("utf-8", "surrogateescape"))
    return f"{{{name_term},{KIND_NAMES[field.kind]},{_field_value(field)}}}"


def _field_value(field: Field) -> str:
    value = field.value
    if field.kind == KIND_TABLE:
        assert isinstance(value, dict)
        return f"[{','.join(field_term(name, each) for name, each in value.items())}]"
    if field.kind == KIND_ARRAY:
        assert isinstance(value, list)
        return f"[{','.join(f'{{{KIND_NAMES[e.kind]},{_field_value(e)}}}' for e in value)}]"
    if field.kind == KIND_DECIMAL:
        assert isinstance(value, tuple)
        return f"{{{value[0]},{value[1]}}}"
    if field.kind == KIND_VOID:
        return "undefined"
    return _octets(value) if isinstance(value, bytes) else term(value)


def _binary(text: str) -> str:
    # What is no character is to be shown as well: it is why the text is refused.
    return _octets(text.encode(errors="surrogatepass"))


def _octets(octets: bytes) -> str:
    if not octets:
        return "<<>>"
    if all(_is_printable(octet) for octet in octets):
        text = octets.decode(errors="surrogateescape")
        return f'<<"{text.translate(_ESCAPES)}">>'
    return f"<<{','.join(str(octet) for octet in octets)}>>"


def _list(values: list[object]) -> str:
    # A list of characters is what Erlang takes for text.
    characters = [value for value in values if type(value) is int and 0 <= value < 256]
    if values and len(characters) == len(values) and all(map(_is_printable, characters)):
        return f'"{bytes(characters).decode("latin-1").translate(_ESCAPES)}"'
    return f"[{','.join(term(value) for value in values)}]"


def _is_printable(octet: int) -> bool:
    return 32 <= octet < 127 or octet >= 160 or (octet in _ESCAPES)


def _float(value: float) -> str:
    mantissa, exponential, exponent = repr(value).partition("e")
    if not exponential:
        return mantissa
    return f"{mantissa if '.' in mantissa else mantissa + '.0'}e{int(exponent)}"
