"""The seams: what the broker asks of the world around it, and what that world may ask of it.

Open base classes rather than protocols: a call through a `typing.Protocol` was measured at 65 ns
compiled, through a base class at 2 to 14. Every class is open to interpreted subclasses, so a
store, a clock or a test double needs no compiler. `leveret.testing.kits` tests implementations of
those that others are likely to write.
"""

from __future__ import annotations

from random import randrange
from time import monotonic
from typing import TYPE_CHECKING, ClassVar, Final

from mypy_extensions import i64, mypyc_attr

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from leveret.broker.message import Entry, Message
    from leveret.broker.policies import Policy
    from leveret.wire.properties import Properties
    from leveret.wire.table import Table


@mypyc_attr(allow_interpreted_subclasses=True)
class Timer:
    """A call that is due later; what `Clock.call_at` returns."""

    def cancel(self) -> None:
        """Forget the call; harmless when it was made already."""
        raise NotImplementedError


@mypyc_attr(allow_interpreted_subclasses=True)
class Clock:
    """Time, in seconds from an arbitrary start; it never goes back."""

    def now(self) -> float:
        """The present moment."""
        raise NotImplementedError

    def call_at(self, when: float, callback: Callable[[], object]) -> Timer:
        """Call back once `now()` has reached `when`, never from inside this call."""
        raise NotImplementedError


class Pending:
    """An answer that may come later.

    Whoever asks calls `then`; an answer that is already there arrives inside that call. A channel
    that waits for one handles no further method until it has come, so order per channel holds.
    """

    __slots__ = ("_on_failure", "_on_success", "done", "error", "value")

    def __init__(self) -> None:
        self.done = False
        self.value: object = None
        self.error: Exception | None = None
        self._on_success: Callable[[object], object] | None = None
        self._on_failure: Callable[[Exception], object] | None = None

    @staticmethod
    def of(value: object) -> Pending:
        """An answer that is here already."""
        answer = Pending()
        answer.complete(value)
        return answer

    def then(
        self,
        on_success: Callable[[object], object],
        on_failure: Callable[[Exception], object] | None = None,
    ) -> None:
        """Pass the answer on, now or when it comes. There is one asker."""
        self._on_success = on_success
        self._on_failure = on_failure
        if self.done:
            self._tell()

    def complete(self, value: object) -> None:
        """The answer is `value`; a second answer is ignored."""
        if not self.done:
            self.done = True
            self.value = value
            self._tell()

    def fail(self, error: Exception) -> None:
        """There will be no answer but this error."""
        if not self.done:
            self.done = True
            self.error = error
            self._tell()

    def _tell(self) -> None:
        if self._on_success is None:
            return
        if self.error is None:
            self._on_success(self.value)
        elif self._on_failure is not None:
            self._on_failure(self.error)


@mypyc_attr(allow_interpreted_subclasses=True)
class Session:
    """One peer's protocol state without its socket: octets in, octets out."""

    def receive(self, data: bytes, now: float) -> int:
        """Take octets; return how many were used. The rest is offered again with what follows.

        It never raises. It may do less than it could, to bound the work of one call: then `more`
        is true and the caller calls again, with the rest if there is one, on a later turn.
        """
        raise NotImplementedError

    def more(self) -> bool:
        """Whether there is work for another `receive` without anything new from the peer."""
        raise NotImplementedError

    def eof(self) -> None:
        """The peer is gone: requeue, delete what was its own, forget it."""
        raise NotImplementedError

    def data_to_send(self) -> bytes:
        """The octets that have gathered since the last call."""
        raise NotImplementedError

    def should_close(self) -> bool:
        """Whether the socket is to be closed once `data_to_send` has been sent."""
        raise NotImplementedError

    def should_read(self) -> bool:
        """Whether the peer's octets are wanted now; false while too much of it waits."""
        raise NotImplementedError

    def confirm(self) -> None:
        """The store has made something durable: answer what can be answered now."""
        raise NotImplementedError

    def set_writable(self, writable: bool) -> None:
        """Whether the peer takes octets; while it does not, nothing is delivered to it."""
        raise NotImplementedError


