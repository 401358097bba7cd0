"""Lists are made in slices of a few milliseconds, and shared by those who look at the same time."""

import asyncio
import json

import pytest
from starlette.datastructures import QueryParams

from leveret.management.lists import EXACT_MAX, SHARED_SECONDS, Family, Lists, listed
from leveret.management.pace import BATCH, SLICE_SECONDS, Pace
from leveret.management.query import Query

MANY = EXACT_MAX + 1
VIEW_SECONDS = SLICE_SECONDS / 10


class Loop(asyncio.SelectorEventLoop):
    """Its time stands still until a test moves it."""

    def __init__(self):
        super().__init__()
        self.moment = 1000.0

    def time(self):
        return self.moment


class World:
    """Things that are numbers, `count` of them; looking at one takes a tenth of a slice."""

    def __init__(self, count):
        self.numbers = list(range(count, 0, -1))
        self.seconds = 0.0
        self.viewed = []
        self.slices = [0.0]
        self.family = Family(
            World.sorted,
            World.view,
            lambda number: f"n{number}",
        )
        self.lists = Lists(self, lambda: Pace(lambda: self.seconds, self.others_run))
        self.management = self

    async def sorted(self, vhost, pace):
        yield await pace.sorted(self.numbers)

    def view(self, number):
        self.seconds += VIEW_SECONDS
        self.viewed.append(number)
        return {"number": number, "even": number % 2 == 0}

    async def others_run(self, slices):
        self.slices.append(self.seconds)
        await asyncio.sleep(0)

    def asks(self, text=""):
        call = type(
            "Call",
            (),
            {"management": self, "query": Query(QueryParams(text)), "paged": "page" in text},
        )()
        return self.read(call)

    async def read(self, call):
        response = await listed(call, self.family)
        parts = []

        async def send(message):
            parts.append(message.get("body", b""))

        await response({"type": "http"}, None, send)
        return json.loads(b"".join(parts))


@pytest.fixture
def run():
    with asyncio.Runner(loop_factory=Loop) as runner:
        yield runner.run


def longest(slices, end):
    return max(b - a for a, b in zip(slices, [*slices[1:], end], strict=True))


@pytest.mark.parametrize(
    "query", ["", "sort=number", "columns=number", "sort=even&columns=even", "page=1&page_size=500"]
)
def test_others_have_their_turn_after_each_slice(run, query):
    world = World(1000)
    run(world.asks(query))
    rows = len(world.viewed)
    assert rows == (500 if "page" in query else 1000)
    assert len(world.slices) >= world.seconds / (SLICE_SECONDS + VIEW_SECONDS * 1.01)
    assert longest(world.slices, world.seconds) <= SLICE_SECONDS + VIEW_SECONDS * 1.01


def test_two_viewers_at_a_time_share_what_is_made(run):
    world = World(MANY)

    async def both():
        return await asyncio.gather(world.asks(), world.asks("sort=even"))

    one, other = run(both())
    assert [row["number"] for row in one] == list(range(1, MANY + 1))
    assert sorted(row["number"] for row in other) == [row["number"] for row in one]
    assert sorted(world.viewed) == sorted(world.numbers)


def test_who_shares_a_list_gets_it_also_if_the_one_who_makes_it_goes(run):
    world = World(MANY)
    may_end = asyncio.Event()

    async def things(self, vhost, pace):
        await may_end.wait()
        yield list(self.numbers)

    world.family = Family(things, World.view)

    async def one_goes():
        first, second = (asyncio.ensure_future(world.asks()) for _ in range(2))
        await asyncio.sleep(0)
        first.cancel()
        await asyncio.wait([first])
        may_end.set()
        return first.cancelled(), len(await second)

    assert run(one_goes()) == (True, MANY)


def test_what_is_there_is_looked_for_again_once_something_came_or_went(run):
    world = World(MANY)
    world.looked = 0

    async def things(self, vhost, pace):
        self.looked += 1
        yield list(self.numbers)

    world.family = Family(things, World.view, stamp=lambda world, vhost: len(world.numbers))

    async def asked_three_times():
        await world.asks()
        world.lists.forget()
        await world.asks()
        world.lists.forget()
        same = world.looked
        world.numbers.append(4711)
        return same, await world.asks()

    same, rows = run(asked_three_times())
    assert (same, world.looked) == (1, 2)
    assert rows[-1]["number"] == 4711
    # Rows are made anew each time, whoever they are of.
    assert len(world.viewed) == 3 * MANY + 1


def test_a_page_makes_its_own_rows_only(run):
    world = World(MANY)
    assert len(run(world.asks("page=2&page_size=10"))["items"]) == 10
    assert world.viewed == list(range(11, 21))


def test_a_long_list_is_made_again_after_a_second(run):
    world = World(MANY)

    async def moments():
        loop = asyncio.get_running_loop()
        lengths = []
        for wait in (0.0, SHARED_SECONDS * 0.9, SHARED_SECONDS * 0.2):
            loop.moment += wait
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            lengths.append(len(await world.asks()))
            world.numbers.append(len(world.numbers) + 1)
        return lengths

    assert run(moments()) == [MANY, MANY, MANY + 2]


def test_a_short_list_is_made_for_each_viewer(run):
    world = World(EXACT_MAX - 1)

    async def twice():
        first = await world.asks()
        world.numbers.append(EXACT_MAX)
        return len(first), len(await world.asks())

    assert run(twice()) == (EXACT_MAX - 1, EXACT_MAX)


def test_who_changes_something_sees_it(run):
    world = World(MANY)

    async def change():
        await world.asks()
        world.numbers.append(MANY + 1)
        stale = len(await world.asks())
        world.lists.forget()
        return stale, len(await world.asks())

    assert run(change()) == (MANY, MANY + 1)


@pytest.mark.parametrize("count", [0, 1, BATCH - 1, BATCH, BATCH * 5 + 3])
def test_sorting_in_parts_is_sorting_and_keeps_equals_as_they_are(run, count):
    pairs = [(number * 7919 % 101, number) for number in range(count)]
    moments = iter(range(1_000_000))
    pace = Pace(lambda: float(next(moments)))
    assert run(pace.sorted(pairs, lambda pair: pair[0])) == sorted(pairs, key=lambda pair: pair[0])
