"""x-message-deduplication: fanout, but a message that it has seen before leads nowhere.

Messages are the same if their header `x-deduplication-header` has the same value; those without it
are never. The exchange remembers the newest `x-cache-size` values, each for as long as the
message's header or else the exchange's argument `x-cache-ttl` says (milliseconds; without either
until newer ones take its place). This is the contract of the plugin of that name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from mypy_extensions import mypyc_attr

from leveret.broker.arguments import printed
from leveret.broker.seams import Binding, Destination, Exchange
from leveret.errors import PreconditionFailed

if TYPE_CHECKING:
    from collections.abc import Callable

    from leveret.wire.field import Field
    from leveret.wire.properties import Properties
    from leveret.wire.table import Table

HEADER: Final = "x-deduplication-header"
CACHE_SIZE: Final = "x-cache-size"
CACHE_TTL: Final = "x-cache-ttl"
CACHE_PERSISTENCE: Final = "x-cache-persistence"
_FOREVER: Final = float("inf")


@mypyc_attr(allow_interpreted_subclasses=True)
class DeduplicationExchange(Exchange):
    type_name: ClassVar[str] = "x-message-deduplication"

    def __init__(
        self, name: str, durable: bool, auto_delete: bool, internal: bool, arguments: Table
    ) -> None:
        super().__init__(name, durable, auto_delete, internal, arguments)
        self.routes_each_key = False
        self.per_message = True
        self._size = _positive(arguments.get(CACHE_SIZE))
        if self._size == 0:
            raise _invalid("Missing or invalid", CACHE_SIZE, "must be an integer greater than 0")
        self._ttl_ms = _positive(arguments.get(CACHE_TTL))
        if self._ttl_ms == 0 and CACHE_TTL in arguments:
            raise _invalid("Invalid", CACHE_TTL, "must be an integer greater than 0")
        persistence = arguments.get(CACHE_PERSISTENCE)
        if persistence is not None and printed(persistence) != "memory":
            raise _invalid("Invalid", CACHE_PERSISTENCE, "can only be 'memory'")
        self._bindings: dict[Binding, None] = {}
        # When each value is forgotten, the newest last.
        self._seen: dict[str, float] = {}

    def bind(self, binding: Binding) -> None:
        self._bindings[binding] = None

    def unbind(self, binding: Binding) -> None:
        del self._bindings[binding]

    def route(self, routing_key: str, properties: Callable[[], Properties]) -> list[Destination]:
        headers = properties().headers or {}
        field = headers.get(HEADER)
        if field is not None and self._has_seen(field, headers.get(CACHE_TTL)):
            return []
        return [binding.destination for binding in self._bindings]

    def _has_seen(self, field: Field, ttl: Field | None) -> bool:
        value = printed(field)
        now = self.now()
        seen = self._seen
        if seen.get(value, now) > now:
            return True
        seen.pop(value, None)
        if len(seen) >= self._size:
            del seen[next(iter(seen))]
        ttl_ms = _positive(ttl) or self._ttl_ms
        seen[value] = now + ttl_ms / 1000 if ttl_ms else _FOREVER
        return False


def _positive(field: Field | None) -> int:
    """A number above 0, which may be written as text; 0 for all else."""
    if field is None or isinstance(field.value, bool):
        return 0
    if isinstance(field.value, bytes) and field.value.isdigit():
        return int(field.value[:18])
    return field.value if isinstance(field.value, int) and field.value > 0 else 0


def _invalid(how: str, argument: str, must: str) -> PreconditionFailed:
    return PreconditionFailed(f"{how} argument, '{argument}' {must}")
