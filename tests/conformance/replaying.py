"""Holds a recorded conversation again, and compares every frame."""

import json
from contextlib import suppress
from typing import Any

from conformance.conversation import Step
from conformance.generated import Names
from conformance.notation import body_notation, body_octets, octets, written
from conformance.recording import CONFIRMS, tags_of
from conformance.wires import FrameWire
from peer import Silence

PATIENCE_SECONDS = 10.0
SILENCE_SECONDS = 0.3
SILENCE, END, HEARTBEAT = "silence", "end", ["heartbeat", 0]


class Deviation(AssertionError):
    """The server said something else than RabbitMQ did."""

    def __init__(self, at: int, expected: Any, got: Any) -> None:
        self.at, self.expected, self.got = at, expected, got
        texts = [json.dumps(each, ensure_ascii=False) for each in (expected, got)]
        super().__init__(f"step {at}\n  RabbitMQ: {texts[0]}\n  here:     {texts[1]}")


class Replay:
    def __init__(self, server: Any) -> None:
        self.server = server
        self.names = Names()
        self.wires: dict[int, FrameWire] = {}
        self.held: dict[int, list[Any]] = {}
        self.settled: dict[tuple[int, int], set[int]] = {}

    def run(self, steps: list[Step]) -> None:
        """Raises Deviation at the first difference."""
        try:
            for at, step in enumerate(steps):
                self._step(at, *step)
        finally:
            for wire in self.wires.values():
                wire.close()

    def _step(self, at: int, kind: str, *values: Any) -> None:
        if kind == "connect":
            self.wires[values[0]] = FrameWire(self.server.connect())
            self.held[values[0]] = []
        elif kind == "send":
            data = b"".join(octets(self.names.to_say(each)) for each in values[1:])
            with suppress(ConnectionError):  # a server may hang up before all is said
                self.wires[values[0]].send(data)
        elif kind == "receive":
            self._receive(at, *values)
        elif kind == END:
            self._nothing_more(at, values[0], END, PATIENCE_SECONDS)
        elif kind == SILENCE:
            self._nothing_more(at, values[0], SILENCE, SILENCE_SECONDS)
        elif kind == "confirms":
            self._confirms(at, *values)
        elif kind == "close":
            self.wires[values[0]].close()
        else:
            getattr(self.server, kind)(*values)

    def _next(self, who: int, channel: int, timeout: float = PATIENCE_SECONDS) -> Any:
        """The next frame on the channel; what other channels say meanwhile waits."""
        held = self.held[who]
        for at, notation in enumerate(held):
            if notation[1] == channel:
                return held.pop(at)
        while True:
            notation = self._read(who, timeout)
            if isinstance(notation, str) or notation[1] == channel or notation[0] == "raw":
                return notation
            held.append(notation)

    def _read(self, who: int, timeout: float) -> Any:
        """The next frame of the connection, or why there is none."""
        try:
            data = self.wires[who].receive(timeout)
        except Silence:
            return SILENCE
        if not data:
            return END
        notation = self.names.received(written(data)[0])
        if notation[0] in ("Channel.OpenOk", "Channel.CloseOk", "Channel.Close"):
            self.settled.pop((who, notation[1]), None)
        return notation

    def _receive(self, at: int, who: int, expected: Any) -> None:
        channel = expected[1]
        got = self._next(who, channel)
        while got == HEARTBEAT != expected:
            got = self._next(who, channel)
        if expected[0] == "body" and got[0] == "body":
            whole, so_far = body_octets(expected[2]), body_octets(got[2])
            while len(so_far) < len(whole) and (more := self._next(who, channel))[0] == "body":
                so_far += body_octets(more[2])
            got = ["body", channel, body_notation(so_far)]
        self._compare(at, expected, got)

    def _nothing_more(self, at: int, who: int, expected: str, timeout: float) -> None:
        """Not on any channel."""
        got = self.held[who].pop(0) if self.held[who] else self._read(who, timeout)
        while got == HEARTBEAT:
            got = self._read(who, timeout)
        self._compare(at, expected, got)

    def _confirms(self, at: int, who: int, channel: int, acks: list[int], nacks: list[int]) -> None:
        missing = {"Basic.Ack": set(acks), "Basic.Nack": set(nacks)}
        while any(missing.values()):
            got = self._next(who, channel)
            if got[0] not in CONFIRMS:
                raise Deviation(at, ["confirms", channel, acks, nacks], got)
            settled = self.settled.setdefault((who, channel), set())
            tags = set(tags_of(got[2], settled))
            if not tags or not tags <= missing[got[0]]:
                raise Deviation(at, ["confirms", channel, acks, nacks], got)
            missing[got[0]] -= tags
            settled |= tags

    def _compare(self, at: int, expected: Any, got: Any) -> None:
        # As text, for the keys of a field table have their order, too.
        if json.dumps(expected) != json.dumps(got):
            raise Deviation(at, expected, got)
