"""/api/connections, /api/channels, /api/consumers: what clients have open."""

import time

import pika
import pytest

from .client import part


def only(api, path):
    (row,) = api.get(path).json
    return row


def test_a_connection_shows_who_it_is_and_where_it_comes_from(broker, api, connect):
    before = time.time()
    connect(client_properties={"connection_name": "the lab"}, heartbeat=30)
    connection = only(api, "/api/connections")
    assert connection["name"] == (f"127.0.0.1:{connection['peer_port']} -> 127.0.0.1:{broker.port}")
    assert (connection["user"], connection["vhost"]) == ("guest", "/")
    assert (connection["peer_host"], connection["port"]) == ("127.0.0.1", broker.port)
    assert (connection["protocol"], connection["state"]) == ("AMQP 0-9-1", "running")
    assert connection["auth_mechanism"] == "PLAIN"
    assert (connection["timeout"], connection["channels"]) == (30, 0)
    assert connection["user_provided_name"] == "the lab"
    assert connection["client_properties"]["connection_name"] == "the lab"
    assert connection["client_properties"]["capabilities"]["basic.nack"] is True
    assert before - 1 <= connection["connected_at"] / 1000 <= time.time() + 1
    assert connection["recv_oct"] > 0
    assert connection["send_oct"] > 0
    assert api.get(f"/api/connections/{part(connection['name'])}").json.keys() == connection.keys()


def test_a_date_is_the_same_each_time(api, connect):
    connect()
    dates = {only(api, "/api/connections")["connected_at"] for _ in range(5)}
    assert len(dates) == 1


def test_a_connection_is_closed_with_the_reason_given(api, connect):
    connection = connect()
    place = f"/api/connections/{part(only(api, '/api/connections')['name'])}"
    reason = "lunch: über".encode().decode("latin-1")
    assert api.delete(place, headers={"X-Reason": reason}).status == 204
    assert api.get("/api/connections").json == []
    assert api.delete(place).refusal == (404, "Object Not Found", "Not Found")
    with pytest.raises(pika.exceptions.ConnectionClosedByBroker) as closed:
        connection.sleep(10)
    assert closed.value.args == (320, "CONNECTION_FORCED - lunch: über")


def test_without_a_reason_rabbitmqs_is_given(api, connect):
    connection = connect()
    api.delete(f"/api/connections/{part(only(api, '/api/connections')['name'])}")
    with pytest.raises(pika.exceptions.ConnectionClosedByBroker) as closed:
        connection.sleep(10)
    assert closed.value.reply_text == "CONNECTION_FORCED - Closed via management plugin"


def test_a_peer_that_has_not_logged_in_is_not_a_connection(broker, api):
    import socket

    with socket.create_connection((broker.host, broker.port)) as peer:
        peer.sendall(b"AMQP\x00\x00\x09\x01")
        assert peer.recv(1)
        assert api.get("/api/connections").json == []


def test_sessions_are_listed_by_vhost(api, connect):
    api.put("/api/vhosts/lab")
    connect("lab").channel()
    connect().channel()
    for family in ("connections", "channels"):
        assert len(api.get(f"/api/{family}").json) == 2
        assert only(api, f"/api/vhosts/lab/{family}")["vhost"] == "lab"
        assert api.get(f"/api/vhosts/none/{family}").status == 404


def test_a_channel_shows_its_settings(api, connect):
    channel = connect().channel(7)
    channel.confirm_delivery()
    channel.basic_qos(prefetch_count=5)
    channel.basic_qos(prefetch_count=9, global_qos=True)
    shown = only(api, "/api/channels")
    connection = only(api, "/api/connections")
    assert shown["name"] == f"{connection['name']} (7)"
    assert (shown["number"], shown["user"], shown["vhost"]) == (7, "guest", "/")
    assert (shown["prefetch_count"], shown["global_prefetch_count"]) == (5, 9)
    assert (shown["confirm"], shown["transactional"]) == (True, False)
    assert shown["connection_details"] == {
        "name": connection["name"],
        "peer_host": connection["peer_host"],
        "peer_port": connection["peer_port"],
    }
    assert api.get(f"/api/connections/{part(connection['name'])}/channels").json == [shown]
    assert api.get(f"/api/channels/{part(shown['name'])}").json.items() >= shown.items()