@mypyc_attr(allow_interpreted_subclasses=True)
class Outbox:
    """Told by a session, once a turn, that it has octets to send or wants to be looked at."""

    def on_output(self, session: Session) -> None:
        raise NotImplementedError


@mypyc_attr(allow_interpreted_subclasses=True)
class Consumer:
    """Who takes messages from a queue. `active` belongs to the queue: in its rotation or not.
    Of those with credit, the ones of the highest `priority` go first. `unacked_count` is its own:
    how many entries it has."""

    __slots__ = ("active", "exclusive", "no_ack", "priority", "tag", "unacked_count")

    def __init__(self, tag: str, no_ack: bool, exclusive: bool) -> None:
        self.tag = tag
        self.no_ack = no_ack
        self.exclusive = exclusive
        self.priority: i64 = 0
        self.unacked_count: i64 = 0
        self.active = False

    def credit(self) -> bool:
        """Whether one more message may be delivered now."""
        raise NotImplementedError

    def deliver(self, entry: Entry) -> None:
        """Take this entry; it is unacked from now on."""
        raise NotImplementedError

    def deliver_settled(self, message: Message, redelivered: bool) -> None:
        """Take this message, settled as it leaves (automatic acknowledgement)."""
        raise NotImplementedError

    def cancelled(self) -> None:
        """The queue is gone, and this consumer with it."""
        raise NotImplementedError


@mypyc_attr(allow_interpreted_subclasses=True)
class Queue:
    """A queue as its publishers, its consumers and the store see it. `id` names it in the store
    and is given to no other queue ever; 0 for a queue that is not durable."""

    name: str = ""
    id: i64 = 0
    deleted: bool = False

    def publish(self, message: Message, ticket: i64) -> None:
        """Take a message: to a consumer that has credit, or to the end of the ready ones."""
        raise NotImplementedError

    def deliver(self) -> None:
        """Give ready messages to consumers with credit, in turn."""
        raise NotImplementedError

    def settle(self, entry: Entry) -> None:
        """An unacked entry was acknowledged or discarded: it is gone."""
        raise NotImplementedError

    def reject(self, entry: Entry) -> None:
        """An unacked entry was rejected for good: it is gone, or a dead letter."""
        raise NotImplementedError

    def requeue(self, entry: Entry, failed: bool = True) -> None:
        """An unacked entry is ready again, at its old position: because it `failed` (basic.reject,
        or its channel ended), or was returned. `deliver` is the caller's."""
        raise NotImplementedError

    def activate(self, consumer: Consumer) -> None:
        """A consumer has credit again: last in the rotation. `deliver` is the caller's."""
        raise NotImplementedError

    def purge(self) -> int:
        """Drop the ready messages; return how many they were."""
        raise NotImplementedError


@mypyc_attr(allow_interpreted_subclasses=True)
class Exchange:
    """Routes by its bindings. A type is one subclass in one file of `broker/exchanges`; arguments
    that it cannot obey are refused, with a `ChannelError`, as it is made.

    `per_message` says that `route` looks at more than the routing key, or leaves it to chance: its
    answer holds for one message only. `routes_each_key` is false for a type that takes no second
    look at a message for the further routing keys that it carries (CC, BCC). `choose` gives a
    number from 0 to below n by chance, `now` the clock's seconds; whoever makes the exchange sets
    them.
    """

    type_name: ClassVar[str] = ""

    def __init__(
        self, name: str, durable: bool, auto_delete: bool, internal: bool, arguments: Table
    ) -> None:
        self.name = name
        self.durable = durable
        self.auto_delete = auto_delete
        self.internal = internal
        self.arguments = arguments
        self.per_message = False
        self.routes_each_key = True
        self.choose: Callable[[int], int] = randrange
        self.now: Callable[[], float] = monotonic
        self.policy: Policy | None = None
        self.operator_policy: Policy | None = None
        # Messages that were published to it, and copies of them that queues got.
        self.publish_in_count: i64 = 0
        self.publish_out_count: i64 = 0
        # Who takes samples of the counts keeps them here.
        self.history: object = None

    def removed(self) -> None:
        """The vhost has it no more."""

    def passed(self, message: Message) -> None:
        """A message has been routed by it. Only types that are `per_message` hear of it."""

    def check_binding(self, routing_key: str, arguments: Table) -> None:
        """Refuse, with a `ChannelError`, a binding that this type cannot route by."""

    def bind(self, binding: Binding) -> None:
        """Route by this binding from now on; it is not bound yet."""
        raise NotImplementedError

    def unbind(self, binding: Binding) -> None:
        """Stop routing by this binding; it is bound."""
        raise NotImplementedError

    def route(self, routing_key: str, properties: Callable[[], Properties]) -> list[Destination]:
        """The destinations of a message; `properties` decodes its properties when called."""
        raise NotImplementedError


