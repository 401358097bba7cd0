"""One request: who asks, what the path and the body say, and how it is answered.

Paths are split before they are decoded: a name may hold `/` as %2F, and every other character.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final, TypeVar
from urllib.parse import unquote_to_bytes

import msgspec
from starlette.responses import Response

from leveret.amqp.peer import Peer
from leveret.errors import SHORT_STRING_MAX
from leveret.management.authorisation import ALL, READ_OBJECTS, READ_SESSIONS, authorise
from leveret.management.forms import field_of_form, is_form
from leveret.management.pending import answered
from leveret.management.query import Query
from leveret.management.refusals import (
    Refusal,
    bad_request,
    keys_missing,
    login_failed,
    no_vhost,
    not_found,
)
from leveret.management.statistics import Ranges, Statistics
from leveret.management.streams import json_octets

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request

    from leveret.amqp.connection import Connection
    from leveret.broker.actor import Actor
    from leveret.broker.seams import Pending
    from leveret.broker.vhost import VHost
    from leveret.management.authorisation import Caller, Operation
    from leveret.management.context import Management
    from leveret.management.routing import Route

# For a whole body to come.
BODY_TIMEOUT_SECONDS: Final = 30.0
DEFAULT_EXCHANGE: Final = "amq.default"

Body = TypeVar("Body", bound=msgspec.Struct)


class Call:
    """What a resource works with. `names` are the decoded parts of the path, by their place."""

    def __init__(
        self,
        management: Management,
        caller: Caller,
        route: Route,
        names: dict[str, str],
        request: Request,
    ) -> None:
        self.management = management
        self.caller = caller
        self.names = names
        self._route = route
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

    def sees_vhosts(
        self, operation: Operation = READ_OBJECTS
    ) -> Callable[[tuple[VHost, object]], bool] | None:
        """Whether something in a vhost may be read; None if everything may."""
        if self.caller.reach(operation) == ALL:
            return None
        visible = set(self.vhosts_of(operation))
        return lambda found: found[0] in visible

    def vhosts_of(self, operation: Operation) -> list[VHost]:
        """The vhosts that an operation reaches for the caller, by name."""
        vhosts = self.management.broker.vhosts
        return [vhosts[name] for name in sorted(vhosts) if self.caller.sees_vhost(operation, name)]

    def sessions(self, operation: Operation) -> list[Connection]:
        """The open connections that an operation reaches for the caller."""
        connections = self.management.administration.connections()
        if self.caller.reach(operation) == ALL:
            return connections
        return [each for each in connections if self.caller.sees_session(operation, each.user)]

    def sees_sessions(self, user_of: Callable[[Any], str]) -> Callable[[Any], bool] | None:
        """Whether something of a user's session may be read; None if everything may."""
        if self.caller.reach(READ_SESSIONS) == ALL:
            return None
        return lambda thing: self.caller.sees_session(READ_SESSIONS, user_of(thing))

    def check_node(self) -> None:
        """404 unless the path names this node, the only one."""
        if self.names["node"] != self.management.node.name:
            raise not_found()

    def exchange_name(self, place: str = "exchange") -> str:
        """An exchange's name in the path; the one without a name has another there."""
        name = self.names[place]
        return "" if name == DEFAULT_EXCHANGE else name

    def flag(self, name: str) -> bool:
        """A flag of the query."""
        return self._request.query_params.get(name) == "true"

    @property
    def paged(self) -> bool:
        """Whether the list that is asked for has pages."""
        return self._route.paged

    @property
    def query(self) -> Query:
        """What the query asks for."""
        return Query(self._request.query_params)

    @property
    def statistics(self) -> Statistics:
        """Statistics with the samples that the query asks for."""
        return Statistics(self.management.sampler, Ranges(self._request.query_params.get))

    def header(self, name: str) -> str | None:
        """A header, read as UTF-8."""
        value = self._request.headers.get(name)
        return None if value is None else value.encode("latin-1").decode(errors="replace")

    @property
    def peer(self) -> Peer:
        """Where the request comes from; a peer that is gone already has no address."""
        client = self._request.client
        server: tuple[str, int | None] = self._request.scope.get("server") or ("", 0)
        return Peer(
            client.host if client else "", client.port if client else 0, server[0], server[1] or 0
        )

    async def body(self, kind: type[Body]) -> Body:
        """The JSON of the request; nothing counts as an object without members. The members that
        `kind.REQUIRED` names are there."""
        # The API's description tells what the route says.
        assert kind is self._route.body, f"the route does not name {kind.__name__}"
        octets = await self._octets(self._route.body_max_bytes)
        content_type = self.header("content-type") or ""
        if self._route.form_field and is_form(content_type):
            octets = field_of_form(octets, content_type, self._route.form_field)
        # A body may take its time; who sent its first octet may be nobody by now, or have no
        # permissions in the vhost any more.
        if not self.caller.is_current():
            raise login_failed()
        authorise(self.caller, self._route.operation, self.names.get("vhost"))
        try:
            # Decoded first: what is not UTF-8 would pass in a member that nobody looks at.
            body = msgspec.json.decode(octets.decode() or "{}", type=kind, strict=False)
        except msgspec.ValidationError as error:
            raise bad_request(str(error)) from None
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise bad_request("not_json") from None
        required: tuple[str, ...] = getattr(kind, "REQUIRED", ())
        missing = [name for name in required if getattr(body, name) is msgspec.UNSET]
        if missing:
            raise keys_missing(*missing)
        return body

    async def _octets(self, maximum: int) -> bytes:
        octets = bytearray()
        try:
            async with asyncio.timeout(BODY_TIMEOUT_SECONDS):
                async for chunk in self._request.stream():
                    octets += chunk
                    if len(octets) > maximum:
                        raise _unwanted(400, f"the body is larger than {maximum} octets")
        except TimeoutError:
            seconds = f"{BODY_TIMEOUT_SECONDS:g} s"
            raise _unwanted(408, f"the body has not come within {seconds}") from None
        return bytes(octets)

    async def done(self, pending: Pending) -> object:
        """Wait until the broker has done what it was asked; raises its refusal."""
        return await answered(pending)

    # --- the answer ---

    def found(self, value: object) -> Response:
        """200, with the columns that the query asks for, and a short list in its order. Of what
        there may be many, lists are answered by `leveret.management.lists.listed`."""
        query = self.query
        if isinstance(value, list):
            value = query.ordered(value)
        return json_response(200, query.picked(value))


def json_response(status: int, value: object, headers: dict[str, str] | None = None) -> Response:
    """A response whose body is JSON."""
    return json_octets(status, msgspec.json.encode(value), headers)


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
    if size > SHORT_STRING_MAX:
        raise bad_request(f"a {kind} has at most {SHORT_STRING_MAX} octets, this one has {size}")


def _unwanted(status: int, reason: str) -> Refusal:
    """What is left of the body is not wanted."""
    error = "bad_request" if status == 400 else "request_timeout"
    return Refusal(status, error, reason, {"connection": "close"})
