"""/api/bindings: bindings, named by their two ends and their properties key."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, unquote

import msgspec

from leveret.broker.seams import Binding
from leveret.management.answers import BindingAnswer
from leveret.management.arguments import table_of
from leveret.management.authorisation import CHANGE_OBJECTS, READ_OBJECTS
from leveret.management.calls import Call, changed, check_new_name, created
from leveret.management.families import BINDINGS
from leveret.management.lists import listed, listed_of
from leveret.management.pace import batches
from leveret.management.refusals import not_found
from leveret.management.routing import Route
from leveret.management.views import binding_view, properties_key

if TYPE_CHECKING:
    from collections.abc import Iterable

    from starlette.responses import Response

    from leveret.broker.seams import Destination


class BindingBody(msgspec.Struct):
    routing_key: str = ""
    arguments: dict[str, Any] | list[Any] = {}


async def listed_bindings(call: Call, bindings: Iterable[Binding | str]) -> Response:
    """200 with bindings of the vhost in the path; a queue's name is its binding to the default
    exchange."""
    vhost = call.vhost
    return await listed_of(call, BINDINGS, [(vhost, binding) for binding in bindings])


async def list_all(call: Call) -> Response:
    return await listed(call, BINDINGS, sees=call.sees_vhosts())


async def list_in_vhost(call: Call) -> Response:
    return await listed(call, BINDINGS, call.vhost.name)


class Between:
    """The resources of bindings to a kind of destination, "queue" or "exchange"."""

    def __init__(self, kind: str) -> None:
        self.kind = kind

    async def index(self, call: Call) -> Response:
        """GET the bindings between the two."""
        found: list[Binding | str] = list(self._bindings(call))
        name = call.names["destination"]
        from_default = self.kind == "queue" and call.exchange_name("source") == ""
        if from_default and name in call.vhost.queues:
            found.insert(0, name)
        return await listed_bindings(call, found)

    async def show(self, call: Call) -> Response:
        """GET one of them."""
        return call.found(binding_view(call.vhost, await self._binding(call)))

    async def post(self, call: Call) -> Response:
        """POST another; the answer says where it is, from here."""
        body = await call.body(BindingBody)
        check_new_name("routing key", body.routing_key)
        binding = await call.done(
            call.vhost.bind(
                call.actor,
                call.exchange_name("source"),
                self.kind,
                self._destination_name(call),
                body.routing_key,
                table_of(body.arguments),
            )
        )
        assert isinstance(binding, Binding)
        # The key is encoded once to be a key, and once more to be a part of a path.
        destination = quote(call.names["destination"], safe="")
        return created(f"{destination}/{quote(properties_key(binding), safe='')}")

    async def delete(self, call: Call) -> Response:
        """DELETE one of them."""
        binding = await self._binding(call)
        await call.done(
            call.vhost.unbind(
                call.actor,
                binding.source.name,
                self.kind,
                self._destination_name(call),
                binding.routing_key,
                binding.arguments,
            )
        )
        return changed()

    def _destination_name(self, call: Call) -> str:
        if self.kind == "queue":
            return call.names["destination"]
        return call.exchange_name("destination")

    def _bindings(self, call: Call) -> list[Binding]:
        vhost = call.vhost
        source = vhost.exchanges.get(call.exchange_name("source"))
        name = self._destination_name(call)
        end: Destination | None
        end = vhost.queues.get(name) if self.kind == "queue" else vhost.exchanges.get(name)
        if source is None or end is None:
            return []
        leaving = vhost.bindings.leaving(source)
        return [binding for binding in leaving if binding.destination is end]

    async def _binding(self, call: Call) -> Binding:
        wanted = call.names["properties"]
        pace = call.management.lists.new_pace()
        decoded: Binding | None = None
        for some in batches(self._bindings(call)):
            for binding in some:
                key = properties_key(binding)
                if key == wanted:
                    return binding
                # Who puts the key into the path as it is has it decoded once too often.
                if unquote(key) == wanted:
                    decoded = binding
            await pace.rest_if_used_up()
        if decoded is None:
            raise not_found()
        return decoded


def _routes_between(letter: str, between: Between) -> tuple[Route, ...]:
    several = f"/bindings/{{vhost}}/e/{{source}}/{letter}/{{destination}}"
    one = several + "/{properties}"
    return (
        Route("GET", several, READ_OBJECTS, between.index, answer=list[BindingAnswer]),
        Route(
            "POST",
            several,
            CHANGE_OBJECTS,
            between.post,
            body=BindingBody,
            statuses=(201,),
        ),
        Route("GET", one, READ_OBJECTS, between.show, answer=BindingAnswer),
        Route("DELETE", one, CHANGE_OBJECTS, between.delete),
    )


ROUTES: Final = (
    Route("GET", "/bindings", READ_OBJECTS, list_all, answer=list[BindingAnswer]),
    Route("GET", "/bindings/{vhost}", READ_OBJECTS, list_in_vhost, answer=list[BindingAnswer]),
    *_routes_between("q", Between("queue")),
    *_routes_between("e", Between("exchange")),
)
