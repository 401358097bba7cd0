"""/api/x: a running broker gets other limits, takes no connections for a while, shows its log."""

import pika
import pytest

from leveret.testing import EmbeddedBroker

from .client import Client

TOTAL_BYTES = 1_000_000_000_000


@pytest.fixture
def broker(tmp_path):
    """With a log file that somebody else writes, and a memory of which nothing is used."""
    log = tmp_path / "leveret.log"
    log.write_text("")
    with EmbeddedBroker(
        http_enabled=True,
        ephemeral=False,
        data_dir=str(tmp_path / "data"),
        log_file=str(log),
        memory_total_bytes=TOTAL_BYTES,
    ) as embedded:
        yield embedded


def alarms(api):
    return api.get("/api/x/status").json["alarms"]


def test_a_watermark_acts_at_once(api):
    assert api.put("/api/x/settings", {"memory_high_watermark_bytes": 1}).status == 204
    assert alarms(api) == ["memory"]
    status = api.get("/api/x/status").json
    assert status["memory_high_watermark"] == {"absolute": 1}
    changes = {"memory_high_watermark_bytes": 0, "memory_high_watermark_ratio": 0.5}
    assert api.put("/api/x/settings", changes).status == 204
    assert alarms(api) == []
    status = api.get("/api/x/status").json
    assert status["memory_high_watermark"] == {"relative": 0.5}
    assert status["memory_limit_bytes"] == TOTAL_BYTES // 2


def test_a_disk_limit_acts_at_once(api):
    assert api.put("/api/x/settings", {"disk_free_limit_bytes": 1 << 60}).status == 204
    assert alarms(api) == ["disk"]
    changes = {"disk_free_limit_bytes": 0, "disk_free_limit_ratio": 0.000001}
    assert api.put("/api/x/settings", changes).status == 204
    assert alarms(api) == []
    assert api.get("/api/x/status").json["disk_free_limit_bytes"] == TOTAL_BYTES // 1_000_000


def test_settings_read_again_are_those_of_the_sources(broker, api):
    before = api.get("/api/x/settings").json
    assert api.put("/api/x/settings", {"disk_free_limit_bytes": 7}).status == 204
    assert api.get("/api/x/settings").json == before | {"disk_free_limit_bytes": 7}
    assert api.post("/api/x/reload").json["applied"] == ["disk_free_limit_bytes"]
    assert api.get("/api/x/settings").json == before


def test_passwords_are_not_shown(api):
    settings = api.get("/api/x/settings").json
    assert settings["default_user"] == "guest"
    assert settings["default_pass"] not in ("guest", "")


UNUSABLE = (
    {"memory_high_watermark_ratio": 1.5},
    {"memory_high_watermark_ratio": -0.1},
    {"memory_high_watermark_bytes": -1},
    {"memory_high_watermark_bytes": 1 << 63},
    {"disk_free_limit_bytes": "much"},
    {"log_level": "loud"},
    {"log_level": "loud", "disk_free_limit_bytes": 7},
)


def test_what_cannot_be_used_is_400_and_changes_nothing(api):
    before = api.get("/api/x/settings").json
    for body in UNUSABLE:
        assert api.put("/api/x/settings", body).refusal[:2] == (400, "bad_request"), body
    assert api.get("/api/x/settings").json == before


def test_other_settings_are_left_alone(api):
    """A file that is written to is no business of somebody who is far away."""
    before = api.get("/api/x/settings").json
    assert api.put("/api/x/settings", {"log_file": "/tmp/x", "amqp_port": 1}).status == 204
    assert api.get("/api/x/settings").json == before


def test_suspended_listeners_take_nobody_and_let_be_who_is_there(api, connect):
    channel = connect().channel()
    for _ in range(2):
        assert api.post("/api/x/listeners/suspend").status == 204
    with pytest.raises(pika.exceptions.AMQPConnectionError):
        connect()
    channel.queue_declare("still here")
    for _ in range(2):
        assert api.post("/api/x/listeners/resume").status == 204
    assert connect().channel().queue_declare("still here", passive=True)


def test_listeners_whose_port_was_taken_are_not_resumed(broker, api, connect):
    assert api.post("/api/x/listeners/suspend").status == 204
    with EmbeddedBroker(amqp_port=broker.port):
        status, _, reason = api.post("/api/x/listeners/resume").refusal
        assert (status, reason.startswith("the ports cannot be opened again: ")) == (400, True)
    assert api.post("/api/x/listeners/resume").status == 204
    assert connect().is_open


def test_a_broker_whose_listeners_are_suspended_stops(tmp_path):
    with EmbeddedBroker(http_enabled=True) as broker:
        api = Client((broker.host, broker.server.http_port), "guest", "guest")
        assert api.post("/api/x/listeners/suspend").status == 204


def test_the_end_of_the_log_is_shown(api, tmp_path):
    log = tmp_path / "leveret.log"
    log.write_bytes(b"first\nsecond \xff\n")
    assert api.get("/api/x/log").json == {"file": str(log), "lines": ["first", "second \ufffd"]}
    log.write_text("".join(f"line {number}\n" for number in range(100_000)))
    lines = api.get("/api/x/log").json["lines"]
    assert lines[-1] == "line 99999"
    assert lines == [f"line {number}" for number in range(100_000 - len(lines), 100_000)]
    assert 20_000 < len(lines) < 30_000
    log.unlink()
    assert api.get("/api/x/log").status == 400
