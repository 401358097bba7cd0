"""In each turn of the loop one request goes on, those with few slices first."""

import asyncio

from leveret.management.pace import Turns, next_turn


async def taken(requests):
    """Who went on in which turn: each request is its name and the slices that it has had."""
    turns, order, turn = Turns(), [], 0

    async def goes_on(name, slices):
        await turns.wait(slices)
        order.append((turn, name))

    tasks = [asyncio.create_task(goes_on(*request)) for request in requests]
    while not all(task.done() for task in tasks):
        turn += 1
        await asyncio.sleep(0)
    return order


def test_one_goes_on_in_each_turn():
    order = asyncio.run(taken([(name, 1) for name in "abcd"]))
    assert [name for _, name in order] == list("abcd")
    assert len({turn for turn, _ in order}) == 4


def test_who_has_had_fewer_slices_goes_first_and_equals_as_they_came():
    requests = [("first", 90), ("list", 70), ("page", 1), ("other", 1), ("half", 8)]
    order = asyncio.run(taken(requests))
    # A turn that is free is for whoever wants it first.
    assert [name for _, name in order] == ["first", "page", "other", "half", "list"]


def test_no_turn_is_left_out_and_nobody_has_two_while_another_waits():
    async def shared():
        turns, order, turn = Turns(), [], 0

        async def goes_on(name):
            for slices in range(1, 6):
                await turns.wait(slices)
                order.append((turn, name))

        tasks = [asyncio.create_task(goes_on(name)) for name in "ab"]
        while not all(task.done() for task in tasks):
            turn += 1
            await asyncio.sleep(0)
        return order

    order = asyncio.run(shared())
    assert [turn for turn, _ in order] == list(range(order[0][0], order[0][0] + 10))
    assert [name for _, name in order] == ["a", "b"] * 5


def test_who_is_alone_goes_on_in_each_turn():
    order = asyncio.run(taken([("alone", 1)]))
    assert order == [(2, "alone")]


def test_nobody_waits_for_ever():
    async def crowded():
        """How many pages pass, of those that come without end, before a long list goes on."""
        turns = Turns()
        first, waiting = (asyncio.ensure_future(turns.wait(20)) for _ in range(2))
        await first
        passed = 0
        while not waiting.done():
            await turns.wait(1)
            passed += 1
        return passed

    assert asyncio.run(crowded()) <= 21


def test_who_has_gone_keeps_nobody():
    async def left():
        turns = Turns()
        first, gone, here = (asyncio.ensure_future(turns.wait(each)) for each in range(3))
        await first
        gone.cancel()
        await asyncio.wait_for(here, 5)

    asyncio.run(left())


def test_each_loop_has_its_own_turns():
    async def twice():
        await asyncio.gather(next_turn(1), next_turn(2))

    asyncio.run(twice())
    asyncio.run(twice())
