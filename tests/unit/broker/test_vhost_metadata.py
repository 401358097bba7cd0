"""A vhost's own level of compatibility and queue type, and its limits: what holds, and for how
long."""

import logging
from itertools import count

import pytest

from leveret.broker.actor import Actor
from leveret.broker.broker import Broker
from leveret.broker.compat import Compat
from leveret.broker.limits import MAX_QUEUES, LimitError, user_limits, vhost_limits
from leveret.broker.queues.classic import ClassicQueue
from leveret.errors import InternalError
from leveret.store.memory import MemoryDefinitions
from leveret.testing import ManualClock
from unit.doubles import TicketStore, answer_of

SERVER = Actor("server", None)


@pytest.fixture
def definitions() -> MemoryDefinitions:
    return MemoryDefinitions()


def started(definitions: MemoryDefinitions, default_queue_type: str = "") -> Broker:
    broker = Broker(ManualClock(), TicketStore(), definitions, Compat(), str, count(1).__next__)
    broker.default_queue_type = default_queue_type
    broker.load()
    return broker


def declared(broker: Broker, vhost: str, name: str, durable: bool = True) -> ClassicQueue:
    queue = answer_of(broker.vhosts[vhost].declare_queue(SERVER, name, durable=durable))
    assert isinstance(queue, ClassicQueue)
    return queue


def test_a_vhost_has_a_level_of_its_own_also_after_a_restart(definitions):
    broker = started(definitions)
    broker.add_vhost("old")
    broker.add_vhost("new", compat="4.3")
    for each in (broker, started(definitions)):
        assert each.compat.level == "3.13"
        declared(each, "old", "q", durable=False)
        with pytest.raises(InternalError, match="transient_nonexcl_queues"):
            declared(each, "new", "q", durable=False)


def test_the_level_can_be_changed_and_given_back(definitions):
    broker = started(definitions)
    broker.add_vhost("v")
    vhost = broker.vhosts["v"]
    broker.describe_vhost(vhost, "", [], compat="4.2")
    assert (vhost.compat.level, vhost.own_compat) == ("4.2", True)
    broker.describe_vhost(vhost, "", [])
    assert (vhost.compat, vhost.own_compat) == (broker.compat, False)


def test_the_server_says_the_type_where_the_vhost_does_not(definitions):
    broker = started(definitions, "quorum")
    broker.add_vhost("v")
    broker.add_vhost("classic", default_queue_type="classic")
    assert declared(broker, "v", "q").type_name == "quorum"
    assert declared(broker, "classic", "q").type_name == "classic"
    again = started(definitions)
    assert again.vhosts["v"].queues["q"].type_name == "quorum", "a queue keeps its type"
    assert declared(again, "v", "other").type_name == "classic"
    assert again.vhosts["classic"].own_queue_type == "classic"


def test_limits_outlive_a_restart_and_go_with_the_vhost(definitions):
    broker = started(definitions)
    broker.add_vhost("v")
    broker.set_vhost_limits(broker.vhosts["v"], {"max-queues": 5})
    again = started(definitions)
    assert again.vhosts["v"].limit(MAX_QUEUES) == 5
    again.delete_vhost("v")
    again.add_vhost("v")
    assert started(definitions).vhosts["v"].limits == {}


@pytest.mark.parametrize("value", [None, 5, {"max-queues": "x"}, {"nope": 1}])
def test_damaged_limits_are_none_and_named(definitions, caplog, value):
    started(definitions).add_vhost("v")
    definitions.put("vhost_limits", "v", value)
    with caplog.at_level(logging.ERROR, "leveret.vhost"):
        assert started(definitions).vhosts["v"].limits == {}
    assert "lost its limits" in caplog.text


VALUES = [("x", '<<"x">>'), ("5", '<<"5">>'), (1.5, "1.5"), (None, "null"), (True, "true")]


@pytest.mark.parametrize(("value", "printed"), VALUES)
def test_a_limit_is_a_whole_number(value, printed):
    text = f"max-connections should be a number, actually was {printed}"
    with pytest.raises(LimitError) as refused:
        vhost_limits({"max-connections": value})
    assert str(refused.value) == f"Validation failed\n\n{text}\n"
    with pytest.raises(LimitError) as refused:
        user_limits({"max-connections": value})
    assert str(refused.value) == text


def test_other_limits_are_unknown():
    with pytest.raises(LimitError) as refused:
        vhost_limits({"max-channels": 5})
    assert str(refused.value) == (
        'Validation failed\n\nUnrecognised terms [{<<"max-channels">>,5}] in limits\n'
    )
    with pytest.raises(LimitError) as refused:
        user_limits({"max-queues": 5})
    assert str(refused.value) == 'Unrecognised terms [{<<"max-queues">>,5}] in user-limits'
