"""Conversations as data: what clients did, and what came of it, step by step.

A file holds the conversations of one file of tests, by the test's name and the rows it is about.
Steps: `["connect", who]`, `["open", who]` (the usual handshake and channel 1), `["send", who,
frame...]`, `["receive", who, frame]`, `["confirms", who, channel, acks, nacks]`, `["silence", who]`
(nothing comes), `["end", who]` (the server closed the socket), `["close", who]` (the client did),
and what is done to the server: `["add_user", name, password, tags]` and the like.
"""

import json
import re
from pathlib import Path
from typing import Any

Step = list[Any]
FOLDER = Path(__file__).parent / "recorded"
# What most conversations begin with is written out once, in a file of this name.
OPENING = "opening"


def load(folder: Path = FOLDER) -> dict[str, list[Step]]:
    """Every conversation by its name, `file::test (rows)`."""
    opening = json.loads((folder / f"{OPENING}.json").read_text())
    found: dict[str, list[Step]] = {}
    for path in sorted(folder.glob("*.json")):
        if path.stem != OPENING:
            for name, steps in json.loads(path.read_text()).items():
                found[f"{path.stem}::{name}"] = list(_opened(steps, opening))
    return found


def _opened(steps: list[Step], opening: list[Step]) -> Any:
    for step in steps:
        if step[0] == "open":
            yield from ([kind, step[1], *rest] for kind, _, *rest in opening)
        else:
            yield step


def shortened(steps: list[Step], opening: list[Step]) -> list[Step]:
    """The same steps with `open` where a client opened its connection in the usual way."""
    result: list[Step] = []
    at = 0
    while at < len(steps):
        part = steps[at : at + len(opening)]
        who = part[0][1] if len(part[0]) > 1 else None
        if part == [[kind, who, *rest] for kind, _, *rest in opening]:
            result.append(["open", who])
            at += len(opening)
        else:
            result.append(steps[at])
            at += 1
    return result


def plain(name: str) -> str:
    """The test's name without the rows that it is about."""
    return re.sub(r" \([^()]*(?:\([^()]*\))?[^()]*\)$", "", name)


def as_text(conversations: dict[str, list[Step]]) -> str:
    """JSON with a line for each step."""
    parts = [
        f"{_line(name)}: [\n" + ",\n".join(f" {_line(step)}" for step in steps) + "\n]"
        for name, steps in sorted(conversations.items())
    ]
    return "{\n" + ",\n".join(parts) + "\n}\n"


def _line(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
