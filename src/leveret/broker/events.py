"""What `amq.rabbitmq.event` hears: what comes, goes and changes in the broker, as messages.

That is RabbitMQ's event exchange, a topic exchange in one vhost: the routing key is the name of the
event, the headers say what there is to say, the body is empty. Names and headers are RabbitMQ's,
and so is the way in which values become fields. An event is published when the loop comes round,
never in the midst of what it tells of.
"""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING, Final

from leveret.broker.message import Message
from leveret.broker.queues.classic import ClassicQueue
from leveret.broker.queues.enqueueing import enqueue
from leveret.broker.seams import Binding, Exchange
from leveret.broker.terms import field_term, term
from leveret.wire.field import (
    KIND_ARRAY,
    KIND_BOOL,
    KIND_DOUBLE,
    KIND_LONG,
    KIND_LONGSTR,
    KIND_TABLE,
    LONG_MAX,
    Field,
    Table,
)
from leveret.wire.frames import header_frame
from leveret.wire.properties import Properties

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from leveret.broker.durable import Thing
    from leveret.broker.policies import Policy
    from leveret.broker.seams import Clock, Consumer
    from leveret.broker.vhost import VHost

EVENT: Final = "amq.rabbitmq.event"
REPLY_TO: Final = "amq.rabbitmq.reply-to."
# RabbitMQ's name for the broker itself, as a user.
INTERNAL: Final = "rmq-internal"
BY: Final = "user_who_performed_action"
LIMITS: Final = "limits"
LIMITS_COMPONENT: Final = "vhost-limits"
PERSISTENT: Final = 2
CHANNEL: Final = 1

# The user for whom an administrator's request is being carried out.
acting: ContextVar[str] = ContextVar("acting", default=INTERNAL)


