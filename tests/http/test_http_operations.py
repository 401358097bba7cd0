"""/api/x: status, ping, authenticate, stop; and the page at /."""

import os

import pika
import pytest


def test_the_status_tells_what_there_is_to_tell(broker, api, connect):
    connect().channel().queue_declare("work")
    status = api.get("/api/x/status").json
    assert (status["pid"], status["data_folder"]) == (os.getpid(), None)
    assert status["version"]
    assert status["build"] in ("compiled", "pure Python")
    assert status["memory_bytes"] > 1 << 20
    assert 0 <= status["uptime_seconds"] < 60
    assert status["listeners"] == [
        {"protocol": "amqp", "host": "127.0.0.1", "port": broker.port},
        {"protocol": "http", "host": "127.0.0.1", "port": broker.server.http_port},
    ]
    assert status["counts"] == {
        "vhosts": 1,
        "users": 1,
        "connections": 1,
        "channels": 1,
        "exchanges": 7,
        "queues": 1,
        "consumers": 0,
        "messages": 0,
        "messages_ready": 0,
        "messages_unacknowledged": 0,
    }


def test_a_ping_is_answered(api):
    assert api.get("/api/x/ping").json == {"status": "ok"}


@pytest.mark.parametrize(
    ("user", "password", "authenticated"),
    [("guest", "guest", True), ("guest", "", False), ("guest", "no", False), ("no", "no", False)],
)
def test_a_password_can_be_tried(api, user, password, authenticated):
    body = {"user": user, "password": password}
    assert api.post("/api/x/authenticate", body).json == {"authenticated": authenticated}


def test_a_request_to_stop_is_answered_and_obeyed(broker, api, connect):
    connection = connect()
    assert api.post("/api/x/stop").status == 202
    with pytest.raises(pika.exceptions.ConnectionClosedByBroker) as closed:
        connection.sleep(10)
    assert closed.value.reply_code == 320
    broker.stop()


def test_versions_are_rabbitmqs_for_programs_and_leverets_for_people(api):
    overview = api.get("/api/overview").json
    assert overview["rabbitmq_version"] == overview["management_version"] == "3.13.7"
    assert overview["product_name"] == "Leveret"


@pytest.mark.leveret(identity="leveret", compat="4.2")
def test_who_wants_no_disguise_has_none(api):
    overview = api.get("/api/overview").json
    assert overview["rabbitmq_version"] == overview["product_version"]


def test_the_page_at_the_root_needs_no_password(broker, as_user):
    page = as_user(None).get("/")
    assert page.headers["content-type"].startswith("text/html")
    assert f"port {broker.port}" in page.content.decode()
