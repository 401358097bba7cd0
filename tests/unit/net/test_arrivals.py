"""Connections on their way in, and how many there may be."""

import asyncio

import pytest

from leveret.net.acceptor import Arrival, Arrivals, Room


class Opening:
    """A connection whose peer says nothing, until it does."""

    def __init__(self) -> None:
        self.arriving = True
        self.cut = False

    def is_arriving(self) -> bool:
        return self.arriving

    def abort(self) -> None:
        self.cut = True


@pytest.fixture
def arrivals() -> Arrivals:
    return Arrivals(3)


def arrive(arrivals: Arrivals, host: str = "192.0.2.1") -> tuple[Arrival, Opening]:
    arrival, opening = Arrival(host, arrivals.remove), Opening()
    arrival.protocol = opening
    arrivals.add(arrival)
    return arrival, opening


def test_the_oldest_of_an_address_that_has_too_many_goes(arrivals: Arrivals) -> None:
    opening = [arrive(arrivals)[1] for _ in range(5)]
    assert [each.cut for each in opening] == [True, True, False, False, False]


def test_the_log_says_so_once(arrivals: Arrivals, caplog: pytest.LogCaptureFixture) -> None:
    crowd = [arrive(arrivals)[0] for _ in range(100)]
    assert caplog.text.count("not open yet") == 1
    for arrival in crowd:
        arrival.gone()
    for _ in range(5):
        arrive(arrivals)
    assert caplog.text.count("not open yet") == 2


def test_those_of_another_address_stay(arrivals: Arrivals) -> None:
    other = arrive(arrivals, "192.0.2.2")[1]
    for _ in range(10):
        arrive(arrivals)
    assert not other.cut


def test_who_is_open_does_not_count(arrivals: Arrivals) -> None:
    for _ in range(100):
        opening = arrive(arrivals)[1]
        opening.arriving = False
        assert not opening.cut
    assert arrivals.count("192.0.2.1") <= 3


def test_who_has_gone_does_not_count(arrivals: Arrivals) -> None:
    first = arrive(arrivals)[1]
    for _ in range(10):
        arrive(arrivals)[0].gone()
    assert not first.cut


def test_nothing_is_kept_of_an_address_that_has_gone(arrivals: Arrivals) -> None:
    arrival, _ = arrive(arrivals)
    arrival.gone()
    arrival.gone()
    assert arrivals._by_host == {}


async def test_who_comes_when_there_is_no_room_waits_and_the_log_says_so_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    room = Room(10)
    for _ in range(10):
        await room.wait()
        room.enter()
    for _ in range(5):
        waiting = asyncio.ensure_future(room.wait())
        await asyncio.sleep(0)
        assert not waiting.done()
        room.leave()
        await waiting
        room.enter()
    assert caplog.text.count("file descriptors") == 1
