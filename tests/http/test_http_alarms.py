"""Alarms over HTTP: what probes are told, and what a node and its connections show."""

import threading

import pika
import pytest

MEMORY_ALARM, DISK_ALARM = "memory", "disk space"


@pytest.mark.parametrize(
    ("check", "reason"),
    [
        ("alarms", "There are alarms in effect in the cluster"),
        ("local-alarms", "There are alarms in effect on the node"),
    ],
)
def test_a_probe_is_told_of_alarms(broker, api, check, reason):
    (node,) = api.names("/api/nodes")
    broker.raise_alarm("memory")
    reply = api.get(f"/api/health/checks/{check}")
    alarm = {"node": node, "resource": MEMORY_ALARM}
    assert reply.status == 503
    assert reply.json == {"status": "failed", "reason": reason, "alarms": [alarm]}
    broker.raise_alarm("disk")
    alarms = api.get(f"/api/health/checks/{check}").json["alarms"]
    assert [each["resource"] for each in alarms] == [DISK_ALARM, MEMORY_ALARM]
    for resource in ("memory", "disk"):
        broker.clear_alarm(resource)
    assert api.get(f"/api/health/checks/{check}").status == 200


def test_a_node_shows_its_alarms(broker, api):
    def alarms():
        (node,) = api.get("/api/nodes").json
        return node["mem_alarm"], node["disk_free_alarm"]

    assert alarms() == (False, False)
    broker.raise_alarm("memory")
    assert alarms() == (True, False)
    broker.raise_alarm("disk")
    broker.clear_alarm("memory")
    assert alarms() == (False, True)


@pytest.mark.leveret(memory_total_bytes=10**13, memory_high_watermark_ratio=0.4)
def test_a_node_shows_what_it_uses_and_may(api):
    (node,) = api.get("/api/nodes").json
    assert node["mem_limit"] == 4 * 10**12
    assert 10**6 < node["mem_used"] < node["mem_limit"]
    assert node["disk_free_limit"] == 50_000_000
    assert "disk_free" not in node


@pytest.mark.leveret(memory_high_watermark_bytes=1)
def test_a_broker_that_uses_too_much_from_the_start_says_so(api):
    (node,) = api.get("/api/nodes").json
    assert (node["mem_alarm"], node["mem_limit"]) == (True, 1)


def test_a_connection_is_blocking_until_it_publishes_and_blocked_then(broker, api, connect):
    def state():
        (connection,) = api.get("/api/connections").json
        return connection["state"]

    told = threading.Event()
    connection = connect()
    connection.add_on_connection_blocked_callback(lambda *_: told.set())
    channel = connection.channel()
    assert state() == "running"
    broker.raise_alarm("disk")
    assert state() == "blocking"
    channel.basic_publish("", "nowhere", b"x")
    while not told.is_set():
        connection.process_data_events(1)
    assert state() == "blocked"
    broker.clear_alarm("disk")
    assert state() == "running"


def test_a_connection_that_is_held_without_an_alarm_is_in_flow(broker, api, connect):
    channel = connect().channel()
    broker.look(lambda: broker.server.broker.alarms.hold("log"))
    assert api.get("/api/connections").json[0]["state"] == "running"
    channel.basic_publish("", "nowhere", b"x")
    while api.get("/api/connections").json[0]["state"] == "running":
        channel.connection.process_data_events(0)
    assert api.get("/api/connections").json[0]["state"] == "flow"
    broker.look(lambda: broker.server.broker.alarms.release("log"))


def test_an_operator_closes_a_blocked_connection(broker, api, connect):
    connection = connect()
    channel = connection.channel()
    broker.raise_alarm("memory")
    channel.basic_publish("", "nowhere", b"x")
    while (row := api.get("/api/connections").json[0])["state"] != "blocked":
        pass
    name = row["name"].replace(" ", "%20").replace(">", "%3E")
    assert api.delete(f"/api/connections/{name}").status == 204
    with pytest.raises(pika.exceptions.ConnectionClosedByBroker) as closed:
        connection.process_data_events(5)
    assert closed.value.reply_code == 320
    assert api.get("/api/connections").json == []
