"""Prometheus's text format, version 0.0.4, made and sent in slices.

A metric is its two lines of description and its samples, all together and once in a scrape.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Final

from starlette.responses import Response

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable

    from starlette.types import Receive, Scope, Send

    Number = int | float
    Labels = str

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
# Samples that are written in one go.
LINES: Final = 500
# Octets that are sent as one piece.
PIECE_BYTES: Final = 32 * 1024

COUNTER: Final = "counter"
GAUGE: Final = "gauge"
UNTYPED: Final = "untyped"
HISTOGRAM: Final = "histogram"


class Metric:
    """A name without its prefix, its type, and what it says to people."""

    def __init__(self, name: str, kind: str, help_text: str) -> None:
        self.name = name
        self.kind = kind
        self.help_text = help_text

    def lines(self, prefix: str, samples: Iterable[tuple[Labels, Number]]) -> Iterable[str]:
        """The description, and a line for each sample; some lines at a time."""
        name = prefix + self.name
        yield f"# TYPE {name} {self.kind}\n# HELP {name} {self.help_text}\n"
        left = iter(samples)
        while some := [
            f"{name}{labels} {number if number == number else 'NaN'}\n"
            for labels, number in islice(left, LINES)
        ]:
            yield "".join(some)


def labels(**values: str) -> Labels:
    """Labels as they stand behind a name."""
    return "{" + ",".join(f'{name}="{escaped(value)}"' for name, value in values.items()) + "}"


def escaped(value: str) -> str:
    """A label's value as it stands between quotation marks."""
    if "\\" in value or '"' in value or "\n" in value:
        value = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return value


def histogram(
    metric: Metric,
    prefix: str,
    bounds: Iterable[Number],
    counts: list[int],
    total: Number,
    **of: str,
) -> Iterable[str]:
    """The lines of a histogram: `counts` are those up to each bound and above the one before it,
    and last those above all; `total` is the sum of what was measured."""
    name = prefix + metric.name
    yield f"# TYPE {name} {HISTOGRAM}\n# HELP {name} {metric.help_text}\n"
    so_far = 0
    for bound, count in zip((*bounds, "+Inf"), counts, strict=True):
        so_far += count
        yield f"{name}_bucket{labels(**of, le=str(bound))} {so_far}\n"
    behind = labels(**of) if of else ""
    yield f"{name}_count{behind} {so_far}\n{name}_sum{behind} {total}\n"


class Scraped(Response):
    """200 with what comes, in pieces; whoever has gone is sent nothing more."""

    def __init__(self, lines: AsyncIterator[str]) -> None:
        super().__init__(media_type=CONTENT_TYPE)
        del self.headers["content-length"]
        self._lines = lines

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        if scope["method"] != "HEAD":
            waiting: list[str] = []
            size = 0
            async for line in self._lines:
                waiting.append(line)
                size += len(line)
                if size >= PIECE_BYTES:
                    await send(_piece(waiting, True))
                    waiting, size = [], 0
            await send(_piece(waiting, False))
            return
        await send(_piece([], False))


def _piece(lines: list[str], more: bool) -> dict[str, object]:
    # Names come from clients and need not be UTF-8; the format must be.
    body = "".join(lines).encode(errors="replace")
    return {"type": "http.response.body", "body": body, "more_body": more}
