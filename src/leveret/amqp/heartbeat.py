"""Heartbeats (spec §4.2.7), with RabbitMQ's timing.

One timer of half the interval serves both directions: at each tick a heartbeat leaves if nothing
else has since the last, and at every second tick the peer must have sent something, anything, in
the interval before. Two silent intervals in a row end the connection, so a dead peer is noticed
after two to three intervals.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from leveret.wire.frames import HEARTBEAT

if TYPE_CHECKING:
    from leveret.amqp.connection import Connection
    from leveret.broker.seams import Timer

log = logging.getLogger("leveret.connection")

SILENT_INTERVALS_MAX: Final = 2


class Heartbeat:
    """Runs from its making until `stop`."""

    def __init__(self, connection: Connection, interval_seconds: int) -> None:
        self.interval_seconds = interval_seconds
        self._connection = connection
        self._clock = connection.broker.clock
        # As in RabbitMQ the handshake's end is no traffic of ours, and the first check of the peer
        # always finds life: who says nothing from the start is cut after three intervals.
        self._sent = int(connection.output.octets_sent) + connection.output.size()
        self._received = -1
        self._odd = False
        self._silent_intervals = 0
        self._timer: Timer | None = None
        self._schedule()

    def stop(self) -> None:
        """No further heartbeats, no further check."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _schedule(self) -> None:
        self._timer = self._clock.call_at(self._clock.now() + self.interval_seconds / 2, self._tick)

    def _tick(self) -> None:
        connection = self._connection
        sent = int(connection.output.octets_sent)
        if sent == self._sent:
            connection.send_heartbeat()
            # It is on its way only; at the next tick it must not pass for traffic.
            sent += len(HEARTBEAT)
        self._sent = sent
        self._odd = not self._odd
        if self._odd or self._peer_is_alive():
            self._schedule()

    def _peer_is_alive(self) -> bool:
        connection = self._connection
        if connection.octets_received != self._received:
            self._received = int(connection.octets_received)
            self._silent_intervals = 0
            return True
        if not connection.should_read():
            # It may have said much that is not looked at yet. Afterwards it starts anew, as in
            # RabbitMQ.
            self._received = -1
            self._silent_intervals = 0
            return True
        self._silent_intervals += 1
        if self._silent_intervals < SILENT_INTERVALS_MAX:
            return True
        log.error(
            "%s: missed heartbeats from client, timeout: %ds. The connection is cut; the client "
            "sees it as lost (pika: StreamLostError). The usual cause is a callback that works "
            "for longer than two heartbeats without letting the client library send any: work "
            "in a thread, or ask for a longer heartbeat",
            connection.described(),
            self.interval_seconds,
        )
        connection.drop()
        return False
