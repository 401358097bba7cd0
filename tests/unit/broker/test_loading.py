"""What a restart makes of the definitions: the same as before, damaged ones apart."""

import json
from itertools import count

import pytest

from leveret.broker.actor import Actor
from leveret.broker.broker import Broker
from leveret.broker.compat import Compat
from leveret.broker.exchanges.delayed import DelayedExchange
from leveret.broker.queues.classic import ClassicQueue
from leveret.broker.vhost import VHost
from leveret.testing import ManualClock
from leveret.wire.field import KIND_NAMES, Field
from leveret.wire.properties import Properties
from leveret.wire.table import Table, encode_table, to_table
from unit.doubles import TicketStore, answer_of
from unit.late_definitions import LateDefinitions

SERVER = Actor("server", None)
ODD_NAMES = ["a\x00b", "žlutý", "世界\U0001f407", '"],["', "\udcff\udc80", "n" * 255]
VALUES: dict[str, object] = {
    "t": True,
    "S": b"\xff\xfe no UTF-8",
    "x": b"\x00",
    "f": 0.5,
    "d": -1e300,
    "D": (2, 314),
    "V": None,
    "A": [Field(ord("I"), -(1 << 31)), Field(ord("A"), [])],
    "F": {"\udcff": Field(ord("F"), {"a": Field(ord("t"), False)})},
}


@pytest.fixture
def definitions() -> LateDefinitions:
    return LateDefinitions()


def started(definitions: LateDefinitions, first_id: int = 1) -> Broker:
    broker = Broker(
        ManualClock(),
        TicketStore(),
        definitions,
        Compat(),
        lambda prefix: prefix,
        count(first_id).__next__,
    )
    broker.load()
    broker.add_vhost("/")
    return broker


def the_vhost(definitions: LateDefinitions) -> VHost:
    return started(definitions).vhosts["/"]


def everything() -> Table:
    """Every type of field; a name that is no UTF-8."""
    return {f"\udcc3 {chr(kind)}": Field(kind, VALUES.get(chr(kind), 100)) for kind in KIND_NAMES}


def test_exchanges_queues_and_bindings_are_there_again(definitions: LateDefinitions) -> None:
    vhost = the_vhost(definitions)
    alternate = to_table({"alternate-exchange": "amq.fanout", "more": True})
    vhost.declare_exchange(SERVER, "x", "topic", True, True, True, alternate)
    vhost.declare_exchange(SERVER, "y", "headers", True)
    arguments = to_table({"x-consumer-timeout": 60_000, "x-queue-type": "quorum"})
    vhost.declare_queue(SERVER, "q", True, arguments=arguments)
    vhost.declare_queue(SERVER, "auto", True, auto_delete=True)
    vhost.bind(SERVER, "x", "queue", "q", "a.#", {})
    vhost.bind(SERVER, "x", "exchange", "y", "", {})
    vhost.bind(SERVER, "y", "queue", "auto", "k", to_table({"x-match": "any", "a": 1}))

    again = the_vhost(definitions)
    assert again is not vhost
    x, y = again.exchanges["x"], again.exchanges["y"]
    assert (x.type_name, x.durable, x.auto_delete, x.internal) == ("topic", True, True, True)
    assert (y.type_name, y.durable, y.auto_delete, y.internal) == ("headers", True, False, False)
    assert x.arguments == alternate
    q, auto = again.queues["q"], again.queues["auto"]
    assert (q.type_name, q.durable, q.auto_delete, q.consumer_timeout_s) == (
        "quorum",
        True,
        False,
        60,
    )
    assert (auto.type_name, auto.auto_delete, auto.exclusive_owner) == ("classic", True, None)
    assert q.arguments == arguments
    assert [(b.destination, b.routing_key) for b in again.bindings.leaving(x)] == [
        (q, "a.#"),
        (y, ""),
    ]
    (binding,) = again.bindings.leaving(y)
    assert (binding.destination, binding.routing_key) == (auto, "k")
    assert binding.arguments == to_table({"x-match": "any", "a": 1})
    assert again.route(x, "a.b", Properties)[0] == [q]


def test_a_delayed_exchange_keeps_the_id_of_its_messages(definitions: LateDefinitions) -> None:
    arguments = to_table({"x-delayed-type": "topic"})
    vhost = the_vhost(definitions)
    vhost.declare_exchange(SERVER, "x", "x-delayed-message", True, arguments=arguments)
    vhost.declare_queue(SERVER, "q", True)
    vhost.bind(SERVER, "x", "queue", "q", "a.#", {})
    exchange, again = vhost.exchanges["x"], the_vhost(definitions)
    loaded = again.exchanges["x"]
    assert isinstance(exchange, DelayedExchange)
    assert isinstance(loaded, DelayedExchange)
    assert exchange.holding is not None
    assert loaded.holding is not None
    assert int(loaded.holding.id) == int(exchange.holding.id) != 0
    assert again.route(loaded, "a.b", Properties)[0] == [again.queues["q"]]


