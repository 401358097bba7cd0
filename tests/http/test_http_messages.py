"""Messages over HTTP: published and got as RabbitMQ 3.10.8 does, on the road of every client."""

import asyncio
from typing import Any

import pytest

from leveret.broker.alarms import MEMORY
from leveret.broker.seams import MessageStore
from leveret.management.resources import messages

from .in_memory import in_memory

QUEUE = "/api/queues/%2F/work"
PUBLISH = "/api/exchanges/%2F/amq.default/publish"
MESSAGE = {
    "routing_key": "work",
    "properties": {},
    "payload": "hello",
    "payload_encoding": "string",
}
GET = {"count": 1, "ackmode": "ack_requeue_false", "encoding": "auto"}
# One of each, in the order in which RabbitMQ shows them.
PROPERTIES = {
    "cluster_id": "c",
    "app_id": "a",
    "user_id": "guest",
    "type": "ty",
    "timestamp": 12345,
    "message_id": "m",
    "expiration": "100000",
    "reply_to": "r",
    "correlation_id": "ci",
    "priority": 3,
    "delivery_mode": 2,
    "headers": {"a": 1, "b": "x", "big": 3000000000, "c": 1.5, "d": [1, "2"], "e": {"f": True}},
    "content_encoding": "e",
    "content_type": "t",
}


class SlowStore(MessageStore):
    """Nothing is durable until somebody says so."""

    keeps = False

    def __init__(self) -> None:
        self.appended = 0
        self.is_slow = True
        self.events: Any = None

    def append(self, message, queues):
        self.appended += 1
        self.events.enqueued(message, queues, self.appended)
        return self.appended

    def settle(self, queue, ticket):
        pass

    def is_durable(self, ticket):
        return not self.is_slow

    def barrier(self):
        return 0

    def spill(self, message):
        return 0

    def commit(self):
        self.is_slow = False
        self.events.durable(0, self.appended)


@pytest.fixture
def memory():
    with in_memory() as broker:
        broker.request("PUT", QUEUE, {"durable": True})
        yield broker
        assert broker.server.broker.sessions == {}


def publish(memory, path=PUBLISH, **members):
    return memory.request("POST", path, MESSAGE | members)


def get(memory, **members):
    return memory.request("POST", f"{QUEUE}/get", GET | members)


def payloads(memory, **members):
    return [each["payload"] for each in get(memory, count=10, **members).json]


def test_a_message_that_leads_somewhere_is_routed(memory):
    assert publish(memory).json == {"routed": True}
    assert publish(memory, routing_key="nowhere").json == {"routed": False}


def test_a_message_comes_back_as_it_was_published(memory):
    publish(memory, properties=PROPERTIES, payload="/wA=", payload_encoding="base64")
    (message,) = get(memory).json
    assert message == {
        "payload_bytes": 2,
        "redelivered": False,
        "exchange": "",
        "routing_key": "work",
        "message_count": 0,
        "properties": PROPERTIES,
        "payload": "/wA=",
        "payload_encoding": "base64",
    }
    assert list(message["properties"]) == list(PROPERTIES)


def test_no_properties_are_an_empty_array(memory):
    publish(memory)
    assert get(memory).json[0]["properties"] == []


def test_text_is_shown_as_text_unless_base64_is_asked_for(memory):
    for encoding, shown in (("auto", ("hi\0é", "string")), ("base64", ("aGkAw6k=", "base64"))):
        publish(memory, payload="hi\0é")
        (message,) = get(memory, encoding=encoding).json
        assert (message["payload"], message["payload_encoding"]) == shown


def test_a_body_is_cut_before_it_is_encoded(memory):
    publish(memory, payload="äbc")
    (message,) = get(memory, truncate=1).json
    assert (message["payload"], message["payload_encoding"]) == ("ww==", "base64")
    assert message["payload_bytes"] == 4


def test_messages_come_in_order_and_count_is_their_number_at_most(memory):
    for payload in "abc":
        publish(memory, payload=payload)
    two = get(memory, count="2").json
    assert [(each["payload"], each["message_count"]) for each in two] == [("a", 2), ("b", 1)]
    assert payloads(memory) == ["c"]
    assert payloads(memory) == []
    assert get(memory, count=0).json == []


