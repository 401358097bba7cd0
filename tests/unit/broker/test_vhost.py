"""A vhost: who is asked for permission, what hangs on what, and where messages go."""

from itertools import count

import pytest

from leveret.broker.actor import Actor
from leveret.broker.compat import LEVELS, Compat
from leveret.broker.durable import QueueIds
from leveret.broker.queues.classic import ClassicQueue
from leveret.broker.queues.paging import Paging
from leveret.broker.seams import Exchange
from leveret.broker.vhost import VHost
from leveret.errors import AccessRefused, NotFound, PreconditionFailed, ReplyError
from leveret.store.memory import MemoryDefinitions
from leveret.testing import ManualClock
from leveret.wire.field import Table
from leveret.wire.properties import Properties
from leveret.wire.table import to_table
from unit.doubles import LimitedConsumer, RecordingBackend, TicketStore, answer_of

SERVER = Actor("server", None)


@pytest.fixture
def vhost() -> VHost:
    return a_vhost()


def a_vhost(level: str = "3.13") -> VHost:
    names, ids = count(), QueueIds(count(1).__next__)
    return VHost(
        "/",
        Compat(level),
        TicketStore(),
        MemoryDefinitions(),
        ManualClock(),
        lambda prefix: f"{prefix}{next(names)}",
        ids,
        Paging(),
    )


@pytest.fixture
def backend() -> RecordingBackend:
    return RecordingBackend()


@pytest.fixture
def user(backend: RecordingBackend) -> Actor:
    return Actor("user", backend, "connection")


def declare_queue(vhost: VHost, name: str, **options: bool) -> ClassicQueue:
    queue = answer_of(vhost.declare_queue(SERVER, name, **options))
    assert isinstance(queue, ClassicQueue)
    return queue


def declare_exchange(
    vhost: VHost,
    name: str,
    type_name: str = "fanout",
    arguments: Table | None = None,
    **options: bool,
) -> Exchange:
    exchange = answer_of(
        vhost.declare_exchange(SERVER, name, type_name, arguments=arguments, **options)
    )
    assert isinstance(exchange, Exchange)
    return exchange


def bind(vhost: VHost, source: str, *destinations: str, key: str = "") -> None:
    for destination in destinations:
        kind = "exchange" if destination in vhost.exchanges else "queue"
        answer_of(vhost.bind(SERVER, source, kind, destination, key, {}))


def unbind(vhost: VHost, source: str, destination: str, key: str = "") -> bool:
    kind = "exchange" if destination in vhost.exchanges else "queue"
    return bool(answer_of(vhost.unbind(SERVER, source, kind, destination, key, {})))


def reached(vhost: VHost, exchange: str, key: str = "") -> list[str]:
    queues, _ = vhost.route(vhost.exchanges[exchange], key, Properties)
    return sorted(queue.name for queue in queues)


# --- permission ---