def test_what_is_transient_is_gone_with_its_bindings(definitions: LateDefinitions) -> None:
    vhost = the_vhost(definitions)
    vhost.declare_queue(SERVER, "kept", True)
    vhost.declare_exchange(SERVER, "kept", "fanout", True)
    vhost.declare_queue(SERVER, "transient")
    vhost.declare_exchange(SERVER, "transient", "fanout")
    vhost.declare_queue(Actor("user", None, "connection"), "own", True, exclusive=True)
    for source in ("kept", "transient"):
        for end in ("kept", "transient"):
            vhost.bind(SERVER, source, "queue", end, "", {})
    again = the_vhost(definitions)
    assert list(again.queues) == ["kept"]
    assert "transient" not in again.exchanges
    assert len(again.bindings.leaving(again.exchanges["kept"])) == 1


@pytest.mark.parametrize("name", ODD_NAMES)
def test_any_name_comes_back(definitions: LateDefinitions, name: str) -> None:
    vhost = the_vhost(definitions)
    vhost.declare_exchange(SERVER, name, "direct", True)
    vhost.declare_queue(SERVER, name, True)
    vhost.bind(SERVER, name, "queue", name, name, {})
    for kind, key in definitions.kept:
        assert (kind + key).isascii(), "so that any store can hold it"
    again = the_vhost(definitions)
    assert again.route(again.exchanges[name], name, Properties)[0] == [again.queues[name]]


def test_names_that_join_to_the_same_are_told_apart(definitions: LateDefinitions) -> None:
    vhost = the_vhost(definitions)
    for name in ("a", "a\x00", "a\x00queue\x00b", "b", "queue"):
        vhost.declare_exchange(SERVER, name, "fanout", True)
        vhost.declare_queue(SERVER, name, True)
    for source in ("a", "a\x00", "a\x00queue\x00b"):
        for end in ("b", "queue"):
            vhost.bind(SERVER, source, "queue", end, "\x00", {})
    assert len(definitions.of("binding")) == 6


def test_arguments_keep_their_types_and_octets(definitions: LateDefinitions) -> None:
    vhost = the_vhost(definitions)
    vhost.declare_exchange(SERVER, "x", "fanout", True, arguments=everything())
    vhost.declare_queue(SERVER, "q", True, arguments=everything())
    vhost.bind(SERVER, "x", "queue", "q", "", everything())
    again = the_vhost(definitions)
    (binding,) = again.bindings.leaving(again.exchanges["x"])
    for thing in (again.exchanges["x"], again.queues["q"], binding):
        assert thing.arguments == everything()
        assert list(thing.arguments) == list(everything())


def test_bindings_come_back_in_the_order_of_their_creation(definitions: LateDefinitions) -> None:
    vhost = the_vhost(definitions)
    vhost.declare_queue(SERVER, "q", True)
    keys = ["c", "a", "b"]
    for key in keys:
        vhost.bind(SERVER, "amq.direct", "queue", "q", key, {})
    again = the_vhost(definitions)
    assert [each.routing_key for each in again.bindings.reaching(again.queues["q"])] == keys


def test_a_queue_has_the_same_id_and_new_ones_have_others(definitions: LateDefinitions) -> None:
    for name in "ab":
        the_vhost(definitions).declare_queue(SERVER, name, True)
    before = {name: queue.id for name, queue in the_vhost(definitions).queues.items()}
    assert sorted(before.values()) == [1, 2], "the second broker has counted from 1 too"
    again = the_vhost(definitions)
    again.declare_queue(SERVER, "c", True)
    assert {name: queue.id for name, queue in again.queues.items()} == {**before, "c": 3}


def test_what_was_deleted_stays_deleted(definitions: LateDefinitions) -> None:
    vhost = the_vhost(definitions)
    for name in "xy":
        vhost.declare_exchange(SERVER, name, "fanout", True)
        vhost.declare_queue(SERVER, name, True)
    for source, end in ("xx", "xy", "yx", "yy"):
        vhost.bind(SERVER, source, "queue", end, "", {})
    again = the_vhost(definitions)
    again.delete_queue(SERVER, "x")
    again.delete_exchange(SERVER, "y")
    third = the_vhost(definitions)
    assert list(third.queues) == ["y"]
    assert "y" not in third.exchanges
    (left,) = third.bindings.leaving(third.exchanges["x"])
    assert left.destination is third.queues["y"]
    assert len(definitions.of("binding")) == 1


