"""A channel: the one door for its methods, the publishing path, and what it has delivered.

Every method of a channel enters through `receive`; state, handler and refusals meet there. The
publishing path is here and not with the other handlers of class basic because it is the hot one:
one dict lookup by the raw octets of basic.publish gives the route, and the content's own octets go
into the queues untouched.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from librt.strings import read_i16_be
from mypy_extensions import i64

from leveret.amqp.ack_timeout import AckTimeout
from leveret.amqp.consumer import ChannelConsumer
from leveret.amqp.described import as_binary
from leveret.amqp.held import HeldFrames
from leveret.amqp.published_properties import check_published, copied
from leveret.amqp.reply_to import ENCODED, rewritten
from leveret.amqp.routing import route_message
from leveret.amqp.transaction import ACKNOWLEDGE, DISCARD, REQUEUE, RETURN
from leveret.amqp.unacked import Unacked
from leveret.broker.message import Entry, Message
from leveret.errors import (
    AccessRefused,
    CommandInvalid,
    InternalError,
    NotFound,
    NotImplementedByServer,
    PreconditionFailed,
)
from leveret.wire.constants import (
    BASIC_RETURN,
    FLAG_DELIVERY_MODE,
    FLAG_EXPIRATION,
    FLAG_REPLY_TO,
    FLAG_USER_ID,
    FRAME_METHOD,
    NO_ROUTE,
)
from leveret.wire.errors import MalformedFrame
from leveret.wire.frames import PROPERTIES_AT, method_frame
from leveret.wire.methods import BasicCancel, Method
from leveret.wire.properties import COPIES, Properties, decode_properties, scan_properties

if TYPE_CHECKING:
    from leveret.amqp.confirms import Confirms
    from leveret.amqp.connection import Connection
    from leveret.amqp.content import Content
    from leveret.amqp.transaction import Transaction
    from leveret.broker.actor import Actor
    from leveret.broker.clock import BrokerClock
    from leveret.broker.counts import Generation
    from leveret.broker.queues.classic import ClassicQueue
    from leveret.broker.seams import Exchange, Pending, Queue

Handler = Callable[["Channel", Method], None]

# Routes a channel remembers; a publisher with more distinct routing keys starts over.
ROUTES_MAX: Final = 1024
PERSISTENT: Final = 2
FLAG_MANDATORY: Final = 1
FLAG_IMMEDIATE: Final = 2
# Delivery tags are unsigned on the wire; none that was given comes near this.
TAG_MAX: Final = 1 << 62


# basic.return up to the exchange: class, method, reply code and reply text.
_RETURN_START: Final = (
    BASIC_RETURN.to_bytes(4, "big") + NO_ROUTE.to_bytes(2, "big") + b"\x08NO_ROUTE"
)


class Route:
    """Where the messages of one basic.publish (exchange, routing key, flags) go.

    `tail` is the exchange and the routing key, encoded. `durable` are the queues that persistent
    messages reach through the store, `transient` the others; `queues` are both. `told`: the log
    need not hear again that it leads nowhere. `per_message`: the queues are those of one message,
    and are found anew for the next. `further_keys` are those of a message's CC and BCC.
    """

    __slots__ = (
        "durable",
        "exchange",
        "further_keys",
        "mandatory",
        "per_message",
        "queues",
        "routing_key",
        "tail",
        "told",
        "transient",
    )

    def __init__(self, exchange: Exchange, routing_key: str, tail: bytes, mandatory: bool) -> None:
        self.exchange = exchange
        self.routing_key = routing_key
        self.tail = tail
        self.mandatory = mandatory
        self.per_message = False
        self.told = False
        self.further_keys: list[str] = []
        self.queues: list[ClassicQueue] = []
        self.durable: list[Queue] = []
        self.transient: list[ClassicQueue] = []

    def with_keys(self, further_keys: list[str]) -> Route:
        """The same for one message with further routing keys; nobody remembers it."""
        route = Route(self.exchange, self.routing_key, self.tail, self.mandatory)
        route.per_message = True
        route.further_keys = further_keys
        return route

    def lead_to(self, queues: list[ClassicQueue]) -> None:
        """Set the queues."""
        self.queues = queues
        self.durable = [queue for queue in queues if queue.durable]
        self.transient = [queue for queue in queues if not queue.durable]


class Channel:
    """`prefetch_count` is the limit of the whole channel (basic.qos with global), and
    `consumer_prefetch_count` the one that new consumers get; 0 is none."""

    def __init__(
        self,
        connection: Connection,
        number: int,
        actor: Actor,
        handlers: dict[int, Handler],
    ) -> None:
        self.connection = connection
        self.number = number
        self.actor = actor
        self.broker = connection.broker
        # Typed here: what is read for each message is in compiled classes.
        self.clock: BrokerClock = self.broker.clock
        assert connection.vhost is not None
        self.vhost = connection.vhost
        self.firehose = self.vhost.firehose
        self.closing = False
        self.consumers: dict[str, ChannelConsumer] = {}
        self.unacked = Unacked()
        self.confirms: Confirms | None = None
        self.transaction: Transaction | None = None
        self.prefetch_count: i64 = 0
        self.consumer_prefetch_count: int = 0
        self.limited_count: i64 = 0
        self.last_queue = ""
        self.reply_queue: ClassicQueue | None = None
        self.pending = False
        self.pending_method = 0
        self.content: Content | None = None
        # What `leveret.amqp.counted` derives the rest from; the last: came back or rejected.
        self.sizes = self.broker.sizes
        self.publish_count: i64 = 0
        self.publish_bytes: i64 = 0
        self.return_count: i64 = 0
        self.drop_count: i64 = 0
        self.deliver_count: i64 = 0
        self.redeliver_count: i64 = 0
        self.get_count: i64 = 0
        self.get_no_ack_count: i64 = 0
        self.get_empty_count: i64 = 0
        self.unsettled_count: i64 = 0
        # Who takes samples of the counts keeps them here.
        self.history: object = None
        self._handlers = handlers
        self.held = HeldFrames()
        self._routes: dict[bytes, Route] = {}
        self._generation: Generation = self.vhost.generation
        self._routes_generation: i64 = -1
        self.ack_timeout = AckTimeout(self)
        self._frame_start = FRAME_METHOD.to_bytes(1, "big") + number.to_bytes(2, "big")

    # --- the door ---

    def receive(self, method: Method) -> None:
        """Handle one method, or raise what closes the channel or the connection."""
        handler = self._handlers.get(method.method_id)
        if handler is None:
            raise CommandInvalid("unimplemented method")
        handler(self, method)

    def takes_methods(self) -> bool:
        """Whether a method may come now: no content is awaited, no answer pending."""
        return not (self.closing or self.pending) and self.content is None

    def send(self, method: Method) -> None:
        """Write a method on this channel."""
        self.connection.output.method(self.number, method)

    def answer(self, pending: Pending, reply: Callable[[object], object]) -> None:
        """Call `reply` with the answer; until it is there, later frames wait."""
        if pending.done:
            if pending.error is not None:
                raise pending.error
            reply(pending.value)
            return
        self.pending = True
        self.pending_method = self.connection.failing_method()
        pending.then(
            lambda value: self.connection.resume(self, reply, value, None),
            lambda error: self.connection.resume(self, reply, None, error),
        )

    def answer_with(self, pending: Pending, method: Method, nowait: bool) -> None:
        """Answer with this method whatever the value, unless the client wants none."""
        self.answer(pending, lambda value: None if nowait else self.send(method))

    def named_queue(self, name: str) -> str:
        """The queue that a method names; an empty name is the last one declared here."""
        if name != "":
            return name
        if self.last_queue == "":
            raise NotFound(
                "no previously declared queue",
                remedy="name the queue, or declare one on this channel first",
            )
        return self.last_queue

    # --- publishing ---

    def publish(
        self,
        payload: bytes,
        frames: bytes,
        header_size: i64,
        body_size: i64,
        largest_frame: i64,
    ) -> None:
        """A whole message has come: `payload` is its basic.publish, `frames` its content."""
        if self._routes_generation != self._generation.number:
            self._routes.clear()
            self._routes_generation = self._generation.number
        route = self._routes.get(payload)
        if route is None:
            route = self._route(payload)
        if body_size > self.connection.limits.max_message_size_bytes:
            self._refuse_size(body_size)
        try:
            scanned = scan_properties(frames, PROPERTIES_AT, header_size - 1)
        except MalformedFrame as malformed:
            raise InternalError("") from malformed
        mode = scanned & ~COPIES
        flags = i64(read_i16_be(frames, PROPERTIES_AT))
        if flags & (FLAG_EXPIRATION | FLAG_USER_ID) != 0:
            check_published(self._properties(frames, header_size), self.actor)
        if flags & FLAG_REPLY_TO != 0 and frames.find(ENCODED, 0, int(header_size)) >= 0:
            header = rewritten(self, frames, int(header_size), int(body_size))
            frames = header + frames[int(header_size) :]
            header_size = len(header)
            if header_size > largest_frame:
                largest_frame = header_size
        if mode > PERSISTENT or (mode == 0 and flags & FLAG_DELIVERY_MODE != 0):
            raise PreconditionFailed(f"invalid message: {{delivery_mode_unknown,{mode}}}")
        persistent = mode == PERSISTENT
        message = Message(
            frames, route.tail, self.number, header_size, body_size, largest_frame, persistent
        )
        if scanned >= COPIES:
            keys, message = copied(message)
            for key in keys:
                self.vhost.require_topic(self.actor, "write", route.exchange, key)
            route = route.with_keys(keys)
        held: i64 = 0
        if route.per_message:
            held = route_message(self, route, message)
        if flags & FLAG_EXPIRATION != 0:
            for queue in route.queues:
                queue.heed_expiration()
        if self.transaction is not None:
            self.transaction.publish(self, route, message)
            self.connection.work += 1
            return
        queues = route.queues
        # As `leveret.amqp.counted.count_published`, without a call.
        self.publish_count += 1
        self.publish_bytes += body_size
        if body_size > 100:
            self.sizes.take(body_size)
        exchange = route.exchange
        exchange.publish_in_count += 1
        exchange.publish_out_count += len(queues)
        ticket: i64 = 0
        if persistent and len(route.durable) != 0:
            ticket = self.broker.store.append(message, route.durable)
            self.connection.stores = True
            queues = route.transient
        elif len(queues) == 0:
            self.unroutable(route, message)
        for queue in queues:
            queue.publish(message, 0)
        self.connection.work += len(queues) + 1
        confirms = self.confirms
        if confirms is not None:
            if message.refused:
                confirms.refuse()
            else:
                confirms.take(ticket if ticket != 0 else held)
            self.connection.confirming[self] = None

    def _route(self, payload: bytes) -> Route:
        # class, method and a reserved short, the two short strings, the flags
        exchange_end = 7 + payload[6] if len(payload) > 6 else 0
        key_end = exchange_end + 1 + payload[exchange_end] if len(payload) > exchange_end else 0
        if exchange_end == 0 or len(payload) != key_end + 1:
            raise MalformedFrame(f"cannot decode {as_binary(payload)}")
        flags = payload[key_end]
        if flags & FLAG_IMMEDIATE:
            raise NotImplementedByServer("immediate=true")
        # RabbitMQ does not look whether these are UTF-8, so neither is refused here.
        exchange_name = payload[7:exchange_end].decode(errors="surrogateescape")
        routing_key = payload[exchange_end + 1 : key_end].decode(errors="surrogateescape")
        self.vhost.require(self.actor, "write", "exchange", exchange_name)
        exchange = self.vhost.exchange(exchange_name)
        if exchange.internal:
            raise AccessRefused(
                f"cannot publish to internal exchange '{exchange.name}' "
                f"in vhost '{self.vhost.name}'",
                remedy="publish to an exchange that is bound to it",
            )
        self.vhost.require_topic(self.actor, "write", exchange, routing_key)
        mandatory = flags & FLAG_MANDATORY != 0
        route = Route(exchange, routing_key, payload[6:key_end], mandatory)
        queues, route.per_message = self.vhost.route(exchange, routing_key, Properties)
        route.lead_to(queues)
        # What is traced takes the long road, and other messages do not ask whether they are.
        route.per_message = route.per_message or self.firehose.on
        if len(self._routes) >= ROUTES_MAX:
            self._routes.clear()
        self._routes[payload] = route
        return route

    def _properties(self, frames: bytes, header_size: i64) -> Properties:
        return decode_properties(frames, PROPERTIES_AT, int(header_size) - 1)

    def _refuse_size(self, size: i64) -> None:
        maximum = self.connection.limits.max_message_size_bytes
        raise PreconditionFailed(
            f"message size {size} is larger than configured max size {maximum}",
            remedy="send a reference to large data, or raise max_message_size_bytes",
        )

    def check_announced(self, content: Content) -> None:
        """Refuse content that is too large as soon as its header says so."""
        if content.body_size > self.connection.limits.max_message_size_bytes:
            self._refuse_size(content.body_size)

    def unroutable(self, route: Route, message: Message) -> None:
        """A message leads nowhere: back to its publisher if it is mandatory, else a log line."""
        if route.mandatory:
            self.return_count += 1
            self.vhost.kept.publishing.return_unroutable += 1
            self._return(message)
            return
        self.drop_count += 1
        self.vhost.kept.publishing.drop_unroutable += 1
        if not route.told:
            self._tell_unroutable(route)

    def _tell_unroutable(self, route: Route) -> None:
        route.told = True
        publisher = f"{self.connection.described()}, channel {self.number}"
        self.connection.unroutable.tell(
            publisher, route.exchange.name, route.routing_key, route.tail
        )

    def _return(self, message: Message) -> None:
        payload = _RETURN_START + message.tail
        output = self.connection.output
        output.write(method_frame(self.number, payload))
        output.content(message, self.number)

    # --- delivering ---

    def deliver(self, deliver_start: bytes, tag: i64, redelivered: bool, message: Message) -> None:
        """Write basic.deliver with its content; see `Output.deliver`."""
        self.connection.output.deliver(
            self._frame_start, deliver_start, tag, redelivered, message, self.number
        )

    def track(self, entry: Entry) -> i64:
        """An entry leaves and must be settled: its delivery tag; its timeout runs from now."""
        entry.delivered_at = self.clock.moment
        self.ack_timeout.watch(entry)
        return self.unacked.add(entry)

    def settle(self, tag: int, multiple: bool) -> list[Entry]:
        """The entries that an acknowledgement names, no longer unacked; 406 if there are none."""
        if tag > TAG_MAX:
            self._refuse_tag(tag)
        if multiple:
            if tag != 0 and not self.unacked.holds(tag):
                self._check_late(tag)
            self.ack_timeout.settled_up_to(tag)
            return self.unacked.settle_up_to(tag)
        entry = self.unacked.settle(tag)
        if entry is None:
            self._check_late(tag)
            return []
        return [entry]

    def acknowledge(self, tag: int, multiple: bool) -> None:
        """basic.ack."""
        if tag > TAG_MAX:
            self._refuse_tag(tag)
        if not multiple:
            entry = self.unacked.settle(tag)
            if entry is None:
                self._check_late(tag)
                return
            if self.transaction is not None:
                self.transaction.settle(tag, entry, ACKNOWLEDGE)
                return
            consumer = entry.consumer
            entry.queue.settle(entry)
            if isinstance(consumer, ChannelConsumer):
                self._regain(consumer)
                self.replenish(consumer)
            return
        if self.transaction is not None:
            self._settle_later(self.transaction, tag, True, ACKNOWLEDGE)
        else:
            self.discard(self.settle(tag, True))

    def reject(self, tag: int, multiple: bool, requeue: bool, failed: bool) -> None:
        """basic.nack, and basic.reject: what that gives back has `failed`."""
        if self.transaction is not None:
            outcome = (REQUEUE if failed else RETURN) if requeue else DISCARD
            self._settle_later(self.transaction, tag, multiple, outcome)
        elif requeue:
            self.requeue(self.settle(tag, multiple), failed)
        else:
            self.discard(self.settle(tag, multiple), True)

    def _settle_later(
        self, transaction: Transaction, tag: int, multiple: bool, outcome: int
    ) -> None:
        if not multiple:
            # None if the delivery went back before the transaction.
            for entry in self.settle(tag, False):
                transaction.settle(tag, entry, outcome)
            return
        if tag > TAG_MAX:
            self._refuse_tag(tag)
        named = self.unacked.up_to(tag)
        for each, entry in zip(named, self.settle(tag, True), strict=True):
            transaction.settle(each, entry, outcome)

    def discard(self, entries: list[Entry], rejected: bool = False) -> None:
        """Settle entries for good, as acknowledged or rejected, and let their consumers have
        more."""
        served: dict[ChannelConsumer, None] = {}
        for entry in entries:
            consumer = entry.consumer
            if rejected:
                self.unsettled_count += 1
                entry.queue.reject(entry)
            else:
                entry.queue.settle(entry)
            if isinstance(consumer, ChannelConsumer):
                self._regain(consumer)
                served[consumer] = None
        for consumer in served:
            self.replenish(consumer)

    def requeue(self, entries: list[Entry], failed: bool = True) -> None:
        """Give entries back to their queues, and the queues' consumers their turn; because they
        have `failed`, or are not wanted now."""
        queues: dict[Queue, None] = {}
        served: dict[ChannelConsumer, None] = {}
        for entry in entries:
            consumer = entry.consumer
            if isinstance(consumer, ChannelConsumer):
                self._regain(consumer)
                served[consumer] = None
            entry.queue.requeue(entry, failed)
            self.unsettled_count += 1
            queues[entry.queue] = None
        for consumer in served:
            # Another consumer may have the tag of one that was cancelled.
            known = self.consumers.get(consumer.tag) is consumer
            if known and not consumer.active and not self.closing:
                consumer.queue.activate(consumer)
        for queue in queues:
            queue.deliver()
        if self.prefetch_count != 0:
            self.replenish_all()

    def replenish(self, consumer: ChannelConsumer) -> None:
        """A consumer may have credit again."""
        if self.prefetch_count != 0:
            self.replenish_all()
        elif not consumer.active and self.consumers.get(consumer.tag) is consumer:
            consumer.queue.activate(consumer)
            consumer.queue.deliver()

    def replenish_all(self) -> None:
        """The channel's own limit has room again: every consumer may have."""
        for consumer in list(self.consumers.values()):
            if not consumer.active:
                consumer.queue.activate(consumer)
                consumer.queue.deliver()

    def _regain(self, consumer: ChannelConsumer) -> None:
        consumer.unacked_count -= 1
        self.limited_count -= 1

    def _check_late(self, tag: int) -> None:
        if not self.ack_timeout.forgives(tag):
            self._refuse_tag(tag)

    def _refuse_tag(self, tag: int) -> None:
        raise PreconditionFailed(
            f"unknown delivery tag {tag}",
            remedy="acknowledge each delivery once, on the channel it came on, and not at all "
            "when consuming with automatic acknowledgement",
        )

    # --- consumers going, and the end ---

    def consumer_cancelled(self, consumer: ChannelConsumer) -> None:
        """The queue of a consumer is gone; tell the client if it can hear it."""
        if self.consumers.get(consumer.tag) is consumer:
            del self.consumers[consumer.tag]
        if self.connection.hears_cancel and not self.closing:
            notice = BasicCancel(consumer_tag=consumer.tag, nowait=True)
            self.connection.output.notify(method_frame(self.number, notice.encode()))

    def withdraw(self) -> None:
        """The channel ends: its consumers leave their queues."""
        self.closing = True
        self.content = None
        self.held = HeldFrames()
        self._routes = {}
        self.ack_timeout.stop()
        for consumer in self.consumers.values():
            consumer.queue.remove_consumer(consumer)

    def give_back(self) -> None:
        """Requeue, in order, what is unacked; then auto-delete queues may go."""
        consumers = list(self.consumers.values())
        self.consumers = {}
        if self.transaction is not None:
            self.transaction.roll_back(self.unacked)
        self.requeue(self.unacked.settle_up_to(0))
        for consumer in consumers:
            self.vhost.consumer_left(consumer.queue)
        self.broker.sizes.sum_bytes += self.publish_bytes
        if self.confirms is not None:
            self.vhost.kept.publishing.in_confirm_mode += self.confirms.published
        self.ack_timeout.let_go()