NAMED = to_table({"x-dead-letter-exchange": "dlx"}), to_table({"alternate-exchange": "ae"})
OPERATIONS = {
    "declare a queue": (
        lambda vhost, user: vhost.declare_queue(user, "new"),
        [("configure", "new")],
    ),
    "declare a queue that is there": (
        lambda vhost, user: vhost.declare_queue(user, "q"),
        [("configure", "q")],
    ),
    "declare a queue with a server-given name": (
        lambda vhost, user: vhost.declare_queue(user, ""),
        [("configure", "amq.gen-0")],
    ),
    "declare a queue with a dead letter exchange": (
        lambda vhost, user: vhost.declare_queue(user, "new", arguments=NAMED[0]),
        [("configure", "new"), ("read", "new"), ("write", "dlx")],
    ),
    "declare a queue passively": (lambda vhost, user: vhost.passive_queue(user, "q"), []),
    "purge a queue": (lambda vhost, user: vhost.purge_queue(user, "q"), [("read", "q")]),
    "delete a queue": (lambda vhost, user: vhost.delete_queue(user, "q"), [("configure", "q")]),
    "delete a queue that is not there": (
        lambda vhost, user: vhost.delete_queue(user, "none"),
        [("configure", "none")],
    ),
    "declare an exchange": (
        lambda vhost, user: vhost.declare_exchange(user, "new", "topic"),
        [("configure", "new")],
    ),
    "declare an exchange with an alternate": (
        lambda vhost, user: vhost.declare_exchange(user, "new", "topic", arguments=NAMED[1]),
        [("configure", "new"), ("read", "new"), ("write", "ae")],
    ),
    "declare an exchange passively": (
        lambda vhost, user: vhost.passive_exchange(user, "x"),
        [],
    ),
    "delete an exchange": (
        lambda vhost, user: vhost.delete_exchange(user, "x"),
        [("configure", "x")],
    ),
    "bind a queue": (
        lambda vhost, user: vhost.bind(user, "x", "queue", "q", "", {}),
        [("write", "q"), ("read", "x")],
    ),
    "unbind a queue": (
        lambda vhost, user: vhost.unbind(user, "x", "queue", "q", "", {}),
        [("write", "q"), ("read", "x")],
    ),
    "bind an exchange": (
        lambda vhost, user: vhost.bind(user, "x", "exchange", "y", "", {}),
        [("write", "y"), ("read", "x")],
    ),
    "unbind an exchange": (
        lambda vhost, user: vhost.unbind(user, "x", "exchange", "y", "", {}),
        [("write", "y"), ("read", "x")],
    ),
}


def some_topology() -> VHost:
    vhost = a_vhost()
    declare_queue(vhost, "q")
    declare_exchange(vhost, "x")
    declare_exchange(vhost, "y")
    return vhost


def shape(vhost: VHost) -> object:
    bindings = [len(vhost.bindings.leaving(each)) for each in vhost.exchanges.values()]
    return sorted(vhost.queues), sorted(vhost.exchanges), bindings, vhost.generation.number


@pytest.mark.parametrize("name", OPERATIONS)
def test_an_operation_asks_for_these_permissions_in_this_order(
    name: str, backend: RecordingBackend, user: Actor
) -> None:
    operation, permissions = OPERATIONS[name]
    answer_of(operation(some_topology(), user))
    assert backend.asked == permissions


@pytest.mark.parametrize("name", OPERATIONS)
def test_a_permission_refused_changes_nothing(
    name: str, backend: RecordingBackend, user: Actor
) -> None:
    operation, permissions = OPERATIONS[name]
    for refused in permissions:
        vhost = some_topology()
        before = shape(vhost)
        backend.refuse = {refused}
        with pytest.raises(AccessRefused, match=f"access to .* '{refused[1]}' in vhost '/'"):
            operation(vhost, user)
        assert shape(vhost) == before


def test_the_server_itself_needs_no_permission(vhost: VHost) -> None:
    declare_queue(vhost, "q")
    bind(vhost, "amq.topic", "q")
    assert reached(vhost, "amq.topic") == ["q"]


@pytest.mark.parametrize("level", LEVELS)
def test_a_passive_declare_asks_only_where_the_level_says_so(
    level: str, backend: RecordingBackend, user: Actor
) -> None:
    """Any one permission will do."""
    vhost = a_vhost(level)
    declare_queue(vhost, "q", durable=True)
    vhost.passive_queue(user, "q")
    assert bool(backend.asked) == vhost.compat.passive_declare_needs_permission
    backend.refuse = {("configure", "q"), ("write", "q")}
    vhost.passive_queue(user, "q")


def test_the_default_exchange_has_a_name_for_permissions(
    vhost: VHost, backend: RecordingBackend, user: Actor
) -> None:
    backend.refuse = {("write", "amq.default")}
    with pytest.raises(AccessRefused, match=r"access to exchange 'amq\.default' in vhost '/'"):
        vhost.require(user, "write", "exchange", "")


# --- what goes with what ---


def test_exchanges_that_were_only_passed_through_go_one_after_the_other(vhost: VHost) -> None:
    for name in ("a", "b", "c"):
        declare_exchange(vhost, name, auto_delete=True)
    declare_queue(vhost, "q")
    bind(vhost, "c", "q")
    bind(vhost, "b", "c")
    bind(vhost, "a", "b")
    answer_of(vhost.delete_queue(SERVER, "q"))
    assert not {"a", "b", "c"} & set(vhost.exchanges)


