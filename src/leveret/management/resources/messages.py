"""/api/exchanges/V/X/publish, /api/queues/V/Q/get and .../actions: messages in and out."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, ClassVar, Final

import msgspec
from starlette.responses import StreamingResponse

from leveret.management.answers import MessageAnswer, Routed
from leveret.management.authorisation import ADMINISTER, CHANGE_OBJECTS
from leveret.management.bodies import Number, Object, Text
from leveret.management.calls import changed, check_new_name
from leveret.management.messages import AUTO, BASE64, message_view, octets_of, properties_from
from leveret.management.refusals import (
    Refusal,
    bad_request,
    not_authorised,
    not_found,
)
from leveret.management.routing import Route
from leveret.management.session import ApiSession, SessionClosed
from leveret.wire.methods import (
    BasicAck,
    BasicGet,
    BasicGetEmpty,
    BasicGetOk,
    BasicNack,
    BasicPublish,
    BasicReturn,
    ConfirmSelect,
    ConfirmSelectOk,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.responses import Response

    from leveret.management.calls import Call

# What happens to the messages of a get: whether they come back, and whether they are dead letters
# if they do not.
ACKMODES: Final = (
    "ack_requeue_true",
    "ack_requeue_false",
    "reject_requeue_true",
    "reject_requeue_false",
)
ACTIONS: Final = ("sync", "cancel_sync")
# Messages of one turn of the loop, and octets of them: others want to be served too.
TURN_MAX: Final = 32
TURN_BYTES: Final = 1 << 18
# Octets of messages in one answer; what is more stays in the queue.
ANSWER_MAX_BYTES: Final = 16 << 20


class PublishBody(msgspec.Struct):
    """Of any types: what is wrong with them is said in RabbitMQ's words."""

    REQUIRED: ClassVar = ("routing_key", "properties", "payload", "payload_encoding")

    routing_key: Text = msgspec.UNSET
    properties: Object = msgspec.UNSET
    payload: Text = msgspec.UNSET
    payload_encoding: Text = msgspec.UNSET


class GetBody(msgspec.Struct):
    """`truncate` is in octets."""

    REQUIRED: ClassVar = ("ackmode", "count", "encoding")

    ackmode: Text = msgspec.UNSET
    count: Number = msgspec.UNSET
    encoding: Text = msgspec.UNSET
    truncate: Number = None


class ActionBody(msgspec.Struct):
    REQUIRED: ClassVar = ("action",)

    action: Text = msgspec.UNSET


async def publish(call: Call) -> Response:
    """200 once the message is where it goes, durable if it has to be; `routed` is whether it led
    anywhere."""
    body = await call.body(PublishBody)
    if not isinstance(body.routing_key, str):
        raise bad_request(["not_string", "routing_key"])
    check_new_name("routing key", body.routing_key)
    if not isinstance(body.properties, dict | list):
        raise bad_request(["not_object", "properties"])
    properties = properties_from(body.properties)
    octets = octets_of(body.payload, body.payload_encoding)
    method = BasicPublish(
        exchange=call.exchange_name(), routing_key=body.routing_key, mandatory=True
    )
    check_new_name("exchange name", method.exchange)
    try:
        async with ApiSession(call.management, call.caller, call.vhost.name, call.peer) as session:
            await session.ask(ConfirmSelect(), ConfirmSelectOk)
            session.publish(method, properties, octets)
            first = await session.answer(BasicReturn, BasicAck, BasicNack)
            if isinstance(first.method, BasicNack):
                raise bad_request("rejected Unable to publish message. Check queue limits.")
    except SessionClosed as closed:
        raise bad_request(f"{closed.code} {closed.text}") from None
    return call.found({"routed": isinstance(first.method, BasicAck)})


async def get(call: Call) -> Response:
    """The messages at the front, which come back or are gone as `ackmode` says."""
    body = await call.body(GetBody)
    count, truncate = _integer(body.count), None
    if body.truncate is not None:
        truncate = _integer(body.truncate)
    if body.encoding not in (AUTO, BASE64):
        raise bad_request("Unsupported encoding. Please use auto or base64.")
    if body.ackmode not in ACKMODES:
        raise bad_request(f"ackmode is one of {', '.join(ACKMODES)}")
    queue = call.names["queue"]
    check_new_name("queue name", queue)
    try:
        async with ApiSession(call.management, call.caller, call.vhost.name, call.peer) as session:
            messages = await _messages(session, queue, count, body.encoding, truncate)
            if messages:
                _settle(session, body.ackmode)
    except SessionClosed as closed:
        raise _refusal(closed) from None
    return StreamingResponse(_array(messages), media_type="application/json")


async def act(call: Call) -> Response:
    """Queues have no mirrors that could be behind: there is nothing to synchronise."""
    body = await call.body(ActionBody)
    if call.names["queue"] not in call.vhost.queues:
        raise not_found()
    if body.action not in ACTIONS:
        raise bad_request(["unknown", body.action])
    return changed()


async def _messages(
    session: ApiSession, queue: str, count: int, encoding: str, truncate_bytes: int | None
) -> list[bytes]:
    """The messages, each as JSON."""
    messages: list[bytes] = []
    octets = turn_octets = 0
    while len(messages) < count and octets < ANSWER_MAX_BYTES:
        received = await session.ask(BasicGet(queue=queue), BasicGetOk, BasicGetEmpty)
        if isinstance(received.method, BasicGetEmpty):
            break
        messages.append(msgspec.json.encode(message_view(received, encoding, truncate_bytes)))
        octets += len(messages[-1])
        turn_octets += len(messages[-1])
        if len(messages) % TURN_MAX == 0 or turn_octets >= TURN_BYTES:
            turn_octets = 0
            await asyncio.sleep(0)
    return messages


async def _array(messages: list[bytes]) -> AsyncIterator[bytes]:
    """A JSON array in pieces, so that a large one is neither joined nor written in one turn."""
    piece = bytearray(b"[")
    for number, message in enumerate(messages):
        if number:
            piece += b","
        piece += message
        if len(piece) >= TURN_BYTES:
            yield bytes(piece)
            piece.clear()
    yield bytes(piece + b"]")


def _settle(session: ApiSession, ackmode: str) -> None:
    """Tag 0 is all of them."""
    if ackmode == "ack_requeue_false":
        session.tell(BasicAck(delivery_tag=0, multiple=True))
    else:
        requeue = ackmode.endswith("true")
        session.tell(BasicNack(delivery_tag=0, multiple=True, requeue=requeue))


def _refusal(closed: SessionClosed) -> Refusal:
    if closed.code == 403:
        return not_authorised(closed.text)
    if closed.code == 404:
        return Refusal(404, "not_found", closed.text)
    return bad_request(f"{closed.code} {closed.text}")


def _integer(value: object) -> int:
    """Not below 0: RabbitMQ would take a negative number for all there are."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 10:
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise bad_request(["not_integer", value])
    return value


ROUTES: Final = (
    Route(
        "POST",
        "/exchanges/{vhost}/{exchange}/publish",
        CHANGE_OBJECTS,
        publish,
        body=PublishBody,
        answer=Routed,
    ),
    Route(
        "POST",
        "/queues/{vhost}/{queue}/get",
        CHANGE_OBJECTS,
        get,
        body=GetBody,
        answer=list[MessageAnswer],
    ),
    Route(
        "POST",
        "/queues/{vhost}/{queue}/actions",
        ADMINISTER,
        act,
        body=ActionBody,
        statuses=(204,),
    ),
)