def test_a_restart_writes_nothing(definitions: LateDefinitions) -> None:
    vhost = the_vhost(definitions)
    vhost.declare_queue(SERVER, "q", True)
    vhost.bind(SERVER, "amq.fanout", "queue", "q", "", {})
    before = definitions.commits
    again = the_vhost(definitions)
    again.declare_queue(SERVER, "q", True)
    again.bind(SERVER, "amq.fanout", "queue", "q", "", {})
    assert definitions.commits == before


# --- leftovers and damage ---


def a_topology(definitions: LateDefinitions) -> None:
    vhost = the_vhost(definitions)
    vhost.declare_exchange(SERVER, "x", "fanout", True)
    vhost.declare_queue(SERVER, "q", True)
    vhost.declare_queue(SERVER, "other", True)
    for end in ("q", "other"):
        vhost.bind(SERVER, "x", "queue", end, "", {})


def shape(vhost: VHost) -> tuple[list[str], bool, list[str]]:
    reached: list[str] = []
    for binding in vhost.bindings.leaving(vhost.exchanges.get("x", vhost.exchanges[""])):
        assert isinstance(binding.destination, ClassicQueue)
        reached.append(binding.destination.name)
    return list(vhost.queues), "x" in vhost.exchanges, reached


@pytest.mark.parametrize(
    ("lost", "left"),
    [
        (("queue", '["/", "q"]'), (["other"], True, ["other"])),
        (("exchange", '["/", "x"]'), (["q", "other"], False, [])),
    ],
)
def test_a_binding_without_one_of_its_ends_is_cleaned_away(
    definitions: LateDefinitions, lost: tuple[str, str], left: object
) -> None:
    a_topology(definitions)
    del definitions.kept[lost]
    before = definitions.commits
    assert shape(the_vhost(definitions)) == left
    assert definitions.commits == before + 1
    assert shape(the_vhost(definitions)) == left
    assert definitions.commits == before + 1, "nothing is left to be cleaned away"


def test_what_is_left_of_a_vhost_that_is_gone_is_cleaned_away(definitions: LateDefinitions) -> None:
    a_topology(definitions)
    del definitions.kept["vhost", "/"]
    assert shape(the_vhost(definitions)) == ([], False, [])
    assert list(definitions.kept) == [("vhost", "/")]


def test_leftovers_that_cannot_be_deleted_do_not_stop_the_start(
    definitions: LateDefinitions, caplog: pytest.LogCaptureFixture
) -> None:
    a_topology(definitions)
    del definitions.kept["queue", '["/", "q"]']
    definitions.late = True
    assert shape(started(definitions).vhosts["/"]) == (["other"], True, ["other"])
    definitions.fail()
    assert "leftovers could not be deleted: the definitions could not be written" in caplog.text


def changed(value: object, **members: object) -> object:
    assert isinstance(value, dict)
    return {**value, **members}


DAMAGES = {
    "no value": lambda value: None,
    "another value": lambda value: [1],
    "nothing in it": lambda value: {},
    "arguments that are no text": lambda value: changed(value, arguments=7),
    "arguments that are no hexadecimal": lambda value: changed(value, arguments="zz"),
    "arguments cut short": lambda value: changed(value, arguments="000000"),
    "arguments of another length": lambda value: changed(value, arguments="00000005"),
    "arguments that are no table": lambda value: changed(value, arguments="00000003016101"),
    "a type that is unknown": lambda value: changed(
        value, type="x-delayed", arguments=encode_table({"x-queue-type": "stream"}).hex()
    ),
}


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize(
    ("kind", "key", "left"),
    [
        ("queue", '["/", "q"]', (["other"], True, ["other"])),
        ("exchange", '["/", "x"]', (["q", "other"], False, [])),
    ],
)
def test_what_is_not_understood_is_named_in_the_log_and_kept(
    definitions: LateDefinitions,
    caplog: pytest.LogCaptureFixture,
    kind: str,
    key: str,
    left: object,
    damage: str,
) -> None:
    a_topology(definitions)
    whole = definitions.kept[kind, key]
    definitions.kept[kind, key] = DAMAGES[damage](whole)
    kept = dict(definitions.kept)
    broker = started(definitions)
    assert shape(broker.vhosts["/"]) == left
    assert broker.damaged_queues == ([key] if kind == "queue" else [])
    assert f"the definition of {kind} {key} is not understood" in caplog.text
    assert definitions.kept == kept, "its bindings are kept as well"
    definitions.kept[kind, key] = whole
    assert shape(the_vhost(definitions)) == (["q", "other"], True, ["q", "other"])