class Events:
    """`on` while a vhost has the exchange. Whoever has something to tell looks at it first, so that
    nothing is put together for nobody."""

    def __init__(self) -> None:
        self.on = False
        # Which vhost has it; empty is none. To be set before the vhosts are made.
        self.vhost = ""
        # What stands for the process of a connection, or of a consumer's channel.
        self.pid_of: Callable[[object], str] = lambda thing: ""
        self._vhost: VHost | None = None
        self._clock: Clock
        self._waiting: list[tuple[str, Table, int]] = []

    def listen(self, vhost: VHost, clock: Clock) -> None:
        """Give a vhost the exchange; it hears of everything from now on."""
        vhost.add_exchange(vhost.new_exchange("topic", EVENT, True, False, True, {}))
        self._vhost = vhost
        self._clock = clock
        self.on = True

    # --- telling ---

    def tell(self, name: str, properties: Mapping[str, object]) -> None:
        """Something has happened."""
        vhost = self._vhost
        if vhost is None:
            return
        if not self._waiting:
            self._clock.call_at(self._clock.now(), self._publish)
        headers = {key: as_field(value) for key, value in properties.items()}
        self._waiting.append((name, headers, vhost.wall_ms()))

    def prepared(self, *happened: tuple[str, Mapping[str, object]]) -> Callable[[], None]:
        """What tells that all this has happened, by the will of the user who acts now."""
        if not self.on:
            return _nothing
        by = acting.get()

        def tell() -> None:
            for name, properties in happened:
                self.tell(name, {BY: by, **properties})

        return tell

    def made(self, vhost: str, thing: Thing, by: str) -> None:
        """A queue, an exchange or a binding is there."""
        if self.on:
            kind, properties = self._described(thing)
            self.tell(f"{kind}.created", {BY: by, **properties, "vhost": vhost})

    def gone(self, vhost: str, things: list[Thing], by: str) -> list[Thing]:
        """These are no more, the first of them by somebody's will; returns them."""
        if self.on:
            # As in RabbitMQ: an exchange goes before its bindings, a queue after them.
            for thing in things if isinstance(things[0], Exchange) else reversed(things):
                # The bindings of a queue that goes are nobody's doing.
                alone = isinstance(thing, Binding) and isinstance(things[0], ClassicQueue)
                self._gone(vhost, thing, INTERNAL if alone else by)
        return things

    def _gone(self, vhost: str, thing: Thing, by: str) -> None:
        if isinstance(thing, ClassicQueue):
            if is_behind_reply_to(thing):
                return
            for consumer in thing.consumers:
                self.consumer_deleted(vhost, thing.name, consumer, by)
        kind, properties = self._described(thing)
        if not isinstance(thing, Binding):
            properties = {"name": properties["name"]}
        self.tell(f"{kind}.deleted", {BY: by, **properties, "vhost": vhost})

    def consumer_deleted(self, vhost: str, queue: str, consumer: Consumer, by: str) -> None:
        """A consumer has left a queue, or its queue goes."""
        about = {"queue": queue, "vhost": vhost, "channel": self.pid_of(consumer)}
        self.tell("consumer.deleted", {BY: by, **about, "consumer_tag": consumer.tag})

    def _described(self, thing: Thing) -> tuple[str, dict[str, object]]:
        if isinstance(thing, ClassicQueue):
            return "queue", _queue(thing, self.pid_of(thing.exclusive_owner))
        return _described(thing)

    def policy_set(self, vhost: str, policy: Policy) -> Callable[[], None]:
        """What tells of a policy, once it holds. Operator policies are parameters as well."""
        value = policy.value()
        name = {"name": policy.name, "vhost": vhost}
        told = "policy.set", {**value, **name}
        if policy.kind == "policy":
            return self.prepared(told)
        about = {"value": value, **name, "component": policy.kind}
        return self.prepared(("parameter.set", about), told)

    def policy_cleared(self, vhost: str, kind: str, name: str) -> Callable[[], None]:
        """What tells that a policy holds no more."""
        about = {"name": name, "vhost": vhost}
        told = f"{kind.replace('_', '.')}.cleared", about
        if kind == "policy":
            return self.prepared(told)
        return self.prepared(("parameter.cleared", {**about, "component": kind}), told)

    def limits_set(self, vhost: str, limits: Mapping[str, int]) -> Callable[[], None]:
        """What tells of a vhost's limits, which are a parameter as well."""
        name = {"name": LIMITS}
        about = {"value": limits, **name, "component": LIMITS_COMPONENT, "vhost": vhost}
        return self.prepared(("parameter.set", about), ("vhost.limits.set", {**limits, **name}))

    def vhost_made(self, vhost: VHost, node: str, by: str) -> None:
        """There is another vhost, with what it begins with."""
        if not self.on:
            return
        for exchange in vhost.exchanges.values():
            self.made(vhost.name, exchange, by)
        tags = ",".join(vhost.tags)
        about: dict[str, object] = {
            BY: by,
            "cluster_state": {node: "running"},
            "tracing": vhost.firehose.on,
            "metadata": f"#{{description => {term(vhost.description)},tags => [{tags}]}}",
            "default_queue_type": vhost.own_queue_type or "undefined",
            "tags": vhost.tags,
            "description": vhost.description,
            "name": vhost.name,
        }
        self.tell("vhost.created", about)

    def vhost_gone(self, vhost: VHost, node: str) -> None:
        """A vhost is no more. If it had the exchange, nobody hears of it, or of anything else."""
        if self._vhost is vhost:
            self._vhost = None
            self.on = False
            self._waiting = []
        if not self.on:
            return
        about = {BY: acting.get(), "name": vhost.name}
        self.tell("vhost.deleted", about)
        if vhost.limits:
            limits = {**about, "name": LIMITS}
            parameter = {**limits, "component": LIMITS_COMPONENT, "vhost": vhost.name}
            self.tell("parameter.cleared", parameter)
            self.tell("vhost.limits.cleared", limits)
        self.tell("vhost.down", {BY: INTERNAL, "node": node, "name": vhost.name})

    def alarm(self, node: str, resource: str, on: bool) -> None:
        """There is an alarm, or no longer."""
        if self.on:
            about = {"node": node, "source": resource}
            self.tell("alarm.set" if on else "alarm.cleared", about)

    # --- publishing ---

    def _publish(self) -> None:
        waiting, self._waiting = self._waiting, []
        vhost = self._vhost
        if vhost is None:
            return
        exchange = vhost.exchanges[EVENT]
        start = bytes([len(EVENT)]) + EVENT.encode()
        for name, headers, at_ms in waiting:
            headers["timestamp_in_ms"] = Field(KIND_LONG, at_ms)
            properties = Properties(
                headers=headers, delivery_mode=PERSISTENT, timestamp=at_ms // 1000
            )
            queues = _routed(vhost, exchange, name, properties)
            if queues:
                frames = header_frame(CHANNEL, properties.encode(), 0)
                tail = start + bytes([len(name)]) + name.encode()
                message = Message(frames, tail, CHANNEL, len(frames), 0, len(frames), True)
                for queue in queues:
                    queue.moved_count += 1
                enqueue(queues[0].store, message, queues)


