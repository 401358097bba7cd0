"""However queues send their dead letters to each other, every message ends: it stays in a queue
that keeps it, or its circle is found. Its story names no queue twice."""

from hypothesis import given, settings
from hypothesis import strategies as st

from effort import effort
from leveret.broker.content import properties_of
from leveret.broker.rules import QueueRules
from leveret.broker.seams import Binding
from leveret.testing import MemoryServer
from leveret.wire.table import plain
from unit.doubles import a_message

QUEUES = 4
EXCHANGES = 3
QUEUE = st.integers(0, QUEUES - 1)
EXCHANGE = st.integers(0, EXCHANGES - 1)
# Where its dead letters go, and why messages die there: by time, for want of room, or not.
FATES = st.lists(
    st.tuples(EXCHANGE, st.sampled_from([0, 1, 2, None]), st.sampled_from([-1, 0, 1])),
    min_size=QUEUES,
    max_size=QUEUES,
)
BINDINGS = st.sets(st.tuples(EXCHANGE, QUEUE), max_size=8)


@settings(max_examples=effort(150), deadline=None)
@given(FATES, BINDINGS, st.lists(QUEUE, min_size=1, max_size=4))
def test_every_message_ends(
    fates: list[tuple[int, int | None, int]], bindings: set[tuple[int, int]], published: list[int]
) -> None:
    server = MemoryServer()
    vhost = server.broker.vhosts["/"]
    for number in range(EXCHANGES):
        vhost.add_exchange(
            type(vhost.exchanges["amq.fanout"])(f"x{number}", False, False, False, {})
        )
    queues = [vhost.new_queue(f"q{number}", False, None, False, {}) for number in range(QUEUES)]
    for queue, (exchange, ttl_ms, max_length) in zip(queues, fates, strict=True):
        rules = QueueRules()
        rules.dead_letter_exchange = f"x{exchange}"
        rules.message_ttl_ms = -1 if ttl_ms is None else ttl_ms
        rules.max_length = max_length
        queue.obey(rules)
        vhost.add_queue(queue)
    for exchange, number in bindings:
        vhost.add_binding(Binding(vhost.exchanges[f"x{exchange}"], queues[number], "", {}))
    for number in published:
        queues[number].publish(a_message(b"x"), 0)
    server.advance(1)
    assert server.clock.pending() == 0
    for queue, (_, ttl_ms, max_length) in zip(queues, fates, strict=True):
        assert queue.ready_count == 0 or ttl_ms is None
        assert max_length < 0 or queue.ready_count <= max_length
        while (entry := queue.get(True)) is not None:
            headers = plain(properties_of(entry.message).headers or {})
            deaths = headers.get("x-death", [])
            assert isinstance(deaths, list)
            names = [(death["queue"], death["reason"]) for death in deaths]
            assert len(set(names)) == len(names)
            assert all(death["count"] == 1 for death in deaths)
