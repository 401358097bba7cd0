"""Takes the samples that rates are made of: one timer, every five seconds, for everything.

A walk over all things is done in slices, so that it never holds the loop for long. Each thing has
its own history in its attribute `history`, and takes it along when it goes.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final, Protocol

from leveret.amqp.connection import Connection
from leveret.amqp.counted import channel_numbers
from leveret.broker.counts import queue_numbers
from leveret.management.history import (
    CHANNEL,
    CONNECTION,
    EXCHANGE,
    KEPT_MS,
    NODE,
    QUEUE,
    TICK_MS,
    TOTALS_KEPT_MS,
    VHOST,
    Fields,
    History,
)
from leveret.management.totals import Totals

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from leveret.broker.broker import Broker
    from leveret.broker.queues.classic import ClassicQueue
    from leveret.broker.seams import Timer

# A slice ends at the first look at the clock after this.
SLICE_SECONDS: Final = 0.002
# Things between two looks.
BATCH: Final = 100


class Sampled(Protocol):
    """What has a history."""

    history: object


class Sampler:
    """Runs from `start` to `stop`. `last_ms` is the moment of the last samples of everything, in
    milliseconds since 1970; `whole` are those of all vhosts together, `node` those of the rest."""

    def __init__(
        self, broker: Broker, perf_counter: Callable[[], float] = time.perf_counter
    ) -> None:
        self.last_ms = 0
        self.whole = History(VHOST, TOTALS_KEPT_MS)
        self.node = History(NODE, TOTALS_KEPT_MS)
        self.broker = broker
        self._perf_counter = perf_counter
        self._timer: Timer | None = None
        self._walk: Iterator[None] = iter(())
        self._at_ms = 0

    def start(self) -> None:
        """Take the first samples now; nothing is started twice."""
        if self._timer is None:
            self._begin()

    def stop(self) -> None:
        """Take no more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _now_ms(self) -> int:
        return int((self.broker.clock.now() + self.broker.wall_offset) * 1000)

    def _begin(self) -> None:
        # Moments are whole ticks of the clock on the wall, as RabbitMQ's are.
        self._at_ms = self._now_ms() // TICK_MS * TICK_MS
        self._walk = self._things()
        self._go_on()

    def _go_on(self) -> None:
        clock = self.broker.clock
        until = self._perf_counter() + SLICE_SECONDS
        for _ in self._walk:
            if self._perf_counter() >= until:
                self._timer = clock.call_at(clock.now(), self._go_on)
                return
        self.last_ms = self._at_ms
        wait_ms = self._at_ms + TICK_MS - self._now_ms()
        self._timer = clock.call_at(clock.now() + max(wait_ms, 1) / 1000, self._begin)

    def _things(self) -> Iterator[None]:
        """Takes all samples; yields where it may be interrupted."""
        at_ms, broker = self._at_ms, self.broker
        self.node.take(at_ms, churn_numbers(broker))
        whole = Totals()
        for vhost in list(broker.vhosts.values()):
            yield from self._queues(vhost.queue_list())
            for place, exchange in enumerate(list(vhost.exchanges.values())):
                if exchange.publish_in_count:
                    numbers = int(exchange.publish_in_count), int(exchange.publish_out_count)
                    history_of(exchange, EXCHANGE).take(at_ms, numbers)
                if place % BATCH == 0:
                    yield
            totals = Totals()
            yield from totals.steps(vhost)
            history_of(vhost, VHOST, TOTALS_KEPT_MS).take(at_ms, totals.numbers())
            whole.add(totals)
        self.whole.take(at_ms, whole.numbers())
        for session in list(broker.sessions):
            assert isinstance(session, Connection)
            octets = int(session.octets_received), int(session.output.octets_sent)
            history_of(session, CONNECTION).take(at_ms, octets)
            for channel in list(session.channels.open.values()):
                history_of(channel, CHANNEL).take(at_ms, channel_numbers(channel))
            yield

    def _queues(self, queues: list[ClassicQueue]) -> Iterator[None]:
        at_ms = self._at_ms
        for place, queue in enumerate(queues):
            history = history_of(queue, QUEUE)
            history.take(at_ms, queue_numbers(queue))
            if queue.consumers:
                history.judge(keeps_up(queue))
            elif history.judged_ticks:
                history.judged = history.judged_ticks = 0
            if place % BATCH == 0:
                yield


def history_of(thing: Sampled, fields: Fields, kept_ms: int = KEPT_MS) -> History:
    """The history of a thing, from now on if it has none yet."""
    history = thing.history
    if not isinstance(history, History):
        history = History(fields, kept_ms)
        thing.history = history
    return history


def keeps_up(queue: ClassicQueue) -> bool:
    """Whether a message that came now would leave at once: nothing waits, or somebody takes it."""
    return queue.ready_count == 0 or any(consumer.active for consumer in queue.consumers)


def churn_numbers(broker: Broker) -> tuple[int, ...]:
    """In the order of `NODE`."""
    churn = broker.churn
    return (
        churn.connections_opened,
        churn.connections_closed,
        churn.channels_opened,
        churn.channels_closed,
        churn.queues_declared,
        churn.queues_created,
        churn.queues_deleted,
    )
