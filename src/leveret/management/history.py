"""The last samples of what things have counted, for rates and charts.

A sample is taken every five seconds, of each thing at the same moment, and is kept only if it
differs from the one before: what nothing happens to keeps one sample. So the memory is bounded by
what is in use, and a sample is one string of octets, which the garbage collector need not walk.
"""

from __future__ import annotations

from bisect import bisect_right
from struct import Struct
from typing import Final

TICK_MS: Final = 5000
# How long the samples of a single thing reach back, and those of a vhost and of the whole.
KEPT_MS: Final = 60_000
TOTALS_KEPT_MS: Final = 600_000
# Ticks over which it is judged whether a queue's consumers keep up.
TICKS_JUDGED: Final = 12


class Fields:
    """The numbers that the samples of one kind of things consist of, by their names."""

    def __init__(self, *names: str) -> None:
        self.names = names
        self.places = {name: place for place, name in enumerate(names)}
        self.struct = Struct(f"<{len(names)}q")


DELIVERIES: Final = (
    "ack",
    "deliver",
    "deliver_get",
    "deliver_no_ack",
    "get",
    "get_empty",
    "get_no_ack",
    "redeliver",
)
PUBLISHING: Final = ("publish", "confirm", "return_unroutable", "drop_unroutable")
STATES: Final = ("messages_ready", "messages_unacknowledged")
# Messages that wait to be tried again have no state of their own.
LENGTHS: Final = (*STATES, "messages_waiting")
CHURN: Final = (
    "connection_created",
    "connection_closed",
    "channel_created",
    "channel_closed",
    "queue_declared",
    "queue_created",
    "queue_deleted",
)

QUEUE: Final = Fields("publish", *DELIVERIES, *LENGTHS)
EXCHANGE: Final = Fields("publish_in", "publish_out")
CHANNEL: Final = Fields(*PUBLISHING, *DELIVERIES)
CONNECTION: Final = Fields("recv_oct", "send_oct")
VHOST: Final = Fields(*PUBLISHING, *DELIVERIES, *LENGTHS)
NODE: Final = Fields(*CHURN)


class History:
    """The samples of one thing. `changed_ms` is when one differed for the last time; all times are
    milliseconds since 1970. `judged` has a bit for each of the last ticks: whether the consumers of
    a queue kept up."""

    __slots__ = (
        "_fields",
        "_kept_ms",
        "_samples",
        "_times",
        "changed_ms",
        "judged",
        "judged_ticks",
    )

    def __init__(self, fields: Fields, kept_ms: int = KEPT_MS) -> None:
        self.changed_ms = 0
        self.judged = 0
        self.judged_ticks = 0
        self._fields = fields
        self._kept_ms = kept_ms
        self._times: list[int] = []
        self._samples: list[bytes] = []

    def take(self, at_ms: int, numbers: tuple[int, ...]) -> None:
        """A sample, later than all before it."""
        sample = self._fields.struct.pack(*numbers)
        if self._samples and self._samples[-1] == sample:
            return
        self.changed_ms = at_ms
        times, samples = self._times, self._samples
        times.append(at_ms)
        samples.append(sample)
        # The last one that is too old says what was so since.
        while len(times) > 1 and times[1] <= at_ms - self._kept_ms:
            del times[0]
            del samples[0]

    def judge(self, keeps_up: bool) -> None:
        """Whether a queue's consumers keep up at this tick."""
        self.judged = (self.judged << 1 | keeps_up) & ((1 << TICKS_JUDGED) - 1)
        self.judged_ticks = min(self.judged_ticks + 1, TICKS_JUDGED)

    def has(self, name: str) -> bool:
        """Whether this is a number of such things."""
        return name in self._fields.places

    def at(self, name: str, at_ms: int) -> int:
        """A number as it was then; 0 before the first sample."""
        place = bisect_right(self._times, at_ms)
        if place == 0:
            return 0
        number: int = self._fields.struct.unpack(self._samples[place - 1])[
            self._fields.places[name]
        ]
        return number
