"""/api/queues: declare, look, purge, delete."""

import pytest

from .client import part


def test_a_queue_is_made_with_201_and_made_again_with_204(api):
    assert api.put("/api/queues/%2F/work", {"durable": True}).status == 201
    assert api.put("/api/queues/%2F/work", {"durable": True}).status == 204
    queue = api.get("/api/queues/%2F/work").json
    assert (queue["name"], queue["vhost"], queue["durable"]) == ("work", "/", True)


def test_a_body_that_is_empty_declares_with_the_defaults(api):
    assert api.put("/api/queues/%2F/work").status == 201
    queue = api.get("/api/queues/%2F/work").json
    assert (queue["durable"], queue["auto_delete"], queue["exclusive"]) == (False, False, False)
    assert queue["arguments"] == {}


def test_booleans_may_be_words_as_in_rabbitmq(api):
    assert api.put("/api/queues/%2F/work", {"durable": "true"}).status == 201
    assert api.get("/api/queues/%2F/work").json["durable"] is True


def test_an_inequivalent_redeclare_is_refused_in_rabbitmqs_words(api):
    api.put("/api/queues/%2F/work", {"durable": True})
    assert api.put("/api/queues/%2F/work", {"durable": False}).refusal == (
        400,
        "bad_request",
        "inequivalent arg 'durable' for queue 'work' in vhost '/': "
        "received 'false' but current is 'true'",
    )


def test_arguments_arrive_with_their_types_and_are_checked(api):
    arguments = {"x-expires": 60000, "x-note": "text", "x-list": [1, {"a": True}], "x-part": 0.5}
    assert api.put("/api/queues/%2F/work", {"arguments": arguments}).status == 201
    assert api.get("/api/queues/%2F/work").json["arguments"] == arguments
    assert api.put("/api/queues/%2F/other", {"arguments": {"x-expires": "soon"}}).refusal == (
        400,
        "bad_request",
        "invalid arg 'x-expires' for queue 'other' in vhost '/': \"expected integer, got longstr\"",
    )


def test_a_whole_number_is_a_64_bit_integer_as_in_rabbitmqs_own_api(broker, api):
    api.put("/api/queues/%2F/work", {"arguments": {"x-expires": 60000}})
    arguments = broker.look(lambda: broker.server.broker.vhosts["/"].queues["work"].arguments)
    assert chr(arguments["x-expires"].kind) == "l"


def test_empty_arguments_may_be_an_array(api):
    assert api.put("/api/queues/%2F/work", {"arguments": []}).status == 201


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ({"x-a": None}, "null_not_allowed"),
        ({"x-a": [None]}, "null_not_allowed"),
        ({"x-a": 1 << 63}, f"{1 << 63} does not fit into 64 bits"),
        ({"x" * 256: 1}, "the name of an argument has at most 255 octets"),
        ([1], "arguments are an object, not an array"),
    ],
)
def test_arguments_that_no_table_can_hold_are_refused(api, arguments, reason):
    refusal = api.put("/api/queues/%2F/work", {"arguments": arguments}).refusal
    assert refusal == (400, "bad_request", reason)


def test_arguments_nested_beyond_reason_are_refused(api):
    for depth in (200, 100_000):
        body = b'{"arguments":{"a":' + b"[" * depth + b"]" * depth + b"}}"
        assert api.put("/api/queues/%2F/work", body).status == 400


def test_a_quorum_queue_says_so(api):
    api.put("/api/queues/%2F/q", {"durable": True, "arguments": {"x-queue-type": "quorum"}})
    queue = api.get("/api/queues/%2F/q").json
    assert queue["type"] == "quorum"
    assert queue["members"] == queue["online"] == [queue["leader"]] == [queue["node"]]


def test_a_name_that_is_reserved_is_refused_with_401(api):
    status, error, reason = api.put("/api/queues/%2F/amq.mine").refusal
    assert (status, error) == (401, "not_authorised")
    assert "reserved prefix 'amq.*'" in reason


def test_another_node_than_this_one_is_refused(api):
    status, error, reason = api.put("/api/queues/%2F/work", {"node": "rabbit@far"}).refusal
    assert (status, error) == (400, "bad_request")
    assert "rabbit@far" in reason
    node = api.get("/api/overview").json["node"]
    assert api.put("/api/queues/%2F/work", {"node": node}).status == 201


def test_queues_are_listed_by_vhost_and_name(api):
    api.put("/api/vhosts/a")
    for path in ("%2F/second", "%2F/first", "a/third"):
        api.put(f"/api/queues/{path}")
    assert api.names("/api/queues") == ["first", "second", "third"]
    assert api.names("/api/queues/a") == ["third"]