def test_a_chain_ends_at_what_is_still_needed(vhost: VHost) -> None:
    for name in ("a", "b", "c"):
        declare_exchange(vhost, name, auto_delete=True)
    declare_queue(vhost, "q")
    declare_queue(vhost, "other")
    bind(vhost, "c", "q")
    bind(vhost, "b", "c", "other")
    bind(vhost, "a", "b")
    assert unbind(vhost, "c", "q")
    assert {"a", "b"} <= set(vhost.exchanges)
    assert "c" not in vhost.exchanges
    assert reached(vhost, "a") == ["other"]


def test_a_circle_of_exchanges_goes_whole(vhost: VHost) -> None:
    for name in ("a", "b", "c"):
        declare_exchange(vhost, name, auto_delete=True)
    for source, destination in ("ab", "bc", "ca", "aa"):
        bind(vhost, source, destination)
    unbind(vhost, "a", "a")
    unbind(vhost, "b", "c")
    assert not {"a", "b", "c"} & set(vhost.exchanges)


def test_an_exchange_that_never_was_a_source_stays(vhost: VHost) -> None:
    declare_exchange(vhost, "x", auto_delete=True)
    bind(vhost, "amq.fanout", "x")
    unbind(vhost, "amq.fanout", "x")
    assert "x" in vhost.exchanges


def test_deleting_an_exchange_takes_its_bindings_both_ways(vhost: VHost) -> None:
    for name in ("a", "b"):
        declare_exchange(vhost, name)
    declare_queue(vhost, "q")
    bind(vhost, "a", "b")
    bind(vhost, "b", "q", "b")
    answer_of(vhost.delete_exchange(SERVER, "b"))
    assert reached(vhost, "a") == []
    declare_exchange(vhost, "b")
    assert (reached(vhost, "a"), reached(vhost, "b")) == ([], [])
    assert vhost.bindings.reaching(vhost.queues["q"]) == []


def test_an_auto_delete_queue_goes_with_its_last_consumer(vhost: VHost) -> None:
    queue = declare_queue(vhost, "q", auto_delete=True)
    vhost.consumer_left(declare_queue(vhost, "other", auto_delete=False))
    one, two = LimitedConsumer("one"), LimitedConsumer("two")
    for consumer in (one, two):
        vhost.add_consumer(queue, consumer)
    for consumer, left in ((one, {"q", "other"}), (two, {"other"})):
        queue.remove_consumer(consumer)
        vhost.consumer_left(queue)
        assert set(vhost.queues) == left


def test_a_queue_that_is_gone_is_not_removed_twice(vhost: VHost) -> None:
    queue = declare_queue(vhost, "q")
    vhost.remove_queue(queue)
    again = declare_queue(vhost, "q")
    assert answer_of(vhost.remove_queue(queue)) == 0
    assert vhost.queues["q"] is again


# --- routing ---


def test_a_message_goes_round_a_circle_once(vhost: VHost) -> None:
    for name in ("a", "b", "c"):
        declare_exchange(vhost, name)
        declare_queue(vhost, f"q{name}")
        bind(vhost, name, f"q{name}")
    for source, destination in ("ab", "bc", "ca", "cc"):
        bind(vhost, source, destination)
    for name in ("a", "b", "c"):
        assert reached(vhost, name) == ["qa", "qb", "qc"]


def test_a_queue_on_many_roads_is_reached_once(vhost: VHost) -> None:
    declare_queue(vhost, "q")
    for name in ("a", "b", "c"):
        declare_exchange(vhost, name)
        bind(vhost, name, "q", key="one")
        bind(vhost, name, "q", key="two")
    bind(vhost, "a", "b", "c")
    assert reached(vhost, "a") == ["q"]


def test_a_long_chain_of_exchanges_is_followed(vhost: VHost) -> None:
    declare_queue(vhost, "q")
    for number in range(2000):
        declare_exchange(vhost, f"x{number}", auto_delete=True)
    for number in range(1999):
        bind(vhost, f"x{number}", f"x{number + 1}")
    bind(vhost, "x1999", "q")
    assert reached(vhost, "x0") == ["q"]


