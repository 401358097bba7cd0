"""Durable things in a vhost whose store takes its time: what is there when, and who waits."""

from itertools import count

import pytest

from leveret.broker.actor import Actor
from leveret.broker.broker import Broker
from leveret.broker.compat import Compat
from leveret.broker.queues.classic import ClassicQueue
from leveret.broker.seams import Pending
from leveret.broker.vhost import VHost
from leveret.errors import NotFound, NotStored, PreconditionFailed, ResourceLocked
from leveret.testing import ManualClock
from leveret.wire.properties import Properties
from leveret.wire.table import to_table
from unit.doubles import LimitedConsumer, TicketStore, answer_of
from unit.late_definitions import LateDefinitions

SERVER = Actor("server", None)


@pytest.fixture
def definitions() -> LateDefinitions:
    return LateDefinitions()


@pytest.fixture
def broker(definitions: LateDefinitions) -> Broker:
    broker = Broker(
        ManualClock(),
        TicketStore(),
        definitions,
        Compat(),
        lambda prefix: prefix,
        count(1).__next__,
    )
    broker.add_vhost("/")
    definitions.commits = 0
    definitions.late = True
    return broker


@pytest.fixture
def vhost(broker: Broker) -> VHost:
    return broker.vhosts["/"]


def durable_queue(vhost: VHost, name: str = "q", actor: Actor = SERVER, **options) -> Pending:
    return vhost.declare_queue(actor, name, True, **options)


def durable_exchange(vhost: VHost, name: str = "x", type_name: str = "fanout", **options):
    return vhost.declare_exchange(SERVER, name, type_name, True, **options)


def bind(vhost: VHost, source: str, end: str = "q", key: str = "", kind: str = "queue") -> Pending:
    return vhost.bind(SERVER, source, kind, end, key, {})


def unbind(vhost: VHost, source: str, end: str = "q", key: str = "") -> Pending:
    return vhost.unbind(SERVER, source, "queue", end, key, {})


def committed(definitions: LateDefinitions, *changes: Pending) -> None:
    definitions.commit()
    for change in changes:
        answer_of(change)


def reached(vhost: VHost, exchange: str, key: str = "") -> list[str]:
    return [queue.name for queue in vhost.route(vhost.exchange(exchange), key, Properties)[0]]


# --- coming ---


def test_a_durable_queue_is_there_once_it_is_committed(vhost: VHost, definitions) -> None:
    answer = durable_queue(vhost)
    generation = vhost.generation.number
    assert not answer.done
    assert (list(vhost.queues), reached(vhost, "", "q")) == ([], [])
    definitions.commit()
    assert answer_of(answer) is vhost.queues["q"]
    assert reached(vhost, "", "q") == ["q"]
    assert vhost.generation.number > generation, "routes that led nowhere are looked up again"


def test_a_durable_exchange_is_there_once_it_is_committed(vhost: VHost, definitions) -> None:
    answer = durable_exchange(vhost)
    assert "x" not in vhost.exchanges
    definitions.commit()
    assert answer_of(answer) is vhost.exchanges["x"]


def test_a_durable_binding_leads_on_once_it_is_committed(vhost: VHost, definitions) -> None:
    committed(definitions, durable_exchange(vhost), durable_queue(vhost))
    answer = bind(vhost, "x")
    assert reached(vhost, "x") == []
    definitions.commit()
    assert answer_of(answer) in vhost.bindings.leaving(vhost.exchanges["x"])
    assert reached(vhost, "x") == ["q"]


@pytest.mark.parametrize(
    ("x_durable", "q_durable", "stored"),
    [(True, True, 1), (True, False, 0), (False, True, 0), (False, False, 0)],
)
def test_a_binding_is_durable_if_both_its_ends_are(
    vhost: VHost, definitions, x_durable: bool, q_durable: bool, stored: int
) -> None:
    vhost.declare_exchange(SERVER, "x", "fanout", x_durable)
    vhost.declare_queue(SERVER, "q", q_durable)
    definitions.commit()
    answer = bind(vhost, "x")
    assert definitions.waiting() == stored
    assert answer.done == (not stored)