def _routed(
    vhost: VHost, exchange: Exchange, name: str, properties: Properties
) -> list[ClassicQueue]:
    return vhost.route(exchange, name, lambda: properties)[0]


def _described(thing: Binding | Exchange) -> tuple[str, dict[str, object]]:
    """What kind of thing it is, and what is said of one that is new."""
    if isinstance(thing, Binding):
        return "binding", {
            "arguments": typed(thing.arguments),
            "routing_key": thing.routing_key,
            **_end("destination", thing.destination),
            **_end("source", thing.source),
        }
    return "exchange", {
        "policy": "" if thing.policy is None else thing.policy.name,
        "arguments": typed(thing.arguments),
        "internal": thing.internal,
        "auto_delete": thing.auto_delete,
        "durable": thing.durable,
        "type": thing.type_name,
        "name": thing.name,
    }


def _queue(queue: ClassicQueue, owner_pid: str) -> dict[str, object]:
    properties: dict[str, object] = {"exclusive": queue.exclusive_owner is not None}
    if queue.type_name == "quorum":
        properties["type"] = "rabbit_quorum_queue"
    else:
        properties["owner_pid"] = owner_pid
    properties["arguments"] = typed(queue.arguments)
    properties["auto_delete"] = queue.auto_delete
    properties["durable"] = queue.durable
    properties["name"] = queue.name
    return properties


def _end(which: str, end: object) -> dict[str, object]:
    assert isinstance(end, ClassicQueue | Exchange)
    kind = "queue" if isinstance(end, ClassicQueue) else "exchange"
    return {f"{which}_kind": kind, f"{which}_name": end.name}


def is_behind_reply_to(queue: ClassicQueue) -> bool:
    """Whether it is one of the queues behind direct reply-to, which are none to anybody."""
    return queue.name.startswith(REPLY_TO)


def typed(table: Table) -> list[str]:
    """A table as it is in an event: a text for each field, with its type, as Erlang prints it."""
    return [field_term(name, field) for name, field in table.items()]


def as_field(value: object) -> Field:
    """A value as a field of an event's headers. What has no type of its own there is text."""
    match value:
        case bool():
            return Field(KIND_BOOL, value)
        case int() if -LONG_MAX <= value <= LONG_MAX:
            return Field(KIND_LONG, value)
        case float():
            return Field(KIND_DOUBLE, value)
        case dict() if value:
            return Field(KIND_TABLE, {str(key): as_field(each) for key, each in value.items()})
        case list() | tuple() | dict():
            return Field(KIND_ARRAY, [as_field(each) for each in value])
        case None:
            return Field(KIND_LONGSTR, b"")
        case _:
            return Field(KIND_LONGSTR, str(value).encode("utf-8", "surrogateescape"))


def _nothing() -> None:
    """Nobody listens."""
