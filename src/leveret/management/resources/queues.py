"""/api/queues: queues and what is in them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from leveret.management.answers import BindingAnswer, QueueAnswer
from leveret.management.arguments import table_of
from leveret.management.authorisation import CHANGE_OBJECTS, READ_OBJECTS
from leveret.management.calls import Call, changed, check_new_name, created
from leveret.management.families import QUEUES
from leveret.management.lists import listed
from leveret.management.refusals import bad_request, not_found
from leveret.management.resources.bindings import listed_bindings
from leveret.management.routing import Route
from leveret.management.totals import consumers_of
from leveret.management.views import (
    consumer_view,
    queue_view,
)

if TYPE_CHECKING:
    from starlette.responses import Response

    from leveret.broker.queues.classic import ClassicQueue


class QueueBody(msgspec.Struct):
    durable: bool = False
    auto_delete: bool = False
    arguments: dict[str, Any] | list[Any] = {}
    node: str = ""


async def list_all(call: Call) -> Response:
    return await listed(call, QUEUES, sees=call.sees_vhosts())


async def list_in_vhost(call: Call) -> Response:
    return await listed(call, QUEUES, call.vhost.name)


async def show_queue(call: Call) -> Response:
    queue = _queue(call)
    management = call.management
    view = queue_view(management, call.vhost, queue)
    view["consumer_details"] = [
        consumer_view(management, consumer) for consumer in consumers_of(queue)
    ]
    view |= call.statistics.queue(queue)
    view["deliveries"] = []
    view["incoming"] = []
    return call.found(view)


async def put_queue(call: Call) -> Response:
    body = await call.body(QueueBody)
    name = call.names["queue"]
    check_new_name("queue name", name)
    node = call.management.node.name
    if body.node not in ("", node):
        raise bad_request(f"there is no node '{body.node}': this is '{node}'")
    arguments = table_of(body.arguments)
    vhost = call.vhost
    known = name in vhost.queues
    await call.done(
        vhost.declare_queue(call.actor, name, body.durable, False, body.auto_delete, arguments)
    )
    return changed() if known else created()


async def delete_queue(call: Call) -> Response:
    queue = _queue(call)
    await call.done(
        call.vhost.delete_queue(
            call.actor, queue.name, call.flag("if-unused"), call.flag("if-empty")
        )
    )
    return changed()


async def purge_queue(call: Call) -> Response:
    queue = _queue(call)
    await call.done(call.vhost.purge_queue(call.actor, queue.name))
    return changed()


async def list_bindings(call: Call) -> Response:
    queue = _queue(call)
    return await listed_bindings(call, [queue.name, *call.vhost.bindings.reaching(queue)])


def _queue(call: Call) -> ClassicQueue:
    queue = call.vhost.queues.get(call.names["queue"])
    if queue is None:
        raise not_found()
    return queue


_ONE: Final = "/queues/{vhost}/{queue}"

ROUTES: Final = (
    Route("GET", "/queues", READ_OBJECTS, list_all, answer=list[QueueAnswer], paged=True),
    Route("GET", "/queues/detailed", READ_OBJECTS, list_all, answer=list[QueueAnswer], paged=True),
    Route(
        "GET", "/queues/{vhost}", READ_OBJECTS, list_in_vhost, answer=list[QueueAnswer], paged=True
    ),
    Route("GET", _ONE, READ_OBJECTS, show_queue, answer=QueueAnswer),
    Route("PUT", _ONE, CHANGE_OBJECTS, put_queue, body=QueueBody),
    Route("DELETE", _ONE, CHANGE_OBJECTS, delete_queue, flags=("if-empty", "if-unused")),
    Route("GET", f"{_ONE}/bindings", READ_OBJECTS, list_bindings, answer=list[BindingAnswer]),
    Route("DELETE", f"{_ONE}/contents", CHANGE_OBJECTS, purge_queue),
)