def test_what_is_transient_is_there_at_once_and_never_stored(vhost: VHost, definitions) -> None:
    owner = Actor("user", None, "connection")
    answer_of(vhost.declare_queue(SERVER, "q", auto_delete=True))
    answer_of(vhost.declare_queue(owner, "own", durable=True, exclusive=True))
    answer_of(vhost.declare_exchange(SERVER, "x", "fanout", auto_delete=True))
    answer_of(bind(vhost, "x"))
    answer_of(bind(vhost, "amq.fanout"))
    answer_of(vhost.bind(owner, "amq.fanout", "queue", "own", "", {}))
    answer_of(unbind(vhost, "x"))
    answer_of(vhost.delete_queue(SERVER, "q"))
    vhost.remove_exclusive_queues("connection")
    assert (definitions.waiting(), definitions.commits) == (0, 0)


def test_what_is_there_already_costs_no_commit(vhost: VHost, definitions) -> None:
    committed(definitions, durable_exchange(vhost), durable_queue(vhost))
    committed(definitions, bind(vhost, "x"), bind(vhost, "amq.topic"))
    for answer in (
        durable_exchange(vhost),
        durable_queue(vhost),
        bind(vhost, "x"),
        bind(vhost, "amq.topic"),
        durable_exchange(vhost, "amq.topic", "topic"),
    ):
        answer_of(answer)
    assert definitions.waiting() == 0


# --- waiting for what is coming ---


def test_a_second_declare_waits_for_the_first(vhost: VHost, definitions) -> None:
    answers = [durable_queue(vhost) for _ in range(3)]
    assert definitions.waiting() == 1
    assert not any(answer.done for answer in answers)
    definitions.commit()
    assert {answer_of(answer) for answer in answers} == {vhost.queues["q"]}
    assert definitions.commits == 1


def test_a_declare_that_waited_is_judged_as_usual(vhost: VHost, definitions) -> None:
    durable_queue(vhost)
    durable_exchange(vhost)
    user = Actor("user", None, "connection")
    other_arguments = durable_queue(vhost, arguments=to_table({"x-max-length": 1}))
    transient = vhost.declare_queue(SERVER, "q")
    exclusive = vhost.declare_queue(user, "q", exclusive=True)
    other_type = durable_exchange(vhost, type_name="topic")
    definitions.commit()
    for answer, error, text in (
        (other_arguments, PreconditionFailed, "inequivalent arg 'x-max-length'"),
        (transient, PreconditionFailed, "inequivalent arg 'durable'"),
        (exclusive, ResourceLocked, "exclusive access"),
        (other_type, PreconditionFailed, "inequivalent arg 'type'"),
    ):
        with pytest.raises(error, match=text):
            answer_of(answer)


def test_a_second_bind_waits_for_the_first(vhost: VHost, definitions) -> None:
    committed(definitions, durable_exchange(vhost, type_name="headers"), durable_queue(vhost))
    short, long = (to_table({"b": 1, "a": value}) for value in (1 << 40, 1 << 40))
    long["a"].kind = ord("L")
    answers = [
        vhost.bind(SERVER, "x", "queue", "q", "", arguments)
        for arguments in (short, dict(reversed(list(long.items()))), to_table({"a": 2}))
    ]
    assert definitions.waiting() == 2, "the same but for spelling, and another one"
    definitions.commit()
    one, same, other = (answer_of(answer) for answer in answers)
    assert one is same
    assert one is not other


def test_names_under_way_hold_up_no_others(vhost: VHost, definitions) -> None:
    durable_queue(vhost, "same")
    durable_exchange(vhost, "same")
    durable_queue(vhost, "other")
    assert definitions.waiting() == 3
    assert answer_of(vhost.declare_queue(SERVER, "transient")) is vhost.queues["transient"]


def test_a_connection_that_is_gone_declares_nothing_any_more(vhost: VHost, definitions) -> None:
    gone, there = (Actor("user", None, owner) for owner in ("gone", "there"))
    durable_queue(vhost)
    for actor in (gone, there):
        vhost.declare_queue(actor, "q", exclusive=True)
    vhost.remove_exclusive_queues("gone")
    definitions.fail()
    assert vhost.queues["q"].exclusive_owner == "there"


# --- a store that fails ---


