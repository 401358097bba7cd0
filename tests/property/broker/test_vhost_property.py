"""A vhost after any changes: its bindings are those of a plain list, messages go where that list
leads, and a route that was kept while `generation` stood still is the route there is."""

from dataclasses import dataclass, field
from itertools import count

from hypothesis import given, settings
from hypothesis import strategies as st

from effort import effort
from leveret.broker.actor import Actor
from leveret.broker.compat import Compat
from leveret.broker.durable import QueueIds
from leveret.broker.queues.paging import Paging
from leveret.broker.vhost import VHost
from leveret.errors import ReplyError
from leveret.store.memory import MemoryDefinitions
from leveret.testing import ManualClock
from leveret.wire.properties import Properties
from leveret.wire.table import to_table
from property.sequences import stories
from unit.doubles import TicketStore, answer_of

SERVER = Actor("server", None)
QUEUES = ["q0", "q1", "q2"]
EXCHANGES = ["x0", "x1", "x2", "x3"]
SOURCES = st.sampled_from([*EXCHANGES, "amq.direct", "amq.fanout"])
ENDS = st.sampled_from([*QUEUES, *EXCHANGES])
KEYS = st.sampled_from(["", "a"])
STEPS = st.one_of(
    st.tuples(st.just("declare queue"), st.sampled_from(QUEUES), st.just(""), st.just("")),
    st.tuples(st.just("delete queue"), st.sampled_from(QUEUES), st.just(""), st.just("")),
    st.tuples(
        st.just("declare exchange"),
        st.sampled_from(EXCHANGES),
        st.sampled_from(["auto-delete", ""]),
        st.sampled_from(["", *EXCHANGES]),
    ),
    st.tuples(st.just("delete exchange"), st.sampled_from(EXCHANGES), st.just(""), st.just("")),
    st.tuples(st.just("bind"), SOURCES, ENDS, KEYS),
    st.tuples(st.just("bind"), SOURCES, ENDS, KEYS),
    st.tuples(st.just("unbind"), SOURCES, ENDS, KEYS),
)
Edge = tuple[str, str, str]


@dataclass
class Reference:
    """Names and edges; an exchange has (fanout or direct, auto-delete, alternate)."""

    queues: set[str] = field(default_factory=set)
    exchanges: dict[str, tuple[bool, bool, str]] = field(
        default_factory=lambda: {"amq.direct": (False, False, ""), "amq.fanout": (True, False, "")}
    )
    edges: set[Edge] = field(default_factory=set)

    def remove(self, edges: set[Edge]) -> None:
        self.edges -= edges
        for source in {edge[0] for edge in edges}:
            _, auto_delete, _ = self.exchanges.get(source, (False, False, ""))
            if auto_delete and not any(edge[0] == source for edge in self.edges):
                self.remove_exchange(source)

    def remove_exchange(self, name: str) -> None:
        del self.exchanges[name]
        self.edges = {edge for edge in self.edges if edge[0] != name}
        self.remove({edge for edge in self.edges if edge[1] == name})

    def reached(self, start: str, key: str) -> set[str] | None:
        """None where there is no such exchange."""
        if start == "":
            return {key} & self.queues
        if start not in self.exchanges:
            return None
        reached: set[str] = set()
        seen = {start}
        waiting = [start]
        while waiting:
            source = waiting.pop()
            fanout, _, alternate = self.exchanges[source]
            ends = {e for s, e, k in self.edges if s == source and (fanout or k == key)}
            if not ends and alternate in self.exchanges:
                ends = {alternate}
            reached |= ends & self.queues
            waiting += (ends - seen) & set(self.exchanges)
            seen |= ends
        return reached


def routed(vhost: VHost, exchange: str, key: str) -> set[str] | None:
    if exchange not in vhost.exchanges:
        return None
    queues, _ = vhost.route(vhost.exchanges[exchange], key, Properties)
    assert len(set(queues)) == len(queues)
    return {queue.name for queue in queues}


def perform(vhost: VHost, reference: Reference, step: str, name: str, end: str, key: str) -> None:
    match step:
        case "declare queue":
            answer_of(vhost.declare_queue(SERVER, name))
            reference.queues.add(name)
        case "delete queue":
            answer_of(vhost.delete_queue(SERVER, name))
            reference.queues.discard(name)
            reference.remove({edge for edge in reference.edges if edge[1] == name})
        case "declare exchange":
            # Odd ones are fanouts; what is there already is left as it is.
            if name not in reference.exchanges:
                kind = "fanout" if int(name[1]) % 2 else "direct"
                arguments = to_table({"alternate-exchange": key} if key else {})
                answer_of(
                    vhost.declare_exchange(
                        SERVER, name, kind, auto_delete=bool(end), arguments=arguments
                    )
                )
                reference.exchanges[name] = (kind == "fanout", bool(end), key)
        case "delete exchange":
            assert answer_of(vhost.delete_exchange(SERVER, name)) == (name in reference.exchanges)
            if name in reference.exchanges:
                reference.remove_exchange(name)
        case "bind" | "unbind":
            kind = "queue" if end in QUEUES else "exchange"
            there = name in reference.exchanges and end in {*reference.queues, *reference.exchanges}
            change = vhost.bind if step == "bind" else vhost.unbind
            try:
                answer = answer_of(change(SERVER, name, kind, end, key, {}))
            except ReplyError:
                assert step == "bind"
                assert not there
                return
            if step == "bind":
                reference.edges.add((name, end, key))
            else:
                assert answer == ((name, end, key) in reference.edges)
                reference.remove({(name, end, key)} & reference.edges)


@settings(max_examples=effort(200), deadline=None)
@given(stories(STEPS, 60))
def test_a_vhost_is_its_list_of_bindings(steps: list[tuple[str, str, str, str]]) -> None:
    definitions, ids = MemoryDefinitions(), QueueIds(count(1).__next__)
    store, clock = TicketStore(), ManualClock()
    vhost = VHost("/", Compat(), store, definitions, clock, lambda prefix: prefix, ids, Paging())
    reference = Reference()
    kept: dict[tuple[str, str], set[str] | None] = {}
    generation = -1
    for step in steps:
        perform(vhost, reference, *step)
        assert set(vhost.queues) == reference.queues
        assert {n for n in vhost.exchanges if n in EXCHANGES} == {
            n for n in reference.exchanges if n in EXCHANGES
        }
        edges = {
            (binding.source.name, getattr(binding.destination, "name", ""), binding.routing_key)
            for exchange in vhost.exchanges.values()
            for binding in vhost.bindings.leaving(exchange)
        }
        assert edges == reference.edges
        if vhost.generation.number != generation:
            kept.clear()
            generation = vhost.generation.number
        for name in ("", "amq.direct", "amq.fanout", *EXCHANGES):
            for key in ("", "a", "q0"):
                reached = routed(vhost, name, key)
                assert reached == reference.reached(name, key)
                assert kept.setdefault((name, key), reached) == reached
    assert all(vhost.queues[name].name == name for name in reference.queues)
