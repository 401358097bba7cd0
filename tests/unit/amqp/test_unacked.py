"""The window of unacked deliveries of one channel."""

import pytest

from leveret.amqp.unacked import Unacked
from leveret.broker.message import Entry
from unit.doubles import a_queue, an_entry


@pytest.fixture
def unacked() -> Unacked:
    return Unacked()


QUEUE = a_queue()


def entries(count: int) -> list[Entry]:
    return [an_entry(QUEUE, position) for position in range(count)]


def test_tags_ascend_from_one(unacked: Unacked) -> None:
    assert [unacked.add(entry) for entry in entries(3)] == [1, 2, 3]


def test_a_delivery_without_acknowledgement_takes_a_tag_too(unacked: Unacked) -> None:
    first, second = entries(2)
    tags = [unacked.add(first), unacked.next_tag(), unacked.add(second)]
    assert tags == [1, 2, 3]
    assert unacked.settle(2) is None
    assert unacked.settle(3) is second


def test_a_settled_entry_is_restored_under_its_tag(unacked: Unacked) -> None:
    first, second, third = entries(3)
    for entry in (first, second, third):
        unacked.add(entry)
    for tag in (1, 2):
        unacked.settle(tag)
    unacked.restore(1, first)
    assert list(unacked.up_to(0)) == [1, 3]
    assert unacked.settle_up_to(1) == [first]
    unacked.restore(2, second)
    assert list(unacked.up_to(0).values()) == [second, third]


def test_an_entry_is_restored_after_its_place_was_given_away(unacked: Unacked) -> None:
    many = entries(100)
    for entry in many:
        unacked.settle(unacked.add(entry))
    last = unacked.add(an_entry(QUEUE))
    for tag, entry in enumerate(many, start=1):
        unacked.restore(tag, entry)
    assert unacked.count == 101
    assert list(unacked.up_to(5)) == [1, 2, 3, 4, 5]
    assert list(unacked.up_to(0)) == [*range(1, 101), last]
    assert unacked.settle(50) is many[49]
    assert unacked.settle_up_to(99) == [*many[:49], *many[50:99]]


def test_an_entry_is_settled_once(unacked: Unacked) -> None:
    (entry,) = entries(1)
    tag = unacked.add(entry)
    assert unacked.settle(tag) is entry
    assert unacked.settle(tag) is None
    assert unacked.count == 0


@pytest.mark.parametrize("tag", [0, 2, 17, 1 << 40])
def test_a_tag_that_was_not_given_settles_nothing(unacked: Unacked, tag: int) -> None:
    unacked.add(*entries(1))
    assert unacked.settle(tag) is None
    assert unacked.count == 1


def test_zero_means_all(unacked: Unacked) -> None:
    given = entries(40)
    for entry in given:
        unacked.add(entry)
    assert unacked.settle_up_to(0) == given
    assert unacked.settle_up_to(0) == []


def test_up_to_a_tag_includes_it_and_what_was_left_before(unacked: Unacked) -> None:
    given = entries(5)
    for entry in given:
        unacked.add(entry)
    unacked.settle(2)
    assert unacked.settle_up_to(4) == [given[0], given[2], given[3]]
    assert list(unacked.up_to(0).values()) == given[4:]


def test_a_tag_that_stays_does_not_stretch_the_window(unacked: Unacked) -> None:
    stuck, *rest = entries(11)
    unacked.add(stuck)
    for _ in range(20_000):
        tags = [unacked.add(entry) for entry in rest]
        for tag, entry in zip(tags, rest, strict=True):
            assert unacked.settle(tag) is entry
    assert len(unacked._ring) <= 128
    assert list(unacked.up_to(0).values()) == [stuck]
    assert unacked.settle(1) is stuck


def test_stragglers_are_settled_in_the_order_of_their_tags(unacked: Unacked) -> None:
    kept = []
    for number, entry in enumerate(entries(5000)):
        tag = unacked.add(entry)
        if number % 500 == 0:
            kept.append(entry)
        else:
            unacked.settle(tag)
    assert len(unacked._ring) <= 128
    assert list(unacked.up_to(0).values()) == kept
    assert unacked.settle_up_to(1001) == kept[:3]
    assert unacked.settle_up_to(0) == kept[3:]
    assert unacked.count == 0


def test_a_long_run_without_acknowledgements_leaves_the_window_small(unacked: Unacked) -> None:
    first, last = entries(2)
    unacked.add(first)
    for _ in range(100_000):
        unacked.next_tag()
    assert unacked.add(last) == 100_002
    assert len(unacked._ring) <= 64
    assert list(unacked.up_to(0).values()) == [first, last]


def test_the_window_grows_with_what_is_unacked(unacked: Unacked) -> None:
    given = entries(3000)
    for entry in given:
        unacked.add(entry)
    assert list(unacked.up_to(0).values()) == given
    assert all(unacked.settle(tag + 1) is given[tag] for tag in reversed(range(3000)))
    assert unacked.count == 0