@pytest.mark.parametrize("ackmode", ["ack_requeue_true", "reject_requeue_true"])
def test_messages_that_are_requeued_are_at_the_front_again(memory, ackmode):
    for payload in "ab":
        publish(memory, payload=payload)
    assert payloads(memory, ackmode=ackmode) == ["a", "b"]
    again = get(memory, count=10).json
    assert [(each["payload"], each["redelivered"]) for each in again] == [("a", True), ("b", True)]


@pytest.mark.parametrize(
    ("ackmode", "letters"), [("reject_requeue_false", 1), ("ack_requeue_false", 0)]
)
def test_a_rejected_message_is_a_dead_letter(memory, ackmode, letters):
    memory.request("PUT", "/api/queues/%2F/dead", {"durable": True})
    arguments = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": "dead"}
    memory.request("PUT", "/api/queues/%2F/dying", {"durable": True, "arguments": arguments})
    publish(memory, routing_key="dying")
    memory.request("POST", "/api/queues/%2F/dying/get", GET | {"ackmode": ackmode})
    found = memory.request("GET", "/api/queues/%2F/dead").json["messages"]
    assert found == letters


@pytest.mark.parametrize(
    ("members", "reason"),
    [
        ({"properties": {"delivery_mode": "2"}}, ["not_int", "delivery_mode"]),
        ({"properties": {"content_type": 5}}, ["not_string", "content_type"]),
        ({"properties": {"message_id": None}}, ["not_string", "message_id"]),
        ({"properties": {"headers": {"a": None}}}, "null_not_allowed"),
        ({"payload": 5}, "payload_not_string"),
        ({"payload_encoding": "bogus"}, ["unsupported_encoding", "bogus"]),
        ({"payload": "!!", "payload_encoding": "base64"}, ["not_base64", "!!"]),
        (
            {"properties": {"delivery_mode": 7}},
            "406 PRECONDITION_FAILED - invalid message: {delivery_mode_unknown,7}",
        ),
        (
            {"properties": {"user_id": "bob"}},
            "406 PRECONDITION_FAILED - user_id property set to 'bob' but authenticated user was "
            "'guest'",
        ),
        (
            {"properties": {"reply_to": "amq.rabbitmq.reply-to"}},
            "406 PRECONDITION_FAILED - fast reply consumer does not exist",
        ),
    ],
)
def test_a_message_that_cannot_be_published_is_refused_in_rabbitmqs_words(memory, members, reason):
    assert publish(memory, **members).refusal == (400, "bad_request", reason)
    assert payloads(memory) == []


def test_headers_are_nested_as_deeply_as_a_client_s(memory):
    """What the broker adds for itself has room that is not the client's."""
    headers = {}
    for _ in range(127):
        headers = {"a": headers}
    assert publish(memory, properties={"headers": headers}).status == 200
    reply = publish(memory, properties={"headers": {"a": headers}})
    reason = "Field table is nested deeper than 128 levels"
    assert reply.refusal == (400, "bad_request", reason)


def test_members_that_are_missing_are_named_as_erlang_breaks_its_lines(memory):
    reply = memory.request("POST", PUBLISH, {"properties": {}})
    assert reply.refusal[2] == (
        "[{key_missing,routing_key},\n {key_missing,payload},\n {key_missing,payload_encoding}]"
    )
    reply = memory.request("POST", f"{QUEUE}/get", {})
    assert reply.refusal[2] == "[{key_missing,ackmode},{key_missing,count},{key_missing,encoding}]"


def test_what_is_not_there_is_named(memory):
    reply = publish(memory, "/api/exchanges/%2F/none/publish")
    reason = "404 NOT_FOUND - no exchange 'none' in vhost '/'"
    assert reply.refusal == (400, "bad_request", reason)
    reply = memory.request("POST", "/api/queues/%2F/none/get", GET)
    reason = "NOT_FOUND - no queue 'none' in vhost '/'"
    assert reply.refusal == (404, "not_found", reason)


def test_permissions_are_those_of_the_caller(memory):
    memory.server.add_user("ada", "password", "management")
    memory.server.set_permissions("ada", "/", "", "", "")
    refused = memory.request("POST", PUBLISH, MESSAGE, "ada").refusal
    assert refused[:2] == (400, "bad_request")
    assert refused[2].startswith("403 ACCESS_REFUSED - access to exchange")
    refused = memory.request("POST", f"{QUEUE}/get", GET, "ada").refusal
    assert refused[:2] == (401, "not_authorised")
    assert refused[2].startswith("ACCESS_REFUSED - access to queue 'work'")