def test_a_long_chain_of_exchanges_can_go(vhost: VHost) -> None:
    declare_queue(vhost, "q")
    for number in range(2000):
        declare_exchange(vhost, f"x{number}", auto_delete=True)
    for number in range(1999):
        bind(vhost, f"x{number}", f"x{number + 1}")
    bind(vhost, "x1999", "q")
    answer_of(vhost.delete_queue(SERVER, "q"))
    assert not [name for name in vhost.exchanges if name.startswith("x")]


def test_a_headers_exchange_on_the_way_makes_the_headers_count(vhost: VHost) -> None:
    declare_exchange(vhost, "h", "headers")
    bind(vhost, "amq.fanout", "h")
    for exchange, per_message in (("amq.fanout", True), ("amq.direct", False), ("h", True)):
        assert vhost.route(vhost.exchanges[exchange], "", Properties)[1] == per_message


@pytest.mark.parametrize("level", LEVELS)
def test_a_topic_takes_any_number_of_hashes_before_4_3(level: str) -> None:
    vhost = a_vhost(level)
    declare_queue(vhost, "q", durable=True)
    bind(vhost, "amq.topic", "q", key="#.a.#")
    if level == "4.3":
        with pytest.raises(PreconditionFailed, match="uses 3 '#' wildcards"):
            bind(vhost, "amq.topic", "q", key="#.a.#.b.#")
    else:
        bind(vhost, "amq.topic", "q", key="#.a.#.b.#")


# --- refusals that leave things as they were ---


@pytest.mark.parametrize(
    "operation",
    [
        lambda vhost: vhost.declare_queue(SERVER, "q", durable=True),
        lambda vhost: vhost.declare_queue(SERVER, "new", arguments=to_table({"x-expires": 0})),
        lambda vhost: vhost.declare_exchange(SERVER, "x", "direct"),
        lambda vhost: vhost.declare_exchange(SERVER, "new", "unheard-of"),
        lambda vhost: vhost.delete_exchange(SERVER, "x", if_unused=True),
        lambda vhost: vhost.bind(SERVER, "none", "queue", "q", "", {}),
        lambda vhost: vhost.bind(SERVER, "x", "exchange", "none", "", {}),
        lambda vhost: vhost.bind(
            SERVER, "amq.headers", "queue", "q", "", to_table({"x-match": "some"})
        ),
    ],
)
def test_what_is_refused_changes_nothing(operation: object) -> None:
    vhost = some_topology()
    bind(vhost, "x", "q")
    before = shape(vhost)
    with pytest.raises(ReplyError):
        operation(vhost)  # type: ignore[operator]
    assert shape(vhost) == before


def test_a_queue_in_use_is_not_deleted_when_only_unused_ones_are(vhost: VHost) -> None:
    queue = declare_queue(vhost, "q")
    vhost.add_consumer(queue, LimitedConsumer())
    with pytest.raises(PreconditionFailed, match="in use"):
        vhost.delete_queue(SERVER, "q", if_unused=True)
    assert not queue.deleted


def test_names_are_looked_up_without_their_line_ends(vhost: VHost) -> None:
    """Wire behaviour 25."""
    declare_queue(vhost, "a\r\nb")
    assert answer_of(vhost.passive_queue(SERVER, "ab\n")) is vhost.queues["ab"]
    with pytest.raises(NotFound):
        vhost.purge_queue(SERVER, "a\nb")


def test_the_list_of_queues_is_kept_until_one_comes_or_goes(vhost: VHost) -> None:
    a = declare_queue(vhost, "a")
    kept = vhost.queue_list()
    assert kept == [a]
    assert vhost.queue_list() is kept
    b = declare_queue(vhost, "b")
    assert (kept, vhost.queue_list()) == ([a], [a, b])
    vhost.remove_queue(a)
    assert vhost.queue_list() == [b]
    vhost.remove_all()
    assert vhost.queue_list() == []
