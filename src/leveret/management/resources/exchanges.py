"""/api/exchanges: exchanges."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from leveret.management.answers import BindingAnswer, ExchangeAnswer
from leveret.management.arguments import table_of
from leveret.management.authorisation import CHANGE_OBJECTS, READ_OBJECTS
from leveret.management.calls import Call, changed, check_new_name, created
from leveret.management.families import EXCHANGES
from leveret.management.lists import listed
from leveret.management.refusals import not_found
from leveret.management.resources.bindings import listed_bindings
from leveret.management.routing import Route
from leveret.management.views import exchange_view

if TYPE_CHECKING:
    from starlette.responses import Response

    from leveret.broker.seams import Exchange


class ExchangeBody(msgspec.Struct):
    type: str = "direct"
    durable: bool = False
    auto_delete: bool = False
    internal: bool = False
    arguments: dict[str, Any] | list[Any] = {}


async def list_all(call: Call) -> Response:
    return await listed(call, EXCHANGES, sees=call.sees_vhosts())


async def list_in_vhost(call: Call) -> Response:
    return await listed(call, EXCHANGES, call.vhost.name)


async def show_exchange(call: Call) -> Response:
    exchange = _exchange(call)
    view = exchange_view(call.management, call.vhost, exchange)
    view |= call.statistics.exchange(exchange)
    view["incoming"] = []
    view["outgoing"] = []
    return call.found(view)


async def put_exchange(call: Call) -> Response:
    body = await call.body(ExchangeBody)
    name = call.exchange_name()
    check_new_name("exchange name", name)
    arguments = table_of(body.arguments)
    vhost = call.vhost
    known = name in vhost.exchanges
    await call.done(
        vhost.declare_exchange(
            call.actor, name, body.type, body.durable, body.auto_delete, body.internal, arguments
        )
    )
    return changed() if known else created()


async def delete_exchange(call: Call) -> Response:
    exchange = _exchange(call)
    await call.done(call.vhost.delete_exchange(call.actor, exchange.name, call.flag("if-unused")))
    return changed()


async def bindings_with_source(call: Call) -> Response:
    vhost, exchange = call.vhost, _exchange(call)
    from_default = vhost.queues if exchange.name == "" else ()
    return await listed_bindings(call, [*from_default, *vhost.bindings.leaving(exchange)])


async def bindings_with_destination(call: Call) -> Response:
    return await listed_bindings(call, call.vhost.bindings.reaching(_exchange(call)))


def _exchange(call: Call) -> Exchange:
    exchange = call.vhost.exchanges.get(call.exchange_name())
    if exchange is None:
        raise not_found()
    return exchange


_ONE: Final = "/exchanges/{vhost}/{exchange}"

ROUTES: Final = (
    Route("GET", "/exchanges", READ_OBJECTS, list_all, answer=list[ExchangeAnswer], paged=True),
    Route(
        "GET",
        "/exchanges/{vhost}",
        READ_OBJECTS,
        list_in_vhost,
        answer=list[ExchangeAnswer],
        paged=True,
    ),
    Route("GET", _ONE, READ_OBJECTS, show_exchange, answer=ExchangeAnswer),
    Route("PUT", _ONE, CHANGE_OBJECTS, put_exchange, body=ExchangeBody),
    Route("DELETE", _ONE, CHANGE_OBJECTS, delete_exchange, flags=("if-unused",)),
    Route(
        "GET",
        f"{_ONE}/bindings/source",
        READ_OBJECTS,
        bindings_with_source,
        answer=list[BindingAnswer],
    ),
    Route(
        "GET",
        f"{_ONE}/bindings/destination",
        READ_OBJECTS,
        bindings_with_destination,
        answer=list[BindingAnswer],
    ),
)