def test_a_number_that_no_time_can_be_does_not_stop_the_start(
    definitions: LateDefinitions, caplog: pytest.LogCaptureFixture
) -> None:
    a_topology(definitions)
    value = {
        "pattern": ".*",
        "apply-to": "all",
        "definition": {"expires": 10**400},
        "priority": 0,
    }
    definitions.put("policy", '["/", "p"]', value)
    definitions.commit()
    broker = started(definitions)
    assert "q" in broker.vhosts["/"].queues
    assert 'the definition of policy ["/", "p"] is not understood' in caplog.text


def test_what_cannot_be_reckoned_with_is_damaged_too(
    definitions: LateDefinitions,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    a_topology(definitions)
    new_queue = VHost.new_queue

    def too_large(vhost: VHost, name: str, *others: object) -> object:
        if name == "q":
            raise OverflowError("int too large to convert to float")
        return new_queue(vhost, name, *others)  # type: ignore[arg-type]

    monkeypatch.setattr(VHost, "new_queue", too_large)
    broker = started(definitions)
    assert broker.damaged_queues == ['["/", "q"]']
    assert "int too large to convert to float" in caplog.text


@pytest.mark.parametrize("damage", [name for name in DAMAGES if "unknown" not in name])
def test_a_damaged_binding_takes_nothing_along(definitions: LateDefinitions, damage: str) -> None:
    a_topology(definitions)
    key = ("binding", definitions.of("binding")[0])
    definitions.kept[key] = DAMAGES[damage](definitions.kept[key])
    assert shape(the_vhost(definitions)) == (["q", "other"], True, ["other"])
    assert key in definitions.kept


@pytest.mark.parametrize(
    "key",
    ["", "q", "{}", '["/"]', '["/", 1]', '["/", "q", "more"]', '["/", null]', "[" * 10],
)
@pytest.mark.parametrize("kind", ["queue", "exchange", "binding"])
def test_a_damaged_key_takes_nothing_along(
    definitions: LateDefinitions, kind: str, key: str
) -> None:
    a_topology(definitions)
    whole = shape(the_vhost(definitions))
    definitions.put(kind, key, {})
    assert shape(the_vhost(definitions)) == whole
    assert (kind, key) in definitions.kept


@pytest.mark.parametrize("queue_id", [0, -1, 1 << 63, "7", 1.5, None, 2])
def test_an_id_that_cannot_be_is_no_queue_s(definitions: LateDefinitions, queue_id: object) -> None:
    """2 is that of the other queue, which was declared later, or earlier."""
    a_topology(definitions)
    key = ("queue", '["/", "q"]')
    definitions.put(*key, changed(definitions.kept[key], id=queue_id))
    assert list(the_vhost(definitions).queues) == ["other"]


def test_a_kind_of_destination_that_is_unknown_is_named(
    definitions: LateDefinitions, caplog: pytest.LogCaptureFixture
) -> None:
    a_topology(definitions)
    definitions.put(
        "binding", json.dumps(["/", "x", "topic", "q", "", ""]), {"arguments": "00000000"}
    )
    assert shape(the_vhost(definitions)) == (["q", "other"], True, ["q", "other"])
    assert "the kind of destination 'topic' is unknown" in caplog.text


def test_a_damaged_vhost_is_there_with_what_is_in_it(definitions: LateDefinitions) -> None:
    a_topology(definitions)
    definitions.kept["vhost", "/"] = None
    assert shape(the_vhost(definitions)) == (["q", "other"], True, ["q", "other"])


def test_kinds_that_are_unknown_are_left_alone(definitions: LateDefinitions) -> None:
    definitions.put("policy", "anything", {"from": "a later version"})
    the_vhost(definitions)
    assert ("policy", "anything") in definitions.kept


def test_a_field_of_the_other_64_bit_type_is_kept_as_it_came(definitions: LateDefinitions) -> None:
    vhost = the_vhost(definitions)
    vhost.declare_queue(SERVER, "q", True)
    vhost.bind(SERVER, "amq.fanout", "queue", "q", "", {"a": Field(ord("L"), 1)})
    again = the_vhost(definitions)
    (binding,) = again.bindings.reaching(again.queues["q"])
    assert binding.arguments["a"].kind == ord("L")
    answer_of(again.unbind(SERVER, "amq.fanout", "queue", "q", "", {"a": Field(ord("l"), 1)}))
    assert definitions.of("binding") == []