def test_what_could_not_be_stored_is_not_there(vhost: VHost, definitions) -> None:
    committed(definitions, durable_exchange(vhost, "y"), durable_queue(vhost, "p"))
    answers = [durable_queue(vhost), durable_exchange(vhost), bind(vhost, "y", "p")]
    for _ in answers:
        definitions.fail()
    for answer in answers:
        with pytest.raises(NotStored) as caught:
            answer_of(answer)
        text = "INTERNAL_ERROR - the definitions could not be written: disk full"
        assert caught.value.reply_text == text
    assert "q" not in vhost.queues
    assert "x" not in vhost.exchanges
    assert reached(vhost, "y") == []


def test_after_a_failure_the_next_in_line_tries(vhost: VHost, definitions) -> None:
    first, second, third = (durable_queue(vhost) for _ in range(3))
    definitions.fail()
    assert isinstance(first.error, NotStored)
    assert (second.done, third.done, definitions.waiting()) == (False, False, 1)
    definitions.commit()
    assert answer_of(second) is answer_of(third) is vhost.queues["q"]


def test_what_could_not_be_deleted_is_gone_and_the_log_says_that_it_comes_back(
    vhost: VHost, definitions, caplog: pytest.LogCaptureFixture
) -> None:
    committed(definitions, durable_queue(vhost))
    answer = vhost.delete_queue(SERVER, "q")
    definitions.fail()
    assert isinstance(answer.error, NotStored)
    assert "q" not in vhost.queues
    assert "what was deleted will be back after a restart: the definitions" in caplog.text
    committed(definitions, durable_queue(vhost))
    assert len(definitions.of("queue")) == 1


# --- going ---


def test_a_deletion_holds_at_once_and_is_answered_when_committed(vhost: VHost, definitions) -> None:
    committed(definitions, durable_exchange(vhost), durable_queue(vhost))
    committed(definitions, bind(vhost, "x"), bind(vhost, "amq.fanout"))
    unbound = unbind(vhost, "amq.fanout")
    assert reached(vhost, "amq.fanout") == []
    deleted = [vhost.delete_queue(SERVER, "q"), vhost.delete_exchange(SERVER, "x")]
    assert "q" not in vhost.queues
    assert "x" not in vhost.exchanges
    assert not any(answer.done for answer in (unbound, *deleted))
    before = definitions.commits
    definitions.commit()
    assert [answer_of(answer) for answer in (unbound, *deleted)] == [True, 0, True]
    assert definitions.commits == before + 3
    assert [key[0] for key in definitions.kept] == ["vhost"]


@pytest.mark.parametrize(
    "delete",
    [
        lambda vhost: vhost.delete_queue(SERVER, "q"),
        lambda vhost: vhost.unbind(SERVER, "b", "queue", "q", "", {}),
        lambda vhost: vhost.delete_exchange(SERVER, "b"),
    ],
)
def test_what_goes_with_the_last_binding_is_forgotten_in_the_same_commit(
    vhost: VHost, definitions, delete
) -> None:
    """Auto-delete exchanges, one after the other."""
    for name in ("a", "b"):
        committed(definitions, durable_exchange(vhost, name, auto_delete=True))
    committed(definitions, durable_queue(vhost))
    committed(definitions, bind(vhost, "b"), bind(vhost, "a", "b", kind="exchange"))
    committed(definitions, bind(vhost, "amq.fanout", "a", kind="exchange"))
    delete(vhost)
    assert definitions.waiting() == 1
    definitions.commit()
    assert definitions.of("binding") == definitions.of("exchange") == []


def test_an_auto_delete_queue_s_last_consumer_takes_its_definition_along(
    vhost: VHost, definitions
) -> None:
    answer = durable_queue(vhost, auto_delete=True)
    definitions.commit()
    queue = answer_of(answer)
    assert isinstance(queue, ClassicQueue)
    consumer = LimitedConsumer()
    vhost.add_consumer(queue, consumer)
    queue.remove_consumer(consumer)
    left = vhost.consumer_left(queue)
    assert not left.done
    definitions.commit()
    assert left.done
    assert definitions.of("queue") == []


def test_a_binding_under_way_to_a_queue_that_goes_is_refused_and_forgotten(
    vhost: VHost, definitions
) -> None:
    committed(definitions, durable_exchange(vhost), durable_queue(vhost))
    answer = bind(vhost, "x")
    vhost.delete_queue(SERVER, "q")
    definitions.commit(1)
    with pytest.raises(NotFound, match="no queue 'q' in vhost '/'"):
        answer_of(answer)
    definitions.commit()
    assert definitions.of("binding") == definitions.of("queue") == []


