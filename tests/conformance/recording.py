"""Writes down the conversations of tests while they are held with RabbitMQ.

Only what a test reads is written, at the moment it reads it: what a server says is in order on one
connection, but when it arrives is chance.
"""

import json
import re
import tomllib
from collections import Counter
from fnmatch import fnmatch
from inspect import signature
from itertools import groupby
from pathlib import Path
from typing import Any

from conformance.conversation import FOLDER, OPENING, Step, as_text, plain, shortened
from conformance.generated import Names
from conformance.notation import body_notation, body_octets, written
from conformance.wires import FrameWire
from peer import Silence, Wire

ROWS = re.compile(
    r"([Ww]ire behaviours? \d[\d, ]*(?:(?:and|to) \d+)?|Error table: [^.]*|No error: [^.]*)"
)
# Conversations in which RabbitMQ itself says now this and now that: name and reason.
CHANCE = tomllib.loads(Path(__file__).with_name("chance.toml").read_text())
FEATURES = Path(__file__).parents[2] / "docs/features.md"
CONFIRMS = ("Basic.Ack", "Basic.Nack")
# From connecting to channel.open-ok.
USUAL_OPENING_STEPS = 10


class RecordingWire(FrameWire):
    def __init__(self, wire: Wire, conversation: "RecordedConversation", who: int) -> None:
        super().__init__(wire)
        self.conversation = conversation
        self.who = who

    def send(self, data: bytes) -> None:
        frames = [self.conversation.names.said(each) for each in written(data)]
        self.conversation.steps.append(["send", self.who, *frames])
        super().send(data)

    def receive(self, timeout: float) -> bytes:
        steps = self.conversation.steps
        try:
            data = super().receive(timeout)
        except Silence:
            steps.append(["silence", self.who])
            raise
        for each in written(data):
            steps.append(["receive", self.who, self.conversation.names.received(each)])
        if not data and steps[-1] != ["end", self.who]:
            steps.append(["end", self.who])
        return data

    def close(self) -> None:
        self.conversation.steps.append(["close", self.who])
        super().close()


class RecordedConversation:
    """A server for one test, whose every word is written down."""

    def __init__(self, server: Any) -> None:
        self.server = server
        self.user, self.password, self.vhost = server.user, server.password, server.vhost
        self.steps: list[Step] = []
        self.names = Names()
        self.clients = 0

    def connect(self) -> Wire:
        self.clients += 1
        self.steps.append(["connect", self.clients])
        return RecordingWire(self.server.connect(), self, self.clients)

    def __getattr__(self, name: str) -> Any:
        """What the server can be told to do is a step, too."""
        told = getattr(self.server, name)

        def order(*values: Any, **named: Any) -> None:
            arguments = signature(told).bind(*values, **named).arguments
            self.steps.append([name, *arguments.values()])
            told(*values, **named)

        return order

    def finished(self) -> list[Step]:
        """The steps, without the farewells at the end."""
        steps = with_whole_bodies(with_confirms(with_channels_in_order(self.steps)))
        while steps and steps[-1][0] in ("close", "clear_alarm"):
            del steps[-1]
        return steps


def with_channels_in_order(steps: list[Step]) -> list[Step]:
    """What was read in one go, channel after channel: which one speaks first is chance."""
    result: list[Step] = []
    for _, run in groupby(steps, lambda step: step[:2] if _is_framed(step) else id(step)):
        run_steps = list(run)
        if _is_framed(run_steps[0]):
            run_steps.sort(key=lambda step: int(step[2][1]))
        result += run_steps
    return result


def _is_framed(step: Step) -> bool:
    return bool(step[0] == "receive" and step[2][0] != "raw")


def with_whole_bodies(steps: list[Step]) -> list[Step]:
    """Where a body is cut into frames is the server's choice."""
    result: list[Step] = []
    for step in steps:
        if _is_body(step) and result and _is_body(result[-1]) and result[-1][1] == step[1]:
            _, channel, first = result[-1][2]
            if channel == step[2][1]:
                whole = body_octets(first) + body_octets(step[2][2])
                result[-1] = ["receive", step[1], ["body", channel, body_notation(whole)]]
                continue
        result.append(step)
    return result


def _is_body(step: Step) -> bool:
    return bool(step[0] == "receive" and step[2][0] == "body")


def with_confirms(steps: list[Step]) -> list[Step]:
    """How many confirms share a frame is chance: those read together become one step."""
    result: list[Step] = []
    settled: dict[tuple[int, int], set[int]] = {}
    for step in steps:
        if step[0] != "receive" or step[2][0] not in CONFIRMS:
            if step[0] == "receive" and step[2][0].startswith("Channel."):
                settled.pop((step[1], step[2][1]), None)
            result.append(step)
            continue
        kind, channel, arguments = step[2]
        before = settled.setdefault((step[1], channel), set())
        tags = tags_of(arguments, before)
        before |= set(tags)
        if not result or result[-1][:3] != ["confirms", step[1], channel]:
            result.append(["confirms", step[1], channel, [], []])
        result[-1][3 if kind == "Basic.Ack" else 4] += tags
        for each in result[-1][3:]:
            each.sort()
    return result


def tags_of(arguments: dict[str, Any], settled: set[int]) -> list[int]:
    last = arguments["delivery_tag"]
    if not arguments.get("multiple"):
        return [last]
    return [tag for tag in range(1, last + 1) if tag not in settled]


def usual_opening(conversations: list[list[Step]]) -> list[Step]:
    """What most clients began with: as before, if anybody still does."""
    before = json.loads((FOLDER / f"{OPENING}.json").read_text())
    if any(["open", 1] in shortened(steps, before) for steps in conversations):
        return list(before)
    seen = Counter[str]()
    for steps in conversations:
        for at, step in enumerate(steps):
            if step[0] == "connect":
                part = steps[at : at + USUAL_OPENING_STEPS]
                seen[json.dumps([[kind, 0, *rest] for kind, _, *rest in part])] += 1
    opening: list[Step] = json.loads(seen.most_common(1)[0][0])
    return opening


def title(name: str, file: str, *docstrings: str | None) -> str:
    """The test's name, and in brackets the rows of docs/features.md that it shows: those that its
    docstring names, or its file's, or else the row that its file is for."""
    for about in filter(None, docstrings):
        if rows := ROWS.findall(about.replace("\n", " ")):
            return f"{name} ({'; '.join(rows)})"
    for row in FEATURES.read_text(encoding="utf-8").splitlines():
        patterns = re.findall(r"`([^`:]+\.py)`", row)
        if row.startswith("| ") and any(fnmatch(f"{file}.py", pattern) for pattern in patterns):
            return f"{name} ({row.split(' | ')[0][2:]})"
    raise LookupError(f"docs/features.md has no row for all of {file}.py")


def save(folder: Path, conversations: dict[str, dict[str, list[Step]]]) -> None:
    """Write conversations, by file and then by name."""
    folder.mkdir(parents=True, exist_ok=True)
    opening = usual_opening([each for held in conversations.values() for each in held.values()])
    lines = ",\n".join(json.dumps(step, ensure_ascii=False) for step in opening)
    (folder / f"{OPENING}.json").write_text(f"[\n{lines}\n]\n")
    for name, held in conversations.items():
        short = {
            title: shortened(steps, opening)
            for title, steps in held.items()
            if f"{name}::{plain(title)}" not in CHANCE
        }
        (folder / f"{name}.json").write_text(as_text(short))