Destination = Queue | Exchange


class Binding:
    """From an exchange (source) to a queue or an exchange (destination)."""

    __slots__ = ("arguments", "destination", "routing_key", "source")

    def __init__(
        self, source: Exchange, destination: Destination, routing_key: str, arguments: Table
    ) -> None:
        self.source = source
        self.destination = destination
        self.routing_key = routing_key
        self.arguments = arguments


# The shard of what is spilled, which is nobody's for long; shards of stored messages count from 0.
SPILL_SHARD: Final = -1


@mypyc_attr(allow_interpreted_subclasses=True)
class StoreEvents:
    """What a message store tells the broker."""

    def enqueued(self, message: Message, queues: list[Queue], ticket: i64) -> None:
        """A message has its place in these queues, which get it now. The local store says so inside
        `append`."""
        for queue in queues:
            queue.publish(message, ticket)

    def durable(self, shard: int, up_to: int) -> None:
        """Every ticket of the shard up to and including this one is on disk."""
        raise NotImplementedError

    def failed(self, shard: int, reason: str) -> None:
        """Nothing more of this shard will become durable."""
        raise NotImplementedError

    def held(self, shard: int, reason: str) -> None:
        """Publishers must wait, for this reason; they may go on if it is empty."""
        raise NotImplementedError


@mypyc_attr(allow_interpreted_subclasses=True)
class MessageStore:
    """Where persistent messages of durable queues live. Tickets ascend per shard from 1.

    `keeps`: what was appended can be fetched. A store in memory only leaves that to the queues."""

    keeps: bool = True

    def append(self, message: Message, queues: list[Queue]) -> i64:
        """Store one message for these queues, raise `enqueued`, return the ticket of it all. The
        list of queues does not change afterwards."""
        raise NotImplementedError

    def due(self, ticket: i64, due_ms: i64) -> None:
        """A queue says of a message that it is being given (`enqueued`) until when it waits there,
        in milliseconds of the time of day: a start need not read the message to know."""

    def settle(self, queue: Queue, ticket: i64) -> None:
        """A stored or spilled message is gone from this queue."""
        raise NotImplementedError

    def lose(self, queue: Queue, ticket: i64) -> None:
        """This queue goes on without a message that `fetch` did not bring. It is settled if it is
        damaged; if it could only not be read, the next start looks again."""
        self.settle(queue, ticket)

    def settle_lost(self, queue: Queue) -> None:
        """A queue is purged: the next start is not to look again for what it went on without."""

    def is_durable(self, ticket: i64) -> bool:
        """Whether a confirm for this ticket may leave now."""
        raise NotImplementedError

    def barrier(self) -> i64:
        """The ticket of everything that was given to the store so far, settling included: once it
        is durable, all of that is. 0 if all of it is already."""
        raise NotImplementedError

    def spill(self, message: Message) -> i64:
        """Keep a message that need not outlive the process, so that it can leave memory. Returns
        its ticket, which is negative and of one queue; 0 if this store cannot."""
        raise NotImplementedError

    def fetch(self, tickets: list[int]) -> Pending:
        """Bring messages back into memory that are stored and not settled; answers with a list of
        them in the same order, with None for one that is damaged or cannot be read."""
        raise NotImplementedError

    def returned(self, queue: Queue, ticket: i64, acquired: int, failed: int) -> None:
        """A message, stored or not, has come back to a queue that counts: so often in all, and so
        often because it failed. Only what the queue is told after a start depends on it."""
        raise NotImplementedError

    def mark(self, queue: Queue, tickets: list[int]) -> None:
        """At a clean stop: these messages of a queue were delivered before."""
        raise NotImplementedError