def test_a_message_of_somebody_else_needs_the_tag_impersonator(memory):
    memory.server.add_user("ada", "password", "management,impersonator")
    memory.server.set_permissions("ada", "/", "", ".*", "")
    members = MESSAGE | {"properties": {"user_id": "bob"}}
    assert memory.request("POST", PUBLISH, members, "ada").json == {"routed": True}


def test_limits_hold_for_who_comes_over_http(memory):
    memory.server.set_vhost_limits("/", {"max-connections": 0})
    status, error, reason = publish(memory).refusal
    assert (status, error) == (400, "bad_request")
    assert reason.startswith("530 NOT_ALLOWED")


def test_a_message_that_a_queue_refuses_is_not_routed(memory):
    arguments = {"x-max-length": 0, "x-overflow": "reject-publish"}
    memory.request("PUT", "/api/queues/%2F/full", {"durable": True, "arguments": arguments})
    reason = "rejected Unable to publish message. Check queue limits."
    assert publish(memory, routing_key="full").refusal == (400, "bad_request", reason)


def test_while_publishers_are_blocked_a_publish_is_refused(memory):
    memory.server.raise_alarm(MEMORY)
    status, error, reason = publish(memory).refusal
    assert (status, error) == (503, "service_unavailable")
    assert "memory" in reason
    assert payloads(memory) == []
    memory.server.clear_alarm(MEMORY)
    assert publish(memory).json == {"routed": True}


def test_the_firehose_tells_of_messages_over_http(memory):
    memory.request("PUT", "/api/queues/%2F/traced", {})
    binding = {"routing_key": "#"}
    memory.request("POST", "/api/bindings/%2F/e/amq.rabbitmq.trace/q/traced", binding)
    memory.server.set_tracing("/", True)
    publish(memory)
    get(memory)
    told = memory.request("POST", "/api/queues/%2F/traced/get", GET | {"count": 2}).json
    assert [each["routing_key"] for each in told] == ["publish.", "deliver.work"]


def test_many_messages_leave_in_turns_of_the_loop(memory, monkeypatch):
    monkeypatch.setattr(messages, "TURN_MAX", 2)
    turns = []
    sleep = asyncio.sleep

    async def counted(seconds):
        turns.append(seconds)
        await sleep(seconds)

    monkeypatch.setattr(messages.asyncio, "sleep", counted)
    for _ in range(5):
        publish(memory)
    turns.clear()
    assert len(payloads(memory)) == 5
    # Each request waits for a turn of its own before.
    assert turns == [0, 0, 0]


def test_a_large_answer_leaves_in_pieces(memory, monkeypatch):
    monkeypatch.setattr(messages, "TURN_BYTES", 1)
    for payload in "abc":
        publish(memory, payload=payload)
    reply = get(memory, count=3)
    assert [each["payload"] for each in reply.json] == ["a", "b", "c"]
    assert "content-length" not in reply.headers


def test_an_answer_holds_so_many_octets_and_the_rest_stays(memory, monkeypatch):
    monkeypatch.setattr(messages, "ANSWER_MAX_BYTES", 200)
    for _ in range(3):
        publish(memory)
    assert payloads(memory) == ["hello", "hello"]
    assert payloads(memory) == ["hello"]


def test_a_persistent_message_is_routed_once_it_is_durable():
    store = SlowStore()
    with in_memory(store) as memory:
        store.events = memory.server.broker
        memory.request("PUT", QUEUE, {"durable": True})
        answers = []

        async def ask() -> None:
            answers.append(
                await memory.ask("POST", PUBLISH, MESSAGE | {"properties": {"delivery_mode": 2}})
            )

        async def scene() -> None:
            asking = asyncio.create_task(ask())
            for _ in range(20):
                await asyncio.sleep(0)
            assert (store.appended, answers) == (1, [])
            store.commit()
            await asking

        memory.run(scene())
        assert answers[0].json == {"routed": True}


def test_a_purge_and_actions_on_what_is_there(memory):
    publish(memory)
    assert memory.request("DELETE", f"{QUEUE}/contents").status == 204
    assert payloads(memory) == []
    assert memory.request("POST", f"{QUEUE}/actions", {"action": "sync"}).status == 204
    reply = memory.request("POST", f"{QUEUE}/actions", {"action": "bogus"})
    assert reply.refusal == (400, "bad_request", ["unknown", "bogus"])
    reply = memory.request("POST", "/api/queues/%2F/none/actions", {"action": "sync"})
    assert reply.status == 404
