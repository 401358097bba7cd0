"""Node's amqplib. The sessions are in amqplib_session.js; here is what they must come to."""

import json
from dataclasses import replace

import pytest

from .conftest import AMQPLIB

pytestmark = pytest.mark.timeout(40)


@pytest.fixture
def start_session(start):
    def start_session(name, **environment):
        return start("node", "amqplib_session.js", name, AMQPLIB=str(AMQPLIB), **environment)

    return start_session


@pytest.fixture
def run(start_session):
    """Runs a session to its end: what it came to."""

    def run(name, **environment):
        session = start_session(name, **environment)
        result = json.loads(session.says(r"^(?:result|failed) (.*)")[1])
        assert session.wait() == 0
        return result

    return run


def test_confirmed_messages_are_consumed_in_order_and_acknowledged(run):
    assert run("confirms") == {"messageCount": 500, "inOrder": True, "left": 0}


def test_messages_are_requeued_and_rejected(run):
    assert run("settles") == {
        "seen": [["a", False], ["a", True], ["b", False], ["c", False]],
        "left": 0,
    }


def test_prefetch_bounds_what_is_unacknowledged(run):
    assert run("prefetch") == {"mostAtOnce": 2}


def test_calls_are_answered_through_an_exclusive_queue(run):
    assert run("rpc") == {f"call {n}": n * n for n in range(10)}


def test_exchanges_route_to_exchanges_and_queues(run):
    assert run("topics") == ["a", False]


def test_headers_and_properties_come_as_they_were_sent(run):
    result = run("headers")
    assert result["octets"] == [0, 255]
    properties = {name: value for name, value in result["properties"].items() if value is not None}
    assert properties == {
        "contentType": "text/plain",
        "headers": result["sent"],
        "deliveryMode": 2,
        "priority": 5,
        "correlationId": "c",
        "messageId": "m",
        "timestamp": 1_777_777_777,
        "type": "t",
        "appId": "a",
    }


def test_a_body_of_many_frames_comes_whole(run):
    assert run("large") is True


def test_refusals_close_the_channel_and_say_why(run):
    refused = run("refusals")
    assert refused.pop("afterwards") == "kept"  # the connection lives
    assert {name: error["code"] for name, error in refused.items()} == {
        "missingQueue": 404,
        "otherQueue": 406,
        "missingExchange": 404,
        "reservedName": 403,
        "unknownTag": 406,
    }
    assert "NOT_FOUND - no queue 'missing' in vhost" in refused["missingQueue"]["message"]
    assert "inequivalent arg 'durable' for queue 'kept'" in refused["otherQueue"]["message"]
    assert "PRECONDITION_FAILED - unknown delivery tag 7" in refused["unknownTag"]["message"]


def test_an_unknown_exchange_type_closes_the_connection(run):
    error = run("connectionError")
    assert error["code"] == 503
    assert "COMMAND_INVALID - unknown exchange type 'x-nope-nope'" in error["message"]


def test_an_unroutable_message_is_returned(run):
    assert run("returned") == [312, "NO_ROUTE", "lost"]


def test_a_consumer_whose_queue_is_deleted_gets_null(run):
    assert run("cancelled") == [[None], "still-open"]


def test_a_wrong_password_is_said(start_session, server):
    session = start_session("confirms", AMQP_URL=replace(server, password="guess").url)
    session.says(r"failed .*403.*ACCESS_REFUSED")


def test_a_missing_vhost_is_said(start_session, server):
    session = start_session("confirms", AMQP_URL=replace(server, vhost="missing").url)
    session.says("failed Expected ConnectionOpenOk; got <ConnectionClose")  # its own words


def test_recovery_sets_everything_up_again_after_each_cut(start_session, server, proxy):
    session = start_session("recovers", AMQP_URL=server.behind(proxy).url)
    for _ in range(2):
        session.says("set up")
        proxy.cut()
    bodies = json.loads(session.says("^result (.*)")[1])
    assert session.wait() == 0
    assert bodies[-1] == "set up 3 times"
