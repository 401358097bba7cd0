"""The ledger lets pass what may be recovered, and catches every mistake."""

from collections.abc import Callable

import pytest

from crash.ledger import Knowledge, Ledger, Recovered, body_of, read_body


class World:
    """Two publishers and three queues; message 0 of `p` is settled durably, 1 is settled, 2 and 3
    are confirmed, 4 is not; message 3 went to a second queue too."""

    def __init__(self) -> None:
        self.ledger = ledger = Ledger(seed=7)
        self.p = [
            ledger.publish("p", ["q", "r"] if number == 3 else ["q"], size=200)
            for number in range(5)
        ]
        self.other = [ledger.publish("other", ["q"]) for _ in range(2)]
        for body in (*self.p[:4], *self.other):
            ledger.confirmed(body)
        ledger.settled("q", self.p[0])
        ledger.settlings_durable()
        ledger.settled("q", self.p[1])

    def recovered(self, *bodies: bytes) -> Recovered:
        """These in `q`, and what belongs into `r`."""
        return {"q": [(body, True) for body in bodies], "r": [(self.p[3], True)]}


@pytest.fixture
def world() -> World:
    return World()


# --- bodies ---


@pytest.mark.parametrize("size", [0, 20, 64, 5000])
def test_a_body_says_what_it_is(size: int) -> None:
    body = body_of(7, "grüße", 12, size)
    assert read_body(body) == (7, "grüße", 12)
    assert len(body) == max(size, len(body_of(7, "grüße", 12, 0)) - len(str(0)) + len(str(size)))


def test_a_body_with_any_octet_changed_is_no_body() -> None:
    body = body_of(7, "p", 1, 100)
    for at in range(len(body)):
        changed = body[:at] + bytes([body[at] ^ 0x01]) + body[at + 1 :]
        assert read_body(changed) is None
    for size in range(len(body)):
        assert read_body(body[:size]) is None
    assert read_body(body + b"\0") is None
    assert read_body(bytes(100)) is None


def test_a_size_that_was_made_up_costs_nothing() -> None:
    assert read_body(b"7 p 1 99999999999\n") is None


# --- what may be ---


def test_what_is_known_of_a_message_has_three_values(world: World) -> None:
    known = [world.ledger.knowledge("q", body) for body in world.p]
    assert known == [
        Knowledge.GONE,
        Knowledge.UNCERTAIN,
        Knowledge.CERTAIN,
        Knowledge.CERTAIN,
        Knowledge.UNCERTAIN,
    ]
    assert world.ledger.knowledge("r", world.p[0]) is Knowledge.UNPUBLISHED


def test_the_uncertain_may_be_there_or_not(world: World) -> None:
    _, settled, *certain, unconfirmed = world.p
    for before in ([], [settled]):
        for after in ([], [unconfirmed]):
            world.ledger.check(world.recovered(*before, *certain, *after, *world.other))


def test_publishers_may_mix_in_any_way(world: World) -> None:
    one, two = world.p[2:4]
    first, second = world.other
    for order in ([first, one, second, two], [one, first, second, two], [first, second, one, two]):
        world.ledger.check(world.recovered(*order))


def test_a_confirm_of_what_was_settled_before_promises_nothing() -> None:
    ledger = Ledger()
    body = ledger.publish("p", ["q"])
    ledger.settled("q", body)
    ledger.confirmed(body)
    assert ledger.knowledge("q", body) is Knowledge.UNCERTAIN


def test_an_unconfirmed_message_may_be_gone_for_good() -> None:
    ledger = Ledger()
    body = ledger.publish("p", ["q"])
    ledger.settled("q", body)
    ledger.settlings_durable()
    assert ledger.knowledge("q", body) is Knowledge.GONE


def test_settlings_are_durable_up_to_where_it_is_known() -> None:
    ledger = Ledger()
    bodies = [ledger.publish("p", ["q"]) for _ in range(3)]
    for body in bodies[:2]:
        ledger.confirmed(body)
        ledger.settled("q", body)
    barrier = ledger.settlings()
    ledger.settled("q", bodies[2])
    ledger.settlings_durable(barrier)
    known = [ledger.knowledge("q", body) for body in bodies]
    assert known == [Knowledge.GONE, Knowledge.GONE, Knowledge.UNCERTAIN]


def test_a_purge_leaves_what_is_unacked(world: World) -> None:
    held, returned = world.p[2:4]
    world.ledger.delivered("q", held)
    world.ledger.delivered("q", returned)
    world.ledger.requeued("q", returned)
    world.ledger.purged("q")
    assert world.ledger.knowledge("q", held) is Knowledge.CERTAIN
    assert world.ledger.knowledge("q", returned) is Knowledge.UNCERTAIN
    assert world.ledger.knowledge("r", returned) is Knowledge.CERTAIN
    world.ledger.dropped("q")
    assert world.ledger.knowledge("q", held) is Knowledge.UNCERTAIN


