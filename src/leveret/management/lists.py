"""Lists: made in slices, shared by those who look at the same time, sent as they are made.

A list of many things is up to a second old, and whoever changes something over HTTP sees it at
once. A short list is made for each request, and so exact.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

import msgspec
import regex

from leveret.broker.patterns import PatternError, check_pattern
from leveret.management.pace import Pace, batches
from leveret.management.query import PAGE_SIZE_MAX, invalid_page
from leveret.management.refusals import bad_request
from leveret.management.searches import matching
from leveret.management.streams import JsonStream, json_octets

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping, Sequence

    from starlette.responses import Response

    from leveret.management.calls import Call
    from leveret.management.context import Management
    from leveret.management.query import Columns, Page, Query

    Sees = Callable[[Any], bool]

SHARED_SECONDS: Final = 1.0
# To find ten thousand queues and put them in order takes as long as a page of them, and they are
# mostly the same a second later. Those that have gone are let go after so long.
THINGS_KEPT_SECONDS: Final = 60.0
# Lists of up to so many things are not kept.
EXACT_MAX: Final = 100
# Of an answer that is sent in parts.
PART_OCTETS: Final = 1 << 17
NAME_REGEX_MAX_CHARACTERS: Final = 1000


class Family:
    """A kind of things that there are lists of.

    `things` yields those of a vhost, or of all if it is None, in order, some at a time. `view`
    shows one. `name` is what the query of a page searches; a family without it has none.
    `keys` are some keys of a view that can be had without making it all. Each is of one type and
    has nothing below it.
    `stamp` differs once there are other things; without it they are looked for each time.
    """

    def __init__(
        self,
        things: Callable[[Management, str | None, Pace], AsyncIterator[Sequence[Any]]],
        view: Callable[[Management, Any], dict[str, object]],
        name: Callable[[Any], str] | None = None,
        keys: Mapping[str, Callable[[Any], object]] | None = None,
        stamp: Callable[[Management, str | None], object] | None = None,
    ) -> None:
        self.things = things
        self.view = view
        self.name = name
        self.keys = keys or {}
        self.stamp = stamp


Key = tuple[Family, "str | None"]


class Snapshot:
    """The things of a list, in order. What is shown of one is made when it is first wanted, once
    for everybody; it is kept as octets, which the garbage collector need not walk."""

    def __init__(self, management: Management, family: Family, things: list[Any]) -> None:
        self.things = things
        self.family = family
        self._management = management
        self._rows: list[bytes] = [b""] * len(things)

    def row(self, place: int) -> bytes:
        """What is shown of a thing, as JSON."""
        row = self._rows[place]
        if not row:
            self._made(place)
            row = self._rows[place]
        return row

    def view(self, place: int) -> Any:
        """The same, to look at."""
        row = self._rows[place]
        return msgspec.json.decode(row) if row else self._made(place)

    def _made(self, place: int) -> dict[str, object]:
        view = self.family.view(self._management, self.things[place])
        self._rows[place] = msgspec.json.encode(view)
        return view


class Lists:
    """The lists that viewers share just now. `new_pace` makes the pace of one of them."""

    def __init__(self, management: Management, new_pace: Callable[[], Pace] = Pace) -> None:
        self.new_pace = new_pace
        self._management = management
        self._kept: dict[Key, asyncio.Future[Snapshot]] = {}
        # The things of the last snapshots, with their stamps.
        self._things: dict[Key, tuple[object, list[Any]]] = {}

    async def of(self, family: Family, vhost: str | None) -> Snapshot:
        """The things of a vhost, or of all if it is None."""
        key = family, vhost
        while (kept := self._kept.get(key)) is not None:
            if not kept.done():
                await asyncio.wait([kept])
            if not kept.cancelled():
                return kept.result()
        loop = asyncio.get_running_loop()
        began = loop.time()
        # Whoever comes first makes it, in his own task: another would cost turns of the loop.
        kept = self._kept[key] = loop.create_future()
        try:
            snapshot = await self._snapshot(family, vhost)
        except BaseException:
            # Those who wait for it make it themselves.
            self._drop(key, kept)
            kept.cancel()
            raise
        kept.set_result(snapshot)
        if len(snapshot.things) > EXACT_MAX:
            loop.call_at(began + SHARED_SECONDS, self._drop, key, kept)
        else:
            self._drop(key, kept)
        return snapshot

    def forget(self) -> None:
        """Something has been changed: what is asked for from now on shows it."""
        self._kept.clear()

    def _drop(self, key: Key, kept: asyncio.Future[Snapshot]) -> None:
        if self._kept.get(key) is kept:
            del self._kept[key]

    async def _snapshot(self, family: Family, vhost: str | None) -> Snapshot:
        stamp = None if family.stamp is None else family.stamp(self._management, vhost)
        known = self._things.get((family, vhost))
        if known is not None and known[0] == stamp:
            return Snapshot(self._management, family, known[1])
        pace = self.new_pace()
        things: list[Any] = []
        async for some in family.things(self._management, vhost, pace):
            things.extend(some)
            await pace.rest_if_used_up()
        if stamp is not None and len(things) > EXACT_MAX:
            self._keep_things((family, vhost), (stamp, things))
        return Snapshot(self._management, family, things)

    def _keep_things(self, key: Key, known: tuple[object, list[Any]]) -> None:
        self._things[key] = known

        def forget() -> None:
            if self._things.get(key) is known:
                del self._things[key]

        asyncio.get_running_loop().call_later(THINGS_KEPT_SECONDS, forget)


async def listed(
    call: Call,
    family: Family,
    vhost: str | None = None,
    sees: Sees | None = None,
) -> Response:
    """200 with those things of a family, in a vhost or in all, that the caller `sees`, as the query
    wants them."""
    return await _listed(call, await call.management.lists.of(family, vhost), sees)


async def listed_of(call: Call, family: Family, things: list[Any]) -> Response:
    """The same with some things of a family: such as are not shared by viewers."""
    return await _listed(call, Snapshot(call.management, family, things), None)


async def _listed(call: Call, snapshot: Snapshot, sees: Sees | None) -> Response:
    query = call.query
    page = query.page() if call.paged else None
    work = _Work(snapshot, query, call.management.lists.new_pace())
    places: Sequence[int] = range(len(snapshot.things))
    if sees is not None:
        things = snapshot.things
        places = await work.chosen(places, lambda place: sees(things[place]))
    total = len(places)
    if page is not None and page.name:
        places = await work.named(places, page)
    if query.sort:
        places = await work.sorted(places)
    if query.reverse:
        places = places[::-1]
    if page is None:
        return await work.answer(places, b"[", b"]")
    start, end = page.of(len(places))
    before, after = _envelope(page, total, len(places), end - start)
    return await work.answer(places[start:end], before, after)


class _Work:
    """The steps from a snapshot to an answer; places are those of things in the snapshot."""

    def __init__(self, snapshot: Snapshot, query: Query, pace: Pace) -> None:
        self._snapshot = snapshot
        self._query = query
        self._pace = pace
        self._quick = _quick_columns(snapshot.family, query.columns)

    async def chosen(self, places: Sequence[int], wanted: Callable[[int], bool]) -> list[int]:
        """The places of what is wanted."""
        chosen: list[int] = []
        for some in batches(list(places)):
            chosen += filter(wanted, some)
            await self._pace.rest_if_used_up()
        return chosen

    async def named(self, places: Sequence[int], page: Page) -> list[int]:
        """The places of those that are named as the page wants it; case makes no difference."""
        things, name = self._snapshot.things, self._snapshot.family.name
        assert name is not None
        if page.use_regex:
            return await self._matching(places, page.name)
        part = page.name.lower()
        return await self.chosen(places, lambda place: part in name(things[place]).lower())

    async def _matching(self, places: Sequence[int], text: str) -> list[int]:
        things, name = self._snapshot.things, self._snapshot.family.name
        assert name is not None
        if len(text) > NAME_REGEX_MAX_CHARACTERS:
            raise bad_request(
                f"the regular expression is longer than {NAME_REGEX_MAX_CHARACTERS} characters"
            )
        try:
            check_pattern(text)
            pattern = regex.compile(text, regex.IGNORECASE)
        except (PatternError, regex.error):
            raise invalid_page() from None
        return await matching(pattern, places, lambda place: name(things[place]), self._pace)

    async def sorted(self, places: Sequence[int]) -> list[int]:
        """The places in the order of what the query sorts by; equals as they were."""
        keys = await self._keys(places)
        return await self._pace.sorted(list(places), keys.__getitem__)

    async def _keys(self, places: Sequence[int]) -> list[Any]:
        """What they are sorted by, each at its place; some of it can be had without making the
        rows."""
        path, things = self._query.sort, self._snapshot.things
        quick = self._snapshot.family.keys.get(path[0]) if len(path) == 1 else None
        keys: list[Any] = [None] * len(things)
        if quick is None:
            for place in places:
                keys[place] = self._query.sort_key(self._snapshot.view(place))
                if self._pace.used_up():
                    await self._pace.rest()
            return keys
        for some in batches(list(places)):
            for place in some:
                keys[place] = quick(things[place])
            await self._pace.rest_if_used_up()
        return keys

    async def answer(self, places: Sequence[int], before: bytes, after: bytes) -> Response:
        """The rows, between what comes before them and what comes after them."""
        octets = self._octets(places, before, after)
        if len(places) > PAGE_SIZE_MAX:
            return JsonStream(octets)
        return json_octets(200, b"".join([some async for some in octets]))

    async def _octets(
        self, places: Sequence[int], before: bytes, after: bytes
    ) -> AsyncIterator[bytes]:
        rows: list[bytes] = []
        size = 0
        # What separates a row from what was sent before it.
        lead = before
        for place in places:
            row = self._row(place)
            rows.append(row)
            size += len(row)
            if size > PART_OCTETS or self._pace.used_up():
                yield lead + b",".join(rows)
                lead = b","
                size = 0
                rows.clear()
                if self._pace.used_up():
                    await self._pace.rest()
        yield (lead if rows or lead is before else b"") + b",".join(rows) + after

    def _row(self, place: int) -> bytes:
        if self._quick is not None:
            thing = self._snapshot.things[place]
            return msgspec.json.encode({name: key(thing) for name, key in self._quick.items()})
        if self._query.columns is None:
            return self._snapshot.row(place)
        return msgspec.json.encode(self._query.picked(self._snapshot.view(place)))


def _quick_columns(
    family: Family, columns: Columns | None
) -> Mapping[str, Callable[[Any], object]] | None:
    """How to have the columns of a row without making it all; None if they cannot be had so."""
    if columns is None or any(columns.values()) or not columns.keys() <= family.keys.keys():
        return None
    return {name: key for name, key in family.keys.items() if name in columns}


def _envelope(page: Page, total: int, filtered: int, count: int) -> tuple[bytes, bytes]:
    """What is around the rows of a page: `total` there are, `filtered` by name."""
    before = {"filtered_count": filtered, "item_count": count}
    after = {
        "page": page.number,
        "page_count": -(-filtered // page.size),
        "page_size": page.size,
        "total_count": total,
    }
    return (
        msgspec.json.encode(before)[:-1] + b',"items":[',
        b"]," + msgspec.json.encode(after)[1:],
    )
