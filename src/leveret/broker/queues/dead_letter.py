"""Where messages go that a queue does not keep: `x-dead-letter-exchange` and what belongs to it.

A dead letter is published again, to the exchange that the queue's rules name, under its old routing
keys, those of CC and BCC among them, or the one that the rules name. It tells its story in the
header `x-death`: a table for each queue and reason, the latest first, with how often that happened.
One that comes by itself to a queue where it has died before goes nowhere: without a consumer's
`rejected` in the circle it would run for ever.

The letter and the end of the message that it was reach the store within one callback, which the
store keeps as one batch: after a crash there is one of them, and not both. With the strategy
`at-least-once` a barrier holds that batch together on a full disk too, and a letter that is not
taken stays in its queue (kept_letters.py).
"""

from __future__ import annotations

import logging
import time
from collections import deque
from typing import TYPE_CHECKING, Final

from leveret.broker.content import in_order, properties_of, with_properties
from leveret.broker.copies import blind_keys
from leveret.broker.queues.delivery import HEADER as DELIVERY_COUNT
from leveret.broker.queues.enqueueing import enqueue
from leveret.broker.queues.stored import is_absent
from leveret.wire.errors import WireError
from leveret.wire.field import (
    KIND_ARRAY,
    KIND_LONG,
    KIND_LONGSTR,
    KIND_TABLE,
    KIND_TIMESTAMP,
    LONG_MAX,
    Field,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from leveret.broker.message import Message
    from leveret.broker.queues.classic import ClassicQueue
    from leveret.broker.rules import QueueRules
    from leveret.broker.seams import Clock, MessageStore
    from leveret.broker.topology import Topology
    from leveret.wire.properties import Properties
    from leveret.wire.table import Table

log = logging.getLogger("leveret.queue")

REJECTED: Final = "rejected"
EXPIRED: Final = "expired"
MAXLEN: Final = "maxlen"
DELIVERY_LIMIT: Final = "delivery_limit"
DEATHS: Final = "x-death"
# Messages that are brought back into memory at a time.
FETCHED: Final = 256
# Letters of one turn of the loop, and how long they may take: others want to be served too.
LETTERS_PER_TURN: Final = 2048
TURN_SECONDS: Final = 0.005
# Circles that are remembered, so that each is reported once.
REPORTED_MAX: Final = 1000


class DeadLetter:
    """A message that `queue` has let go of; its ticket there is settled when it has moved on.
    `died_at` is when that was first tried, in seconds of the wall clock, 0 before; `given` are
    queues that have it already."""

    __slots__ = (
        "body_size",
        "died_at",
        "given",
        "message",
        "queue",
        "reason",
        "rules",
        "ticket",
    )

    def __init__(
        self, queue: ClassicQueue, message: Message, ticket: int, reason: str, rules: QueueRules
    ) -> None:
        self.queue = queue
        self.message: Message | None = message
        self.ticket = ticket
        self.reason = reason
        self.rules = rules
        self.died_at = 0
        self.given: list[ClassicQueue] = []
        # Known once there is content.
        self.body_size = 0

    @property
    def was_delivered(self) -> bool:
        """Whether a consumer has had it."""
        return self.reason in (REJECTED, DELIVERY_LIMIT)


class DeadLetters:
    """Publishes the dead letters of a vhost, in order, one after the other: a letter that makes
    another one die does not nest. One that cannot be published is named in the log and leads
    nowhere; those behind it do not suffer. `now` is the wall clock, in seconds."""

    def __init__(
        self,
        topology: Topology,
        store: MessageStore,
        clock: Clock,
        now: Callable[[], float] = time.time,
    ) -> None:
        self.now = now
        self._clock = clock
        self._topology = topology
        self._store = store
        self._waiting: deque[DeadLetter] = deque()
        self._working = False
        self._fetching = False
        # What is left of this turn of the loop.
        self._left = LETTERS_PER_TURN
        self._ends_at = 0.0
        self._reported: set[tuple[str, ...]] = set()

    def take(self, letter: DeadLetter) -> None:
        """Publish, after those that wait."""
        self._waiting.append(letter)
        self._work()

    def _work(self) -> None:
        if self._working or self._fetching:
            return
        self._working = True
        try:
            while self._waiting and self._has_time():
                if is_absent(self._waiting[0].message) and not self._fetch():
                    return
                self._move(self._waiting.popleft())
        finally:
            self._working = False

    def _has_time(self) -> bool:
        """Whether there may be one more letter in this turn of the loop."""
        if self._left == 0:
            return False
        now = self._clock.now()
        if self._left == LETTERS_PER_TURN:
            self._ends_at = now + TURN_SECONDS
            self._clock.call_at(now, self._next_turn)
        self._left = 0 if now > self._ends_at else self._left - 1
        return True

    def _next_turn(self) -> None:
        self._left = LETTERS_PER_TURN
        self._work()

    def _move(self, letter: DeadLetter) -> None:
        done = letter.message is None or self._try_to_publish(letter, letter.message)
        keeps = letter.rules.keeps_dead_letters() and not letter.queue.deleted
        if keeps and not done:
            letter.queue.keep_letter(letter)
            return
        if letter.message is None:
            self._store.lose(letter.queue, letter.ticket)
        elif letter.ticket != 0:
            self._store.settle(letter.queue, letter.ticket)
        if keeps and letter.ticket > 0:
            self._store.barrier()

    def _fetch(self) -> bool:
        """Bring back the content of the first ones; whether it is there already."""
        letters: list[DeadLetter] = []
        for letter in self._waiting:
            if not is_absent(letter.message) or len(letters) == FETCHED:
                break
            letters.append(letter)
        answer = self._store.fetch([letter.ticket for letter in letters])
        if answer.done:
            _give(letters, answer.value)
            return True

        def came(messages: object) -> None:
            self._fetching = False
            _give(letters, messages)
            self._work()

        self._fetching = True
        answer.then(came)
        return False

    def _try_to_publish(self, letter: DeadLetter, message: Message) -> bool:
        """Whether there is nothing to try again: all have it, or nobody ever can."""
        try:
            return self._publish(letter, message)
        except Exception as error:
            # Whoever let it die, an ack or a timer, is not to blame.
            log.error(
                "vhost '%s': a dead letter of queue '%s' leads nowhere because it cannot be "
                "published: %s",
                self._topology.name,
                letter.queue.name,
                error,
            )
            # What AMQP cannot carry today it never will; by other rules the rest may find its way.
            return isinstance(error, WireError)

    def _publish(self, letter: DeadLetter, message: Message) -> bool:
        """Whether all have it who are to have it, and there is somebody."""
        letter.died_at = letter.died_at or int(self.now())
        letter.body_size = int(message.body_size)
        name = letter.rules.dead_letter_exchange
        exchange = None if name is None else self._topology.exchanges.get(name)
        if exchange is None:
            return False
        properties = properties_of(message)
        headers = dict(properties.headers or {})
        carbon_copies = _texts(headers.get("CC"))
        key = letter.rules.dead_letter_routing_key
        bcc = blind_keys(message) if key is None else []
        keys = [message.routing_key, *carbon_copies, *bcc] if key is None else [key]
        _tell(headers, letter, message, properties, carbon_copies)
        headers.pop(DELIVERY_COUNT, None)
        if key is not None:
            headers.pop("CC", None)
        properties.headers = in_order(headers)
        properties.expiration = None
        tail = b"".join(
            len(octets).to_bytes(1, "big") + octets
            for octets in (_octets(exchange.name), _octets(keys[0]))
        )
        told = with_properties(message, properties, tail, bcc)
        queues, _ = self._topology.route(exchange, keys[0], lambda: properties, keys[1:], told)
        if letter.reason != REJECTED:
            queues = [queue for queue in queues if not self._in_circle(queue.name, headers)]
        queues = [queue for queue in queues if queue not in letter.given]
        refusing = [queue for queue in queues if queue.refuses(message)]
        if letter.rules.keeps_dead_letters():
            queues = [queue for queue in queues if queue not in refusing]
        if queues:
            for queue in queues:
                queue.moved_count += 1
            enqueue(self._store, told, queues)
        if letter.rules.keeps_dead_letters():
            letter.given.extend(queues)
        return bool(letter.given) and not refusing

    def _in_circle(self, queue: str, headers: Table) -> bool:
        """Whether a letter came back to this queue with nobody's `rejected` on the way."""
        names: list[str] = []
        for death in _tables(headers.get(DEATHS)):
            name = _text(death, "queue")
            names.append(name)
            if _text(death, "reason") == REJECTED:
                return False
            if name == queue:
                circle = (queue, *names)
                if circle not in self._reported and len(self._reported) < REPORTED_MAX:
                    self._reported.add(circle)
                    log.warning(
                        "vhost '%s': a message is dropped because dead-lettering leads in a circle "
                        "through the queues %s; this circle is not reported again",
                        self._topology.name,
                        ", ".join(f"'{each}'" for each in circle),
                    )
                return True
        return False


def _give(letters: list[DeadLetter], messages: object) -> None:
    assert isinstance(messages, list)
    for letter, message in zip(letters, messages, strict=True):
        letter.message = message


def _tell(
    headers: Table,
    letter: DeadLetter,
    message: Message,
    properties: Properties,
    carbon_copies: list[str],
) -> None:
    """Add a death to the headers of a message."""
    queue = letter.queue.name
    deaths = _tables(headers.get(DEATHS))
    if DEATHS not in headers:
        headers["x-first-death-reason"] = _longstr(letter.reason)
        headers["x-first-death-queue"] = _longstr(queue)
        headers["x-first-death-exchange"] = _longstr(message.exchange)
    routing_keys = [_longstr(key) for key in (message.routing_key, *carbon_copies)]
    death: Table = {
        "count": Field(KIND_LONG, 1),
        "reason": _longstr(letter.reason),
        "queue": _longstr(queue),
        "time": Field(KIND_TIMESTAMP, letter.died_at),
        "exchange": _longstr(message.exchange),
        "routing-keys": Field(KIND_ARRAY, routing_keys),
    }
    if properties.expiration is not None:
        death["original-expiration"] = _longstr(properties.expiration)
    others: list[Table] = []
    for earlier in deaths:
        if _text(earlier, "queue") == queue and _text(earlier, "reason") == letter.reason:
            count = earlier.get("count")
            before = count.value if count is not None and isinstance(count.value, int) else 0
            death = {**earlier, "count": Field(KIND_LONG, min(before, LONG_MAX - 1) + 1)}
        else:
            others.append(earlier)
    if deaths:
        death = in_order(death)
    story = [Field(KIND_TABLE, each) for each in (death, *others)]
    headers[DEATHS] = Field(KIND_ARRAY, story)


def _tables(field: Field | None) -> list[Table]:
    if field is None or not isinstance(field.value, list):
        return []
    return [each.value for each in field.value if isinstance(each.value, dict)]


def _texts(field: Field | None) -> list[str]:
    if field is None or not isinstance(field.value, list):
        return []
    return [
        each.value.decode(errors="surrogateescape")
        for each in field.value
        if isinstance(each.value, bytes)
    ]


def _text(table: Table, key: str) -> str:
    field = table.get(key)
    if field is None or not isinstance(field.value, bytes):
        return ""
    return field.value.decode(errors="surrogateescape")


def _longstr(text: str) -> Field:
    return Field(KIND_LONGSTR, _octets(text))


def _octets(text: str) -> bytes:
    return text.encode(errors="surrogateescape")
