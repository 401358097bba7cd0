"""/api/queues: queues and what is in them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from leveret.management.arguments import table_of
from leveret.management.authorisation import CHANGE_OBJECTS, READ_OBJECTS
from leveret.management.calls import Call, Route, changed, check_new_name, created
from leveret.management.refusals import bad_request, not_found
from leveret.management.views import (
    binding_view,
    consumer_view,
    consumers_of,
    default_binding_view,
    queue_view,
)

if TYPE_CHECKING:
    from starlette.responses import Response

    from leveret.broker.queues.classic import ClassicQueue
    from leveret.broker.vhost import VHost


class QueueBody(msgspec.Struct):
    durable: bool = False
    auto_delete: bool = False
    arguments: dict[str, Any] | list[Any] = {}
    node: str = ""


async def list_all(call: Call) -> Response:
    return call.found([view for vhost in call.vhosts for view in _queues_of(call, vhost)])


async def list_in_vhost(call: Call) -> Response:
    return call.found(_queues_of(call, call.vhost))


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
    vhost = call.vhost
    return call.found(
        [
            default_binding_view(vhost, queue.name),
            *(binding_view(vhost, binding) for binding in vhost.bindings.reaching(queue)),
        ]
    )


def _queues_of(call: Call, vhost: VHost) -> list[dict[str, object]]:
    return [queue_view(call.management, vhost, vhost.queues[name]) for name in sorted(vhost.queues)]


def _queue(call: Call) -> ClassicQueue:
    queue = call.vhost.queues.get(call.names["queue"])
    if queue is None:
        raise not_found()
    return queue


ROUTES: Final = (
    Route("GET", "/queues", READ_OBJECTS, list_all),
    Route("GET", "/queues/{vhost}", READ_OBJECTS, list_in_vhost),
    Route("GET", "/queues/{vhost}/{queue}", READ_OBJECTS, show_queue),
    Route("PUT", "/queues/{vhost}/{queue}", CHANGE_OBJECTS, put_queue),
    Route("DELETE", "/queues/{vhost}/{queue}", CHANGE_OBJECTS, delete_queue),
    Route("GET", "/queues/{vhost}/{queue}/bindings", READ_OBJECTS, list_bindings),
    Route("DELETE", "/queues/{vhost}/{queue}/contents", CHANGE_OBJECTS, purge_queue),
)
