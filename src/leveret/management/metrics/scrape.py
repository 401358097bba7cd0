"""The three pages of metrics: added up, one by one, and some families one by one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from starlette.routing import Route

from leveret.management.metrics.exposition import GAUGE, Metric, Scraped, labels
from leveret.management.metrics.families import CLUSTER_FAMILIES, CONSUMER_COUNT, FAMILIES
from leveret.management.metrics.node import SECTIONS, info, whole
from leveret.management.pace import Pace

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

    from starlette.requests import Request
    from starlette.responses import Response

    from leveret.broker.vhost import VHost
    from leveret.management.context import Management
    from leveret.management.metrics.families import Family

    Handler = Callable[[Request], Awaitable[Response]]

PREFIX: Final = "rabbitmq_"
DETAILED: Final = "rabbitmq_detailed_"
# Things between two looks at the clock.
BATCH: Final = 50

_BY_NAME: Final = {each.name: each for each in (*FAMILIES, *CLUSTER_FAMILIES, CONSUMER_COUNT)}
_LEFT_OUT: Final = Metric(
    "metrics_objects_left_out",
    GAUGE,
    "Objects of a family that are not shown one by one, since there are too many",
)


class Scrapes:
    """The pages. At most `objects_max` objects of a family are shown one by one."""

    def __init__(self, management: Management, objects_max: int) -> None:
        self._management = management
        self._objects_max = objects_max

    def routes(self, guarded: Callable[[Handler], Handler]) -> list[Route]:
        """The pages' routes; `guarded` lets those pass who may see them."""
        pages = (
            ("/metrics", self._aggregated),
            ("/metrics/per-object", self._per_object),
            ("/metrics/detailed", self._detailed),
        )
        return [Route(path, guarded(page), methods=["GET"]) for path, page in pages]

    async def _aggregated(self, _request: Request) -> Response:
        return Scraped(self._added_up())

    async def _per_object(self, _request: Request) -> Response:
        return Scraped(self._one_by_one())

    async def _detailed(self, request: Request) -> Response:
        query = request.query_params
        return Scraped(self._chosen(query.getlist("family"), query.getlist("vhost")))

    # --- lines ---

    async def _added_up(self) -> AsyncIterator[str]:
        pace = Pace()
        async for line in whole(self._management, pace, "aggregated"):
            yield line
        for family in FAMILIES:
            sums: list[float] = [0] * len(family.metrics)
            async for some in self._things(family, self._vhosts(), pace):
                for place, column in enumerate(zip(*map(family.numbers, some), strict=True)):
                    sums[place] += sum(column)
            for metric, total in zip(family.metrics, sums, strict=True):
                samples = [] if metric.name in family.no_sums else [("", total)]
                for line in metric.lines(PREFIX, samples):
                    yield line

    async def _one_by_one(self) -> AsyncIterator[str]:
        pace = Pace()
        async for line in whole(self._management, pace, "per-object"):
            yield line
        async for line in self._families(FAMILIES, self._vhosts(), pace, PREFIX):
            yield line

    async def _chosen(self, names: list[str], vhosts: list[str]) -> AsyncIterator[str]:
        pace = Pace()
        management = self._management
        for metric, samples in info(management, "detailed"):
            for line in metric.lines(PREFIX, samples):
                yield line
        for name in dict.fromkeys(names):
            section = SECTIONS.get(name)
            for metric, samples in section(management) if section is not None else ():
                for line in metric.lines(DETAILED, samples):
                    yield line
        wanted = [each for each in self._vhosts() if not vhosts or each.name in vhosts]
        chosen = [_BY_NAME[name] for name in dict.fromkeys(names) if name in _BY_NAME]
        if CONSUMER_COUNT in chosen and _BY_NAME["queue_metrics"] in chosen:
            # It is a part of that, and a metric comes once.
            chosen.remove(CONSUMER_COUNT)
        async for line in self._families(chosen, wanted, pace, None):
            yield line

    async def _families(
        self, families: Sequence[Family], vhosts: list[VHost], pace: Pace, prefix: str | None
    ) -> AsyncIterator[str]:
        """Things one by one; with their families' own prefixes if `prefix` is None."""
        left_out: list[tuple[str, float]] = []
        for family in families:
            # Names and numbers apart: the garbage collector would walk tens of thousands of pairs.
            names: list[str] = []
            columns: list[list[float]] = [[] for _ in family.metrics]
            count = excess = 0
            async for some in self._things(family, vhosts, pace):
                shown = some[: self._objects_max - count]
                count += len(shown)
                excess += len(some) - len(shown)
                for thing in shown:
                    names.append(family.labels(thing))
                    for column, number in zip(columns, family.numbers(thing), strict=True):
                        column.append(number)
            if excess:
                left_out.append((labels(family=family.name), excess))
            for metric, column in zip(family.metrics, columns, strict=True):
                samples = zip(names, column, strict=True)
                for line in metric.lines(prefix or family.prefix, samples):
                    yield line
                    await pace.rest_if_used_up()
        if left_out:
            for line in _LEFT_OUT.lines("leveret_", left_out):
                yield line

    async def _things(
        self, family: Family, vhosts: list[VHost], pace: Pace
    ) -> AsyncIterator[Sequence[object]]:
        for things in family.things(self._management, vhosts):
            for start in range(0, len(things), BATCH):
                yield things[start : start + BATCH]
                await pace.rest_if_used_up()

    def _vhosts(self) -> list[VHost]:
        return list(self._management.broker.vhosts.values())