@mypyc_attr(allow_interpreted_subclasses=True)
class DefinitionStore:
    """Durable definitions: values by kind and key, each with a revision.

    A change that could not be committed fails with `leveret.errors.NotStored`.
    """

    def load(self) -> list[tuple[str, str, object, int]]:
        """Every (kind, key, value, revision); the value is None if it is damaged."""
        raise NotImplementedError

    def put(self, kind: str, key: str, value: object) -> Pending:
        """Store; completes with the revision once committed."""
        raise NotImplementedError

    def delete(self, kind: str, key: str) -> Pending:
        """Forget; completes with whether it was there, once committed."""
        raise NotImplementedError

    def delete_all(self, definitions: Sequence[tuple[str, str]]) -> Pending:
        """Forget all of these (kind, key) or, should that fail, none; completes once committed."""
        raise NotImplementedError


@mypyc_attr(allow_interpreted_subclasses=True)
class Mechanism:
    """How credentials travel (SASL); one instance for one login.

    One that is `for_tls` is offered where the connection is TLS; `certificate` then is what TLS
    has proven of the peer, None where it has proven nothing. Whoever makes the mechanism sets it.
    """

    name: ClassVar[str] = ""
    for_tls: ClassVar[bool] = False

    def __init__(self) -> None:
        self.certificate: Certificate | None = None

    def respond(self, response: bytes) -> Credentials | bytes:
        """Take the peer's response: credentials, or the next challenge.

        Raises `MalformedArguments` (502) for a response that makes no sense, `LoginRefused` (403)
        where it is clear already that this is nobody.
        """
        raise NotImplementedError


class Certificate:
    """A peer's certificate, proven by TLS: `user` is the user name in it, "" if it has none; the
    others are as RabbitMQ shows them."""

    def __init__(self, user: str, subject: str, issuer: str, validity: str) -> None:
        self.user = user
        self.subject = subject
        self.issuer = issuer
        self.validity = validity


class Credentials:
    """What a mechanism has found out. A password proves nothing yet; where it is None, the
    mechanism knows by other means that the peer is this user."""

    __slots__ = ("password", "user")

    def __init__(self, user: str, password: bytes | None) -> None:
        self.user = user
        self.password = password


@mypyc_attr(allow_interpreted_subclasses=True)
class Backend:
    """Decides who somebody is and what they may do."""

    def authenticate(self, credentials: Credentials, host: str) -> Pending:
        """Answers with why the login from this address is refused, in a sentence for the log; ""
        if it is not."""
        raise NotImplementedError

    def authorise(self, user: str, vhost: str, permission: str, name: str) -> bool:
        """Whether `permission` (configure, write, read) covers the resource of this name."""
        raise NotImplementedError

    def authorise_topic(
        self, user: str, vhost: str, permission: str, exchange: str, routing_key: str
    ) -> bool:
        """Whether the user may publish to (write) or bind with (read) a routing key of a topic
        exchange whose name is covered."""
        return True

    def has_tag(self, user: str, tag: str) -> bool:
        """Whether the user has this tag."""
        raise NotImplementedError

    def vhost_access(self, user: str, vhost: str) -> bool:
        """Whether the user has any permissions entry for the vhost."""
        raise NotImplementedError

    def limit(self, user: str, name: str) -> int:
        """How many connections or channels (`max-connections`, `max-channels`) the user may have;
        -1 if there is no limit."""
        return -1