def test_a_channel_counts_what_it_has_not_committed(api, connect):
    channel = connect().channel()
    channel.queue_declare("work")
    channel.tx_select()
    for _ in range(3):
        channel.basic_publish("", "work", b"")
    channel.tx_commit()
    tags = [channel.basic_get("work")[0].delivery_tag for _ in range(2)]
    channel.basic_ack(tags[0])
    channel.basic_publish("", "work", b"")
    channel.basic_qos()
    shown = only(api, "/api/channels")
    assert (shown["confirm"], shown["transactional"]) == (False, True)
    assert (shown["messages_uncommitted"], shown["acks_uncommitted"]) == (1, 1)
    assert shown["messages_unacknowledged"] == 1


def test_a_channel_counts_what_it_has(api, connect):
    channel = connect().channel()
    channel.queue_declare("work")
    for _ in range(3):
        channel.basic_publish("", "work", b"")
    channel.basic_qos(prefetch_count=2)
    channel.basic_consume("work", lambda *_: None)
    shown = only(api, "/api/channels")
    assert (shown["consumer_count"], shown["messages_unacknowledged"]) == (1, 2)
    assert only(api, "/api/queues")["consumers"] == 1


def test_a_closed_channel_is_gone(api, connect):
    connection = connect()
    connection.channel().close()
    assert api.get("/api/channels").json == []
    assert only(api, "/api/connections")["channels"] == 0


def test_what_is_not_open_is_404(api):
    for path in ("connections/none", "connections/none/channels", "channels/none"):
        assert api.get(f"/api/{path}").refusal == (404, "Object Not Found", "Not Found")


def test_a_consumer_shows_what_it_consumes_and_how(api, connect):
    channel = connect().channel()
    channel.queue_declare("work")
    channel.basic_qos(prefetch_count=4)
    channel.basic_consume("work", lambda *_: None, consumer_tag="tag", arguments={"x-priority": 1})
    consumer = only(api, "/api/consumers")
    assert consumer["queue"] == {"name": "work", "vhost": "/"}
    assert (consumer["consumer_tag"], consumer["ack_required"]) == ("tag", True)
    assert (consumer["prefetch_count"], consumer["exclusive"]) == (4, False)
    assert (consumer["active"], consumer["arguments"]) == (True, {"x-priority": 1})
    assert consumer["channel_details"]["name"] == only(api, "/api/channels")["name"]
    assert consumer["channel_details"]["user"] == "guest"
    assert only(api, "/api/consumers/%2F") == consumer
    assert api.get("/api/queues/%2F/work").json["consumer_details"] == [consumer]
    channel_place = f"/api/channels/{part(consumer['channel_details']['name'])}"
    assert api.get(channel_place).json["consumer_details"] == [consumer]


def test_consumers_are_those_of_the_vhost(api, connect):
    api.put("/api/vhosts/lab")
    channel = connect("lab").channel()
    channel.queue_declare("work")
    channel.basic_consume("work", lambda *_: None)
    assert len(api.get("/api/consumers/lab").json) == 1
    assert api.get("/api/consumers/%2F").json == []
    assert api.get("/api/consumers/none").status == 404


def test_the_overview_counts_what_there_is(api, connect):
    connection = connect()
    channel = connection.channel()
    connection.channel()
    channel.queue_declare("work")
    channel.basic_consume("work", lambda *_: None)
    assert api.get("/api/overview").json["object_totals"] == {
        "channels": 2,
        "connections": 1,
        "consumers": 1,
        "exchanges": 7,
        "queues": 1,
    }
