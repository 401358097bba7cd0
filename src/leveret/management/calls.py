"""One request: who asks, what the path and the body say, and how it is answered.

Paths are split before they are decoded: a name may hold `/` as %2F, and every other character.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final, TypeVar
from urllib.parse import unquote_to_bytes

import msgspec
from starlette.responses import Response

from leveret.management.authorisation import READ_OBJECTS
from leveret.management.pending import answered
from leveret.management.refusals import bad_request, login_failed, no_vhost, not_found
from leveret.management.statistics import Ranges, Statistics

if TYPE_CHECKING:
    from starlette.requests import Request

    from leveret.amqp.connection import Connection
    from leveret.broker.actor import Actor
    from leveret.broker.seams import Pending
    from leveret.broker.vhost import VHost
    from leveret.management.authorisation import Caller, Operation
    from leveret.management.context import Management

BODY_MAX_BYTES: Final = 1 << 20
NAME_MAX_BYTES: Final = 255
DEFAULT_EXCHANGE: Final = "amq.default"

Body = TypeVar("Body", bound=msgspec.Struct)


class Call:
    """What a resource works with. `names` are the decoded parts of the path, by their place."""

    def __init__(
        self, management: Management, caller: Caller, names: dict[str, str], request: Request
    ) -> None:
        self.management = management
        self.caller = caller
        self.names = names
        self._request = request

    # --- what is asked for ---

    @property
    def actor(self) -> Actor:
        """On whose behalf the broker acts."""
        return self.caller.actor

    @property
    def vhost(self) -> VHost:
        """The vhost that the path names, or 404."""
        vhost = self.management.broker.vhosts.get(self.names["vhost"])
        if vhost is None:
            if self._request.method == "PUT":
                raise no_vhost()
            raise not_found()
        return vhost

    @property
    def vhosts(self) -> list[VHost]:
        """The vhosts whose objects the caller may read, by name."""
        return self.vhosts_of(READ_OBJECTS)

    def vhosts_of(self, operation: Operation) -> list[VHost]:
        """The vhosts that an operation reaches for the caller, by name."""
        vhosts = self.management.broker.vhosts
        return [vhosts[name] for name in sorted(vhosts) if self.caller.sees_vhost(operation, name)]

    def sessions(self, operation: Operation) -> list[Connection]:
        """The open connections that an operation reaches for the caller, by name."""
        connections = [
            connection
            for connection in self.management.administration.connections()
            if self.caller.sees_session(operation, connection.user)
        ]
        return sorted(connections, key=lambda connection: connection.peer.name)

    def exchange_name(self, place: str = "exchange") -> str:
        """An exchange's name in the path; the one without a name has another there."""
        name = self.names[place]
        return "" if name == DEFAULT_EXCHANGE else name

    def flag(self, name: str) -> bool:
        """A flag of the query."""
        return self._request.query_params.get(name) == "true"

    @property
    def statistics(self) -> Statistics:
        """Statistics with the samples that the query asks for."""
        return Statistics(self.management.sampler, Ranges(self._request.query_params.get))

    def header(self, name: str) -> str | None:
        """A header, read as UTF-8."""
        value = self._request.headers.get(name)
        return None if value is None else value.encode("latin-1").decode(errors="replace")

    async def body(self, kind: type[Body]) -> Body:
        """The JSON of the request; nothing counts as an object without members."""
        octets = await self._octets()
        # A body may take minutes to come; who sent its first octet may be nobody by now.
        if not self.caller.is_current():
            raise login_failed()
        try:
            # Decoded first: what is not UTF-8 would pass in a member that nobody looks at.
            return msgspec.json.decode(octets.decode() or "{}", type=kind, strict=False)
        except msgspec.ValidationError as error:
            raise bad_request(str(error)) from None
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise bad_request("not_json") from None

    async def _octets(self) -> bytes:
        octets = bytearray()
        async for chunk in self._request.stream():
            octets += chunk
            if len(octets) > BODY_MAX_BYTES:
                refusal = bad_request(f"the body is larger than {BODY_MAX_BYTES} octets")
                # What is left of it is not wanted.
                refusal.headers["connection"] = "close"
                raise refusal
        return bytes(octets)

    async def done(self, pending: Pending) -> object:
        """Wait until the broker has done what it was asked; raises its refusal."""
        return await answered(pending)

    # --- the answer ---

    def found(self, value: object) -> Response:
        """200, with the columns that the query asks for."""
        columns = self._request.query_params.get("columns")
        if columns is not None:
            value = _only(value, frozenset(column.split(".")[0] for column in columns.split(",")))
        return json_response(200, value)


Handler = Callable[[Call], Awaitable[Response]]


class Route:
    """A path below /api, whose parts in braces are names, and what is done there by whom."""

    def __init__(self, method: str, path: str, operation: Operation, handler: Handler) -> None:
        self.method = method
        self.parts = tuple(path.strip("/").split("/"))
        self.operation = operation
        self.handler = handler

    def match(self, segments: list[str]) -> dict[str, str] | None:
        """The segments that stand for names, still encoded; None if this is another path."""
        if len(segments) != len(self.parts):
            return None
        names: dict[str, str] = {}
        for part, segment in zip(self.parts, segments, strict=True):
            if part[0] == "{":
                if not segment:
                    return None
                names[part[1:-1]] = segment
            elif part != segment:
                return None
        return names


def json_response(status: int, value: object, headers: dict[str, str] | None = None) -> Response:
    """A response whose body is JSON."""
    return Response(msgspec.json.encode(value), status, headers, media_type="application/json")


def created(location: str | None = None) -> Response:
    """201."""
    return Response(status_code=201, headers={"location": location} if location else None)


def changed() -> Response:
    """204."""
    return Response(status_code=204)


def decoded(segment: str) -> str:
    """A name out of a path. Names are UTF-8."""
    try:
        return unquote_to_bytes(segment).decode()
    except UnicodeDecodeError:
        raise bad_request("a name in the path is not UTF-8") from None


def check_new_name(kind: str, name: str) -> None:
    """Refuse a name that nothing can have: AMQP carries at most 255 octets."""
    size = len(name.encode())
    if size > NAME_MAX_BYTES:
        raise bad_request(f"a {kind} has at most {NAME_MAX_BYTES} octets, this one has {size}")


def _only(value: object, columns: frozenset[str]) -> object:
    if isinstance(value, list):
        return [_only(row, columns) for row in value]
    if isinstance(value, dict):
        return {key: value[key] for key in value if key in columns}
    return value
