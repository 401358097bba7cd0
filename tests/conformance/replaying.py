"""Holds a recorded conversation again, and compares every frame."""

import json
from contextlib import suppress
from typing import Any

from conformance.conversation import Step
from conformance.generated import Names
from conformance.notation import octets, written
from conformance.recording import CONFIRMS, tags_of
from conformance.wires import FrameWire
from peer import Silence

PATIENCE_SECONDS = 10.0
SILENCE_SECONDS = 0.3


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
        elif kind == "send":
            data = b"".join(octets(self.names.to_say(each)) for each in values[1:])
            with suppress(ConnectionError):  # a server may hang up before all is said
                self.wires[values[0]].send(data)
        elif kind == "receive":
            self._compare(at, values[1], self._next(values[0]))
        elif kind == "end":
            self._compare(at, "end", self._next(values[0]))
        elif kind == "silence":
            self._compare(at, "silence", self._next(values[0], SILENCE_SECONDS))
        elif kind == "confirms":
            self._confirms(at, *values)
        elif kind == "close":
            self.wires[values[0]].close()
        else:
            getattr(self.server, kind)(*values)

    def _next(self, who: int, timeout: float = PATIENCE_SECONDS) -> Any:
        try:
            data = self.wires[who].receive(timeout)
        except Silence:
            return "silence"
        if not data:
            return "end"
        notation = self.names.received(written(data)[0])
        if notation[0] in ("Channel.OpenOk", "Channel.CloseOk", "Channel.Close"):
            self.settled.pop((who, notation[1]), None)
        return notation

    def _confirms(self, at: int, who: int, channel: int, acks: list[int], nacks: list[int]) -> None:
        settled = self.settled.setdefault((who, channel), set())
        missing = {"Basic.Ack": set(acks), "Basic.Nack": set(nacks)}
        while any(missing.values()):
            got = self._next(who)
            if got[0] not in CONFIRMS or got[1] != channel:
                raise Deviation(at, ["confirms", channel, acks, nacks], got)
            tags = set(tags_of(got[2], settled))
            if not tags or not tags <= missing[got[0]]:
                raise Deviation(at, ["confirms", channel, acks, nacks], got)
            missing[got[0]] -= tags
            settled |= tags

    def _compare(self, at: int, expected: Any, got: Any) -> None:
        if expected != got:
            raise Deviation(at, expected, got)