def test_a_binding_under_way_finds_the_queue_that_was_declared_again(
    vhost: VHost, definitions
) -> None:
    committed(definitions, durable_exchange(vhost), durable_queue(vhost))
    old = vhost.queues["q"]
    definitions.late = True
    answer = bind(vhost, "x")
    vhost.delete_queue(SERVER, "q")
    vhost.declare_queue(SERVER, "q", auto_delete=True)
    definitions.commit()
    answer_of(answer)
    assert vhost.queues["q"] is not old
    assert reached(vhost, "x") == ["q"]
    assert definitions.of("binding") == [], "this one is not durable"


def test_what_is_under_way_cannot_be_deleted_yet(vhost: VHost, definitions) -> None:
    """It is not there; the order in which two connections ask is nobody's promise."""
    durable_queue(vhost)
    assert answer_of(vhost.delete_queue(SERVER, "q")) == 0
    definitions.commit()
    assert "q" in vhost.queues


# --- ids ---


def test_a_durable_queue_has_an_id_that_no_other_has(broker: Broker, definitions) -> None:
    definitions.late = False
    broker.add_vhost("other")
    queues = [
        answer_of(durable_queue(broker.vhosts[vhost], name))
        for vhost in ("/", "other")
        for name in ("a", "b", "a")
    ]
    ids = [queue.id for queue in queues]
    assert ids == [1, 2, 1, 3, 4, 3]
    transient = answer_of(broker.vhosts["/"].declare_queue(SERVER, "t"))
    assert transient.id == 0


def test_a_queue_declared_again_is_another_one(vhost: VHost, definitions) -> None:
    definitions.late = False
    first = answer_of(durable_queue(vhost))
    vhost.delete_queue(SERVER, "q")
    assert answer_of(durable_queue(vhost)).id > first.id


def test_an_id_that_another_queue_has_is_not_given_again(definitions) -> None:
    ids = iter([7, 0, 7, -1, 7, 9])
    broker = Broker(
        ManualClock(), TicketStore(), definitions, Compat(), lambda prefix: prefix, ids.__next__
    )
    broker.add_vhost("/")
    vhost = broker.vhosts["/"]
    assert [answer_of(durable_queue(vhost, name)).id for name in "ab"] == [7, 9]


# --- a vhost that goes ---


def test_a_deleted_vhost_takes_all_its_definitions_along_in_one_commit(
    broker: Broker, vhost: VHost, definitions
) -> None:
    committed(definitions, durable_exchange(vhost), durable_queue(vhost))
    committed(definitions, bind(vhost, "x"), bind(vhost, "amq.fanout"))
    coming = [durable_queue(vhost, "p"), durable_exchange(vhost, "y"), bind(vhost, "x", key="k")]
    waiting = durable_queue(vhost, "p")
    answer = broker.delete_vhost("/")
    for each in (*coming, waiting):
        with pytest.raises(NotFound, match="vhost '/' is deleted"):
            answer_of(each)
    definitions.commit(len(coming))
    assert not answer.done
    definitions.commit()
    assert answer_of(answer) is True
    assert definitions.kept == {}
    assert vhost.queues == {}


def test_a_vhost_made_again_is_empty_and_stays_so(broker: Broker, vhost, definitions) -> None:
    committed(definitions, durable_queue(vhost))
    durable_queue(vhost, "p")
    broker.delete_vhost("/")
    broker.add_vhost("/")
    definitions.commit()
    assert broker.vhosts["/"].queues == {}
    assert [kind for kind, _ in definitions.kept] == ["vhost"]


def test_the_ids_of_queues_that_are_gone_are_not_looked_out_for(
    broker: Broker, vhost: VHost, definitions
) -> None:
    """Else a program that declares a queue per request would fill the memory in the end."""
    for name in "abc":
        durable_queue(vhost, name)
    definitions.fail()
    definitions.commit()
    vhost.delete_queue(SERVER, "b")
    durable_queue(vhost, "d")
    broker.delete_vhost("/")
    definitions.commit()
    assert broker._queue_ids._taken == set()
