"""headers: the binding's arguments are compared with the message's headers (spec §3.1.3.4)."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from mypy_extensions import mypyc_attr

from leveret.broker.arguments import printed
from leveret.broker.names import erlang_binary
from leveret.broker.seams import Binding, Destination, Exchange
from leveret.errors import PreconditionFailed
from leveret.wire.table import KIND_NAMES, Field

if TYPE_CHECKING:
    from collections.abc import Callable

    from leveret.wire.properties import Properties
    from leveret.wire.table import Table

MATCHES: Final = ("all", "any", "all-with-x", "any-with-x")
_VOID: Final = ord("V")
_LONG_STRING: Final = ord("S")


@mypyc_attr(allow_interpreted_subclasses=True)
class HeadersExchange(Exchange):
    type_name: ClassVar[str] = "headers"

    def __init__(
        self, name: str, durable: bool, auto_delete: bool, internal: bool, arguments: Table
    ) -> None:
        super().__init__(name, durable, auto_delete, internal, arguments)
        self.routes_each_key = False
        self.per_message = True
        self._bindings: dict[Binding, None] = {}

    def check_binding(self, routing_key: str, arguments: Table) -> None:
        match = arguments.get("x-match")
        if match is None:
            return
        if match.kind != _LONG_STRING or not isinstance(match.value, bytes):
            raise PreconditionFailed(
                f"Invalid x-match field type {KIND_NAMES[match.kind]} "
                f"(value {printed(match)}); expected longstr"
            )
        if match.value.decode(errors="replace") not in MATCHES:
            raise PreconditionFailed(
                f"Invalid x-match field value {erlang_binary(match.value)}; "
                "expected all, any, all-with-x, or any-with-x"
            )

    def bind(self, binding: Binding) -> None:
        self._bindings[binding] = None

    def unbind(self, binding: Binding) -> None:
        del self._bindings[binding]

    def route(self, routing_key: str, properties: Callable[[], Properties]) -> list[Destination]:
        if not self._bindings:
            return []
        present = properties().headers or {}
        return [binding.destination for binding in self._bindings if _matches(binding, present)]


def _matches(binding: Binding, headers: Table) -> bool:
    kind = "all"
    match = binding.arguments.get("x-match")
    if match is not None and isinstance(match.value, bytes):
        kind = match.value.decode()
    with_x = kind.endswith("-with-x")
    wants_all = kind.startswith("all")
    for name, wanted in binding.arguments.items():
        if name == "x-match" or (name.startswith("x-") and not with_x):
            continue
        found = _same(wanted, headers.get(name))
        if found != wants_all:
            return found
    return wants_all


def _same(wanted: Field, found: Field | None) -> bool:
    """Equal by value; a void argument only asks for the header to be there."""
    if found is None:
        return False
    if wanted.kind == _VOID:
        return True
    # By value, not by type: 1 is 1.0. But true is no number.
    if isinstance(wanted.value, bool) != isinstance(found.value, bool):
        return False
    return bool(wanted.value == found.value)