def test_counts_are_exact_and_immediate(api, connect):
    channel = connect().channel()
    channel.queue_declare("work")
    for _ in range(3):
        channel.basic_publish("", "work", b"")
    channel.basic_get("work")
    queue = api.get("/api/queues/%2F/work").json
    counts = (queue["messages"], queue["messages_ready"], queue["messages_unacknowledged"])
    assert counts == (3, 2, 1)
    totals = api.get("/api/overview").json["queue_totals"]
    assert (totals["messages"], totals["messages_ready"]) == (3, 2)
    assert totals["messages_unacknowledged"] == 1


def test_a_purge_takes_the_ready_messages_only(api, connect):
    channel = connect().channel()
    channel.queue_declare("work")
    for _ in range(3):
        channel.basic_publish("", "work", b"")
    channel.basic_get("work")
    assert api.delete("/api/queues/%2F/work/contents").status == 204
    queue = api.get("/api/queues/%2F/work").json
    assert (queue["messages_ready"], queue["messages_unacknowledged"]) == (0, 1)


def test_a_queue_is_deleted_unless_a_condition_forbids_it(api, connect):
    channel = connect().channel()
    channel.queue_declare("work")
    channel.basic_publish("", "work", b"")
    refusal = api.delete("/api/queues/%2F/work?if-empty=true").refusal
    assert refusal == (400, "bad_request", "queue 'work' in vhost '/' not empty")
    channel.basic_consume("work", lambda *_: None)
    refusal = api.delete("/api/queues/%2F/work?if-unused=true").refusal
    assert refusal == (400, "bad_request", "queue 'work' in vhost '/' in use")
    assert api.delete("/api/queues/%2F/work").status == 204
    assert api.get("/api/queues/%2F/work").status == 404


def test_another_connections_exclusive_queue_is_shown_and_cannot_be_changed(api, connect):
    connect().channel().queue_declare("own", exclusive=True)
    queue = api.get("/api/queues/%2F/own").json
    connection = api.get("/api/connections").json[0]
    assert queue["exclusive"] is True
    assert queue["owner_pid_details"]["name"] == connection["name"]
    for path in ("own", "own/contents"):
        status, error, reason = api.delete(f"/api/queues/%2F/{path}").refusal
        assert (status, error) == (400, "bad_request")
        assert reason.startswith("cannot obtain exclusive access to locked queue 'own'")


def test_an_exclusive_consumer_is_named(api, connect):
    channel = connect().channel()
    channel.queue_declare("work")
    channel.basic_consume("work", lambda *_: None, exclusive=True, consumer_tag="only")
    queue = api.get("/api/queues/%2F/work").json
    assert queue["exclusive_consumer_tag"] == "only"
    assert [consumer["consumer_tag"] for consumer in queue["consumer_details"]] == ["only"]


def test_a_queue_that_is_not_there_is_404_whatever_is_asked(api):
    for method, path in (
        ("GET", "none"),
        ("GET", "none/bindings"),
        ("DELETE", "none"),
        ("DELETE", "none/contents"),
    ):
        refusal = api.request(method, f"/api/queues/%2F/{path}").refusal
        assert refusal == (404, "Object Not Found", "Not Found")


def test_a_vhost_that_is_not_there_is_404(api):
    assert api.get("/api/queues/none").refusal == (404, "Object Not Found", "Not Found")
    assert api.put("/api/queues/none/work").refusal == (404, "not_found", "vhost_not_found")


def test_columns_are_those_that_were_asked_for(api):
    api.put("/api/queues/%2F/work")
    expected = {"name": "work", "messages": 0}
    assert api.get("/api/queues?columns=name,messages").json == [expected]
    assert api.get("/api/queues/%2F/work?columns=messages,name,nonsense").json == expected
    assert api.get("/api/queues?columns=").json == [{}]
    totals = api.get("/api/overview?columns=object_totals.queues,node").json
    assert totals.keys() == {"object_totals", "node"}


def test_ten_thousand_queues_are_listed(broker, api):
    def declare():
        from leveret.broker.actor import Actor

        vhost = broker.server.broker.vhosts["/"]
        for number in range(10_000):
            vhost.declare_queue(Actor("test", None), f"queue {number:05}")

    broker.look(declare)
    assert len(api.get("/api/queues").json) == 10_000
    assert api.get(f"/api/queues/%2F/{part('queue 09999')}").status == 200