# --- mistakes ---

Mistake = Callable[[World], Recovered]

MISTAKES: dict[str, Mistake] = {
    "lost": lambda world: world.recovered(world.p[2], *world.other),
    "lost: number 3 of p was confirmed to r": lambda world: {
        "q": [(body, True) for body in (*world.p[2:4], *world.other)]
    },
    "duplicate": lambda world: world.recovered(*world.p[2:4], *world.other, world.p[3]),
    "reordered": lambda world: world.recovered(world.p[3], world.p[2], *world.other),
    "resurrected": lambda world: world.recovered(world.p[0], *world.p[2:4], *world.other),
    "corrupt": lambda world: world.recovered(*world.p[2:4], *world.other, world.p[4][:-1]),
    "invented": lambda world: world.recovered(*world.p[2:4], *world.other, body_of(7, "p", 9, 64)),
    "invented: q[4], number 4 of p,": lambda world: world.recovered(
        *world.p[2:4], *world.other, body_of(8, "p", 4, 200)
    ),
    "invented: r[1]": lambda world: {
        **world.recovered(*world.p[2:4], *world.other),
        "r": [(world.p[3], True), (world.p[2], True)],
    },
    "invented: s[0]": lambda world: {
        **world.recovered(*world.p[2:4], *world.other),
        "s": [(world.p[3], True)],
    },
    "wrong mark": lambda world: {
        **world.recovered(*world.p[2:4], *world.other),
        "r": [(world.p[3], False)],
    },
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_caught(mistake: str, world: World) -> None:
    [violation] = world.ledger.violations(MISTAKES[mistake](world))
    assert violation.startswith(mistake)
    with pytest.raises(AssertionError, match=mistake.partition(":")[0]):
        world.ledger.check(MISTAKES[mistake](world))


def test_a_damaged_message_is_corrupt_and_lost(world: World) -> None:
    damaged = world.p[2][:-1] + b"?"
    found = world.ledger.violations(world.recovered(damaged, world.p[3], *world.other))
    assert [violation.partition(":")[0] for violation in found] == ["corrupt", "lost"]


def test_after_a_clean_stop_the_marks_are_exact() -> None:
    ledger = Ledger()
    seen, unseen = (ledger.publish("p", ["q"]) for _ in range(2))
    ledger.delivered("q", seen)
    ledger.requeued("q", seen)
    ledger.check({"q": [(seen, True), (unseen, False)]}, clean=True)
    for marks in ((True, True), (False, False)):
        recovered = {"q": list(zip((seen, unseen), marks, strict=True))}
        assert len(ledger.violations(recovered, clean=True)) == 1


# --- moments ---


def test_a_run_can_be_checked_at_each_of_its_moments() -> None:
    now = 0
    ledger = Ledger(moment=lambda: now)
    body = ledger.publish("p", ["q"])
    now = 2
    ledger.confirmed(body)
    now = 4
    ledger.settled("q", body)
    now = 6
    ledger.settlings_durable()
    known = [ledger.knowledge("q", body, at) for at in range(8)]
    assert known == [
        *[Knowledge.UNCERTAIN] * 2,
        # At 4 the power may fail just before it is settled: the disk is the same.
        *[Knowledge.CERTAIN] * 3,
        Knowledge.UNCERTAIN,
        *[Knowledge.GONE] * 2,
    ]
    there, not_there = {"q": [(body, True)]}, {"q": []}
    assert [at for at in range(8) if ledger.violations(there, at)] == [6, 7]
    assert [at for at in range(8) if ledger.violations(not_there, at)] == [2, 3, 4]


def test_what_is_published_later_is_invented() -> None:
    now = 5
    ledger = Ledger(moment=lambda: now)
    body = ledger.publish("p", ["q"])
    assert ledger.violations({"q": [(body, True)]}, at=4)
    ledger.check({"q": [(body, True)]}, at=5)


def test_a_run_goes_on_with_what_was_recovered(world: World) -> None:
    ledger = world.ledger
    _, settled, *certain, unconfirmed = world.p
    recovered = world.recovered(settled, *certain, *world.other)
    ledger.check(recovered)
    ledger.resume(recovered)
    assert ledger.knowledge("q", settled) is Knowledge.CERTAIN
    assert ledger.knowledge("q", unconfirmed) is Knowledge.GONE
    later = ledger.publish("p", ["q"])
    assert later not in world.p
    ledger.check(recovered)
    ledger.check(recovered, at=0)
    back = world.recovered(settled, *certain, unconfirmed, *world.other)
    assert ledger.violations(back)[0].startswith("resurrected")
