"""Write `leveret.wire.constants` and `leveret.wire.methods` from `tools/specification.py`.

Run `python tools/generate_wire.py` in the project's root. The text comes out formatted.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import specification
from specification import Field, Method

HEADER = '''"""{reason}

Generated from `tools/specification.py` by `python tools/generate_wire.py`; do not edit.
"""
'''

WIRE = Path(__file__).parent.parent / "src" / "leveret" / "wire"

# Wire type: Python type, default, text of the default.
TYPES = {
    "octet": ("int", "0"),
    "short": ("int", "0"),
    "long": ("int", "0"),
    "longlong": ("int", "0"),
    "shortstr": ("str", '""'),
    "longstr": ("bytes", 'b""'),
    "bit": ("bool", "False"),
    "table": ("Table | None", "None"),
}
# A reserved field is written as the zero of its type.
ZEROS = {"octet": 1, "short": 2, "long": 4, "longlong": 8, "shortstr": 1, "longstr": 4, "table": 4}


def constant_name(method: Method) -> str:
    return method.full_name.upper().replace(".", "_").replace("-", "_")


def class_name(method: Method) -> str:
    return "".join(part.capitalize() for part in method.full_name.replace("-", ".").split("."))


def method_id(method: Method) -> str:
    return f"0x{method.class_id << 16 | method.method_id:08X}"


def constants() -> str:
    lines = [HEADER.format(reason="The numbers of AMQP 0-9-1."), "from typing import Final", ""]
    lines += [f"PROTOCOL_HEADER: Final = {octets(specification.PROTOCOL_HEADER)}", ""]
    for name, number in specification.FRAMES.items():
        lines.append(f"{name}: Final = {hex_octet(number) if name == 'FRAME_END' else number}")
    lines.append("")
    lines += [f"{reply.name}: Final = {reply.code}" for reply in specification.REPLY_CODES]
    lines += ["", "REPLY_NAMES: Final[dict[int, str]] = {"]
    lines += [f'    {reply.name}: "{reply.name}",' for reply in specification.REPLY_CODES]
    lines += ["}", "", "# These close the connection; the others close the channel."]
    lines += ["HARD_ERRORS: Final[frozenset[int]] = frozenset(", "    {"]
    lines += [f"        {reply.name}," for reply in specification.REPLY_CODES if reply.hard]
    lines += ["    }", ")", ""]
    for name, number in specification.CLASSES.items():
        lines.append(f"CLASS_{name.upper()}: Final = {number}")
    lines += ["", "# A method's id is its class id << 16 | its own id."]
    for method in specification.METHODS:
        lines.append(f"{constant_name(method)}: Final = {method_id(method)}")
    lines += ["", "# Flags of the basic properties in the property flags word."]
    for basic_property in specification.PROPERTIES:
        lines.append(f"FLAG_{basic_property.name.upper()}: Final = 0x{basic_property.flag:04X}")
    return "\n".join(lines) + "\n"


def hex_octet(number: int) -> str:
    return f"0x{number:02X}"


def octets(value: bytes) -> str:
    shown = "".join(chr(o) if chr(o).isalpha() and o < 128 else f"\\x{o:02x}" for o in value)
    return f'b"{shown}"'


def methods() -> str:
    lines = [HEADER.format(reason="A class for each method of AMQP 0-9-1.")]
    types = {field.type for method in specification.METHODS for field in method.fields}
    kept = {f.type for m in specification.METHODS for f in m.fields if not f.reserved}
    imports = {"ARGUMENTS_OFFSET", "finish"}
    imports |= {f"read_{type_}" for type_ in types - {"bit"}} | {"read_octet"}
    imports |= {"bits" if type_ == "bit" else type_ for type_ in kept}
    lines += [
        "from typing import ClassVar, Final, Self",
        "",
        "from leveret.wire.errors import MalformedFrame, UnknownMethod",
        "from leveret.wire.field import Table",
        "from leveret.wire.scalars import (",
        *(f"    {name}," for name in sorted(imports)),
        ")",
        "",
        "",
        *BASE.splitlines(),
    ]
    for method in specification.METHODS:
        lines += ["", "", *method_class(method)]
    lines += ["", "", "METHODS: Final[dict[int, type[Method]]] = {"]
    for method in specification.METHODS:
        lines.append(f"    {method_id(method)}: {class_name(method)},")
    lines += ["}", "", "", *DECODE_METHOD.splitlines()]
    return "\n".join(lines) + "\n"


def method_class(method: Method) -> list[str]:
    kept = [field for field in method.fields if not field.reserved]
    lines = [
        f"class {class_name(method)}(Method):",
        f"    __slots__ = {slots([field.name for field in kept])}",
        "",
        f"    method_id = {method_id(method)}",
        f'    name = "{method.full_name}"',
    ]
    if method.has_content:
        lines.append("    has_content = True")
    if method.replies:
        lines.append("    synchronous = True")
    secrets = [field.name for field in kept if field.name in specification.SECRETS]
    if secrets:
        lines.append(f"    secrets = {slots(secrets)}")
    if kept:
        lines += ["", *initialiser(kept), "", *fields_method(kept)]
    return [*lines, "", *encoder(method), "", *decoder(method)]


def slots(fields: list[str]) -> str:
    names = [f'"{name}"' for name in sorted(fields)]
    if len(names) == 1:
        return f"({names[0]},)"
    on_one_line = f"({', '.join(names)})"
    if len(on_one_line) <= 100 - len("    __slots__ = "):
        return on_one_line
    return "(\n" + "".join(f"        {name},\n" for name in names) + "    )"


def initialiser(kept: list[Field]) -> list[str]:
    lines = ["    def __init__(", "        self,"]
    for field in kept:
        type_, default = TYPES[field.type]
        lines.append(f"        {field.name}: {type_} = {default},")
    lines.append("    ) -> None:")
    for field in kept:
        if field.type == "table":
            value = f"{{}} if {field.name} is None else {field.name}"
            lines.append(f"        self.{field.name}: Table = {value}")
        else:
            lines.append(f"        self.{field.name} = {field.name}")
    return lines


def fields_method(kept: list[Field]) -> list[str]:
    return [
        "    def fields(self) -> dict[str, object]:",
        "        return {",
        *(f'            "{field.name}": self.{field.name},' for field in kept),
        "        }",
    ]


def runs(fields: tuple[Field, ...]) -> list[list[Field]]:
    """Fields by the octets they share: consecutive bits together, all others alone."""
    grouped: list[list[Field]] = []
    for field in fields:
        if field.type == "bit" and grouped and grouped[-1][0].type == "bit":
            grouped[-1].append(field)
        else:
            grouped.append([field])
    return grouped


def encoder(method: Method) -> list[str]:
    constant = method.class_id.to_bytes(2, "big") + method.method_id.to_bytes(2, "big")
    parts: list[bytes | str] = [constant]
    for run in runs(method.fields):
        if all(field.reserved for field in run):
            zero = bytes(ZEROS.get(run[0].type, 1))
            if isinstance(parts[-1], bytes):
                parts[-1] += zero
            else:
                parts.append(zero)
        elif run[0].type == "bit":
            flags = ["False" if field.reserved else f"self.{field.name}" for field in run]
            parts.append(f"bits({', '.join(flags)})")
        else:
            parts.append(f"{run[0].type}(self.{run[0].name})")
    texts = [octets(part) if isinstance(part, bytes) else part for part in parts]
    lines = ["    def encode(self) -> bytes:"]
    if len(texts) == 1:
        return [*lines, f"        return {texts[0]}"]
    lines += ['        return b"".join(', "            ("]
    for text in texts:
        if len(text) + 17 <= 100:
            lines.append(f"                {text},")
        else:
            flags = text.removeprefix("bits(").removesuffix(")").split(", ")
            lines.append("                bits(")
            lines += [f"                    {flag}," for flag in flags]
            lines.append("                ),")
    return [*lines, "            )", "        )"]


def decoder(method: Method) -> list[str]:
    lines = [
        "    @classmethod",
        "    def decode(cls, payload: bytes, offset: int) -> Self:",
    ]
    arguments: list[str] = []
    for run in runs(method.fields):
        if run[0].type != "bit":
            name = "_" if run[0].reserved else run[0].name
            lines.append(f"        {name}, offset = read_{run[0].type}(payload, offset)")
            if not run[0].reserved:
                arguments.append(run[0].name)
        elif all(field.reserved for field in run):
            lines.append("        _, offset = read_octet(payload, offset)")
        else:
            lines.append("        octet_, offset = read_octet(payload, offset)")
            arguments += [
                f"octet_ & {1 << place} != 0"
                for place, field in enumerate(run)
                if not field.reserved
            ]
    lines.append("        finish(payload, offset)")
    if not arguments:
        return [*lines, "        return cls()"]
    return [*lines, "        return cls(", *(f"            {a}," for a in arguments), "        )"]


BASE = '''class Method:
    """A method and its arguments. Reserved fields are written as zero and have no name here."""

    __slots__ = ()

    method_id: ClassVar[int] = 0
    name: ClassVar[str] = ""
    has_content: ClassVar[bool] = False
    # Whether the sender waits for a reply, unless it sets `nowait`.
    synchronous: ClassVar[bool] = False
    # Fields that `repr`, and so a log, must not show.
    secrets: ClassVar[tuple[str, ...]] = ()

    def fields(self) -> dict[str, object]:
        return {}

    def encode(self) -> bytes:
        """The payload of a method frame: class id, method id, arguments."""
        raise NotImplementedError

    @classmethod
    def decode(cls, payload: bytes, offset: int) -> Self:
        """The method whose arguments begin at `offset` and fill the rest of `payload`."""
        raise NotImplementedError

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Method):
            return NotImplemented
        return type(other) is type(self) and other.fields() == self.fields()

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        shown = (
            f"{name}=<hidden>" if name in self.secrets else f"{name}={value!r}"
            for name, value in self.fields().items()
        )
        return f"{type(self).__name__}({', '.join(shown)})"'''

DECODE_METHOD = '''def decode_method(payload: bytes) -> Method:
    """The method in a method frame's payload."""
    if len(payload) < ARGUMENTS_OFFSET:
        octets = ",".join(map(str, payload))
        raise MalformedFrame(f"type 1, all octets = <<{octets}>>: unknown_frame")
    method = METHODS.get(int.from_bytes(payload[:ARGUMENTS_OFFSET], "big"))
    if method is None:
        raise UnknownMethod(
            int.from_bytes(payload[:2], "big"),
            int.from_bytes(payload[2:ARGUMENTS_OFFSET], "big"),
        )
    return method.decode(payload, ARGUMENTS_OFFSET)'''


def main() -> None:
    (WIRE / "constants.py").write_text(constants(), encoding="utf-8")
    (WIRE / "methods.py").write_text(methods(), encoding="utf-8")


if __name__ == "__main__":
    main()
