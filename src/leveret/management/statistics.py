"""What the API shows of what has been counted: `message_stats`, rates, samples, idleness.

A count is exact, a rate is of the last five seconds for which there are samples. As in RabbitMQ
nothing is shown of what has not happened yet: what came of publishing and what of deliveries are
each shown whole, or not at all.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from leveret.amqp.counted import channel_numbers
from leveret.broker.counts import queue_numbers
from leveret.management.history import (
    CHANNEL,
    CHURN,
    DELIVERIES,
    LENGTHS,
    NODE,
    PUBLISHING,
    QUEUE,
    STATES,
    TICK_MS,
    VHOST,
    History,
)
from leveret.management.refusals import bad_request
from leveret.management.sampling import churn_numbers, keeps_up
from leveret.wire.constants import FLAG_TIMESTAMP
from leveret.wire.frames import PROPERTIES_AT
from leveret.wire.properties import decode_properties

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from leveret.amqp.channel import Channel
    from leveret.amqp.connection import Connection
    from leveret.broker.queues.classic import ClassicQueue
    from leveret.broker.seams import Exchange
    from leveret.broker.vhost import VHost
    from leveret.management.sampling import Sampler
    from leveret.management.totals import Totals

    View = dict[str, object]
    Numbers = dict[str, int]

# Samples that one chart has.
SAMPLES_MAX: Final = 1000


class Range:
    """The samples that a chart wants: the last `age_s` seconds, one every `incr_s`."""

    def __init__(self, age_s: int, incr_s: int) -> None:
        self.step_ms = incr_s * 1000
        self.count = age_s // incr_s + 1


def _range(query: Callable[[str], str | None], name: str) -> Range | None:
    age, incr = query(f"{name}_age"), query(f"{name}_incr")
    if age is None or incr is None:
        return None
    try:
        wanted = int(age), int(incr)
    except ValueError:
        raise bad_request(f"{name}_age and {name}_incr are whole numbers of seconds") from None
    if wanted[0] < 0 or wanted[1] < 1 or wanted[0] // wanted[1] >= SAMPLES_MAX:
        raise bad_request(
            f"{name}_age and {name}_incr: between 1 and {SAMPLES_MAX} samples are possible"
        )
    return Range(*wanted)


class Ranges:
    """What a query asks for: of rates of messages, of lengths of queues, of octets."""

    def __init__(self, query: Callable[[str], str | None] = lambda name: None) -> None:
        self.rates = _range(query, "msg_rates")
        self.lengths = _range(query, "lengths")
        self.data = _range(query, "data_rates")


class Statistics:
    """The statistics of one answer: `ranges` are the samples that it shows beside the rates."""

    def __init__(self, sampler: Sampler, ranges: Ranges | None = None) -> None:
        self._sampler = sampler
        self._ranges = ranges or Ranges()

    # --- of each thing ---

    def queue(self, queue: ClassicQueue) -> View:
        """Of a queue."""
        numbers = dict(zip(QUEUE.names, queue_numbers(queue), strict=True))
        histories = _histories(queue.history)
        view: View = self._lengths(numbers, histories)
        published = ("publish",) if numbers["publish"] else ()
        self._add_message_stats(view, numbers, histories, published)
        view["consumer_capacity"] = view["consumer_utilisation"] = utilisation(queue)
        if queue.type_name != "quorum":
            view["head_message_timestamp"] = head_timestamp(queue)
            view |= self._idle_since(histories)
        return view

    def exchange(self, exchange: Exchange) -> View:
        """Of an exchange."""
        numbers = {
            "publish_in": int(exchange.publish_in_count),
            "publish_out": int(exchange.publish_out_count),
        }
        shown = [name for name in numbers if numbers[name]]
        if not shown:
            return {}
        stats = self._counted(shown, numbers, _histories(exchange.history), self._ranges.rates)
        return {"message_stats": stats}

    def channel(self, channel: Channel) -> View:
        """Of a channel."""
        numbers = dict(zip(CHANNEL.names, channel_numbers(channel), strict=True))
        histories = _histories(channel.history)
        view = self._idle_since(histories)
        self._add_message_stats(view, numbers, histories, _publishing(numbers))
        return view

    def connection(self, connection: Connection) -> View:
        """Of a connection."""
        numbers = {
            "recv_oct": int(connection.octets_received),
            "send_oct": int(connection.output.octets_sent),
        }
        view = self._counted(numbers, numbers, _histories(connection.history), self._ranges.data)
        view["recv_cnt"] = int(connection.reads)
        view["send_cnt"] = int(connection.output.writes)
        view["send_pend"] = int(connection.output.size() > 0)
        return view

    def vhost(self, vhost: VHost, totals: Totals) -> View:
        """Of a vhost."""
        return self._total(totals, _histories(vhost.history))

    def overview(self, vhosts: Sequence[VHost], totals: Totals, all_vhosts: bool) -> View:
        """Of some vhosts together, as `message_stats` and `queue_totals`."""
        sampler = self._sampler
        histories = (
            [sampler.whole] if all_vhosts else _histories(*(vhost.history for vhost in vhosts))
        )
        view = self._total(totals, histories)
        return {
            "message_stats": view.pop("message_stats", {}),
            "queue_totals": view,
        }

    def churn(self) -> View:
        """What came and went."""
        numbers = dict(zip(NODE.names, churn_numbers(self._sampler.broker), strict=True))
        return self._counted(CHURN, numbers, [self._sampler.node], self._ranges.rates)

    # --- the parts ---

    def _total(self, totals: Totals, histories: list[History]) -> View:
        numbers = dict(zip(VHOST.names, totals.numbers(), strict=True))
        view = self._lengths(numbers, histories)
        self._add_message_stats(view, numbers, histories, _publishing(numbers))
        return view

    def _add_message_stats(
        self, view: View, numbers: Numbers, histories: list[History], publishing: Sequence[str]
    ) -> None:
        delivered = any(numbers[name] for name in DELIVERIES)
        shown = (*publishing, *(DELIVERIES if delivered else ()))
        if shown:
            view["message_stats"] = self._counted(shown, numbers, histories, self._ranges.rates)

    def _lengths(self, numbers: Numbers, histories: list[History]) -> View:
        messages = sum(numbers[name] for name in LENGTHS)
        wanted = self._ranges.lengths
        view: View = {
            "messages": messages,
            "messages_details": self._details(LENGTHS, histories, wanted),
        }
        return view | self._counted(STATES, numbers, histories, wanted)

    def _counted(
        self,
        names: Sequence[str] | Numbers,
        numbers: Numbers,
        histories: list[History],
        wanted: Range | None,
    ) -> View:
        view: View = {}
        for name in names:
            view[name] = numbers[name]
            view[f"{name}_details"] = self._details((name,), histories, wanted)
        return view

    def _details(
        self, names: Sequence[str], histories: list[History], wanted: Range | None
    ) -> View:
        last_ms = self._sampler.last_ms
        if wanted is None and all(each.changed_ms <= last_ms - TICK_MS for each in histories):
            # Most of ten thousand queues rest.
            return {"rate": 0.0}

        def number(at_ms: int) -> int:
            return sum(each.at(name, at_ms) for each in histories for name in names)

        if wanted is None:
            return {"rate": (number(last_ms) - number(last_ms - TICK_MS)) * 1000 / TICK_MS}
        step_ms = wanted.step_ms
        samples = [
            (number(at_ms), at_ms)
            for at_ms in range(last_ms, last_ms - step_ms * wanted.count, -step_ms)
        ]
        newest, oldest = samples[0], samples[-1]
        before = samples[1] if len(samples) > 1 else newest
        spanned_ms = newest[1] - oldest[1]
        return {
            "rate": (newest[0] - before[0]) * 1000 / step_ms,
            "samples": [{"sample": sample, "timestamp": at_ms} for sample, at_ms in samples],
            "avg_rate": (newest[0] - oldest[0]) * 1000 / spanned_ms if spanned_ms else 0.0,
            "avg": sum(sample for sample, _ in samples) / len(samples),
        }

    def _idle_since(self, histories: list[History]) -> View:
        """When something happened last, unless that was just now."""
        changed_ms = max((each.changed_ms for each in histories), default=0)
        if not changed_ms or changed_ms >= self._sampler.last_ms:
            return {}
        moment = datetime.fromtimestamp(changed_ms / 1000, UTC)
        return {"idle_since": moment.isoformat(timespec="milliseconds")}


def _publishing(numbers: Numbers) -> tuple[str, ...]:
    return PUBLISHING if any(numbers[name] for name in PUBLISHING) else ()


def _histories(*found: object) -> list[History]:
    return [history for history in found if isinstance(history, History)]


def utilisation(queue: ClassicQueue) -> float:
    """Of the last minute's ticks, the share at which the consumers kept up; 0 without any."""
    if not queue.consumers:
        return 0
    history = queue.history
    if isinstance(history, History) and history.judged_ticks:
        return history.judged.bit_count() / history.judged_ticks
    return float(keeps_up(queue))


def head_timestamp(queue: ClassicQueue) -> int | None:
    """The timestamp that the first message carries, if it does and is in memory."""
    entry = queue.ready.peek()
    if entry is None:
        return None
    message = entry.message
    flags = int.from_bytes(message.frames[PROPERTIES_AT : PROPERTIES_AT + 2], "big")
    if flags & FLAG_TIMESTAMP == 0:
        return None
    properties = decode_properties(message.frames, PROPERTIES_AT, int(message.header_size) - 1)
    return properties.timestamp
