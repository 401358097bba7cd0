"""The window of unacked deliveries does what a plain dict by delivery tag would do."""

from hypothesis import given, settings
from hypothesis import strategies as st

from effort import effort
from leveret.amqp.unacked import Unacked
from leveret.broker.message import Entry
from property.sequences import stories
from unit.doubles import a_queue, an_entry

QUEUE = a_queue()

# How tags are picked: from the oldest, from the newest, or any number at all.
PICKS = st.tuples(st.sampled_from(["old", "new", "any"]), st.integers(0, 70))
STEPS = st.one_of(
    st.tuples(st.just("add"), st.integers(1, 40)),
    st.tuples(st.just("skip"), st.integers(1, 200)),
    st.tuples(st.just("settle"), PICKS),
    st.tuples(st.just("settle up to"), PICKS),
    st.tuples(st.just("settle most"), st.integers(2, 30)),
    st.tuples(st.just("restore"), st.integers(1, 100)),
)


class Reference:
    def __init__(self) -> None:
        self.entries: dict[int, Entry] = {}
        self.settled: dict[int, Entry] = {}
        self.last_tag = 0
        self.peak = 0

    def settle(self, tag: int) -> Entry | None:
        entry = self.entries.pop(tag, None)
        if entry is not None:
            self.settled[tag] = entry
        return entry

    def pick(self, how: str, number: int) -> int:
        tags = sorted(self.entries)
        if how == "any" or not tags:
            return number
        return tags[number % len(tags)] if how == "old" else tags[-1 - number % len(tags)]


@settings(max_examples=effort(150), deadline=None)
@given(stories(STEPS))
def test_the_window_is_a_dict_by_delivery_tag(steps: list[tuple[str, object]]) -> None:
    unacked, reference = Unacked(), Reference()
    for step, argument in steps:
        perform(unacked, reference, step, argument)
        assert unacked.last_tag == reference.last_tag
        assert unacked.count == len(reference.entries)
        assert list(unacked.up_to(0).items()) == sorted(reference.entries.items())
        # The ring follows the number of unacked entries, not the distance between their tags.
        reference.peak = max(reference.peak, len(reference.entries))
        assert len(unacked._ring) <= max(16, 8 * reference.peak)


def perform(unacked: Unacked, reference: Reference, step: str, argument: object) -> None:
    if isinstance(argument, tuple):
        tag = reference.pick(*argument)
        if step == "settle":
            assert unacked.holds(tag) == (tag in reference.entries)
            entry = reference.settle(tag)
            assert unacked.settle(tag) is entry
            assert unacked.settle(tag) is None
        else:
            up_to = sorted(each for each in reference.entries if tag == 0 or each <= tag)
            assert list(unacked.up_to(tag)) == up_to
            assert unacked.settle_up_to(tag) == [reference.settle(each) for each in up_to]
        return
    assert isinstance(argument, int)
    if step == "settle most":
        for number, tag in enumerate(sorted(reference.entries)):
            if number % argument:
                assert unacked.settle(tag) is reference.settle(tag)
        return
    if step == "restore":
        for tag in sorted(reference.settled)[-argument:]:
            entry = reference.entries[tag] = reference.settled.pop(tag)
            unacked.restore(tag, entry)
        return
    for _ in range(argument):
        reference.last_tag += 1
        if step == "add":
            entry = reference.entries[reference.last_tag] = an_entry(QUEUE)
            assert unacked.add(entry) == reference.last_tag
        else:
            assert unacked.next_tag() == reference.last_tag
