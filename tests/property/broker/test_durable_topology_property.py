"""Whatever is declared, bound and deleted, a restart gives back what was durable, and a crash
between any two commits leaves what was answered and nothing that hangs in the air."""

from itertools import count

from hypothesis import given, settings
from hypothesis import strategies as st

from effort import effort
from leveret.broker.actor import Actor
from leveret.broker.broker import Broker
from leveret.broker.compat import Compat
from leveret.broker.durable import is_durable
from leveret.broker.seams import Pending
from leveret.broker.vhost import VHost
from leveret.errors import ReplyError
from leveret.testing import ManualClock
from leveret.wire.table import to_table
from property.sequences import stories
from unit.doubles import TicketStore
from unit.late_definitions import LateDefinitions

SERVER = Actor("server", None)
QUEUES = ["q0", "q1", "q2"]
EXCHANGES = ["x0", "x1", "x2"]
SOURCES = st.sampled_from([*EXCHANGES, "amq.direct"])
ENDS = st.sampled_from([*QUEUES, *EXCHANGES])
KEYS = st.sampled_from(["", "a"])
DURABLE = st.sampled_from(["durable", "durable", "transient"])
CHANGES = st.one_of(
    st.tuples(st.just("declare queue"), st.sampled_from(QUEUES), DURABLE, KEYS),
    st.tuples(st.just("delete queue"), st.sampled_from(QUEUES), st.just(""), st.just("")),
    st.tuples(st.just("declare exchange"), st.sampled_from(EXCHANGES), DURABLE, KEYS),
    st.tuples(st.just("delete exchange"), st.sampled_from(EXCHANGES), st.just(""), st.just("")),
    st.tuples(st.just("bind"), SOURCES, ENDS, KEYS),
    st.tuples(st.just("bind"), SOURCES, ENDS, KEYS),
    st.tuples(st.just("unbind"), SOURCES, ENDS, KEYS),
)
Change = tuple[str, str, str, str]


def started(definitions: LateDefinitions) -> VHost:
    broker = Broker(
        ManualClock(),
        TicketStore(),
        definitions,
        Compat(),
        lambda prefix: prefix,
        count(1).__next__,
    )
    broker.load()
    broker.add_vhost("/")
    return broker.vhosts["/"]


def perform(vhost: VHost, step: str, name: str, end: str, key: str) -> Pending:
    arguments = to_table({"x-max-length": 7} if key and end == "durable" else {})
    match step:
        case "declare queue":
            return vhost.declare_queue(SERVER, name, end == "durable", arguments=arguments)
        case "delete queue":
            return vhost.delete_queue(SERVER, name)
        case "declare exchange":
            return vhost.declare_exchange(
                SERVER, name, "fanout", end == "durable", bool(key), arguments=arguments
            )
        case "delete exchange":
            return vhost.delete_exchange(SERVER, name)
    kind = "queue" if end in QUEUES else "exchange"
    change = vhost.bind if step == "bind" else vhost.unbind
    return change(SERVER, name, kind, end, key, to_table({"k": key}))


def asked(vhost: VHost, change: Change) -> Pending:
    try:
        return perform(vhost, *change)
    except ReplyError as refusal:
        refused = Pending()
        refused.fail(refusal)
        return refused


def durable(vhost: VHost) -> object:
    """What of a vhost a restart must give back."""
    return (
        {
            name: (int(queue.id), queue.auto_delete, queue.arguments)
            for name, queue in vhost.queues.items()
            if queue.durable
        },
        {
            name: (exchange.auto_delete, exchange.arguments)
            for name, exchange in vhost.exchanges.items()
            if exchange.durable
        },
        {
            (binding.source.name, getattr(binding.destination, "name", ""), binding.routing_key)
            for exchange in vhost.exchanges.values()
            for binding in vhost.bindings.leaving(exchange)
            if is_durable(binding)
        },
    )


@settings(max_examples=effort(150), deadline=None)
@given(stories(CHANGES, 50))
def test_a_restart_gives_back_what_was_durable(changes: list[Change]) -> None:
    definitions = LateDefinitions()
    vhost = started(definitions)
    for change in changes:
        asked(vhost, change)
        kept = dict(definitions.kept)
        again = started(definitions)
        assert durable(again) == durable(vhost)
        assert definitions.kept == kept, "there was nothing to clean away"
        assert all(thing.durable for thing in (*again.queues.values(), *again.exchanges.values()))


COMMITS = st.tuples(st.just("commit"), st.sampled_from(["1", "2", "all"]), st.just(""), st.just(""))


@settings(max_examples=effort(150), deadline=None)
@given(stories(st.one_of(CHANGES, CHANGES, COMMITS), 60))
def test_a_crash_between_commits_leaves_what_was_answered(changes: list[Change]) -> None:
    definitions = LateDefinitions()
    vhost = started(definitions)
    definitions.late = True
    waiting: dict[str, list[Pending]] = {name: [] for name in QUEUES}
    for change in changes:
        if change[0] == "commit":
            definitions.commit({"1": 1, "2": 2, "all": -1}[change[1]])
        else:
            answer = asked(vhost, change)
            waiting.get(change[1], []).append(answer)
        kept = dict(definitions.kept)
        crashed = started(definitions)
        assert definitions.kept == kept, "nothing hangs in the air"
        for name in QUEUES:
            waiting[name] = [each for each in waiting[name] if not each.done]
            if waiting[name]:
                continue
            queue = vhost.queues.get(name)
            found = crashed.queues.get(name)
            if queue is not None and queue.durable:
                assert found is not None
                assert found.id == queue.id
            else:
                assert found is None
    definitions.commit()
    assert definitions.waiting() == 0
    assert durable(started(definitions)) == durable(vhost)
