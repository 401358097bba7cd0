"""The management socket: whoever may open the file is an administrator called `local`."""

import os
import socket
import stat

import pytest

from leveret.testing import EmbeddedBroker

from .client import Client


@pytest.fixture
def data(tmp_path):
    return tmp_path / "data"


@pytest.fixture
def kept(data):
    """A broker with a data folder, and no HTTP over TCP."""
    with EmbeddedBroker(ephemeral=False, data_dir=str(data)) as broker:
        yield broker


@pytest.fixture
def local(kept, data):
    return Client(data / "management.sock")


@pytest.mark.usefixtures("kept")
def test_the_socket_is_for_its_owner_only(data):
    mode = (data / "management.sock").stat().st_mode
    assert stat.S_ISSOCK(mode)
    assert stat.S_IMODE(mode) == 0o600
    assert stat.S_IMODE(data.stat().st_mode) == 0o700


def test_nobody_is_asked_for_a_password(local):
    assert local.get("/api/whoami").json == {"name": "local", "tags": ["administrator"]}
    assert Client(local.address, "guest", "wrong").get("/api/whoami").json["name"] == "local"


def test_who_is_called_local_gains_nothing_by_it(kept, local):
    kept.add_user("local", "password")
    assert local.post("/api/definitions", {"vhosts": [{"name": "secret"}]}).status == 204
    assert local.get("/api/vhosts/secret/permissions").json == []


def test_local_needs_no_permissions(local):
    assert local.put("/api/vhosts/lab").status == 201
    assert local.get("/api/vhosts/lab/permissions").json == []
    assert local.put("/api/queues/lab/work").status == 201
    assert local.put("/api/exchanges/lab/logs").status == 201
    assert local.post("/api/bindings/lab/e/logs/q/work").status == 201
    assert local.delete("/api/queues/lab/work/contents").status == 204
    assert local.delete("/api/queues/lab/work").status == 204


def test_a_user_called_local_is_another(kept, local):
    """Making a vhost gives its maker permissions there; local is not the user of that name."""
    kept.add_user("local", "password", "management")
    assert local.put("/api/vhosts/lab").status == 201
    assert local.get("/api/users/local/permissions").json == []


def test_over_tcp_a_user_called_local_is_a_user(data):
    with EmbeddedBroker(ephemeral=False, data_dir=str(data), http_enabled=True) as broker:
        broker.add_user("local", "password", "management")
        over_tcp = Client((broker.host, broker.server.http_port), "local", "password")
        assert over_tcp.get("/api/whoami").json == {"name": "local", "tags": ["management"]}
        assert over_tcp.get("/api/users").status == 401
        assert Client(over_tcp.address).get("/api/whoami").status == 401


def test_an_exclusive_queue_stays_its_connections_own(kept, local):
    import pika

    with pika.BlockingConnection(pika.URLParameters(kept.url)) as connection:
        connection.channel().queue_declare("own", exclusive=True)
        assert local.delete("/api/queues/%2F/own").refusal[0] == 400


def test_a_socket_left_by_a_killed_broker_is_replaced(data):
    with EmbeddedBroker(ephemeral=False, data_dir=str(data)):
        pass
    (data / "version").write_text("1\n")
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(data / "management.sock"))
    with EmbeddedBroker(ephemeral=False, data_dir=str(data)):
        assert Client(data / "management.sock").get("/api/x/ping").status == 200


def test_a_stopped_broker_leaves_no_socket(data):
    with EmbeddedBroker(ephemeral=False, data_dir=str(data)):
        assert (data / "management.sock").exists()
    assert not (data / "management.sock").exists()


def test_a_file_in_the_sockets_place_is_not_touched(data, caplog):
    with EmbeddedBroker(ephemeral=False, data_dir=str(data)):
        pass
    (data / "version").write_text("1\n")
    (data / "management.sock").write_text("mine")
    with EmbeddedBroker(ephemeral=False, data_dir=str(data)) as broker:
        assert broker.port
    assert (data / "management.sock").read_text() == "mine"
    assert "no management socket" in caplog.text


def test_a_folder_whose_path_is_too_long_for_a_socket_serves_without_one(tmp_path, caplog):
    data = tmp_path / ("deep" * 20) / ("deeper" * 10)
    with EmbeddedBroker(ephemeral=False, data_dir=str(data)) as broker:
        assert broker.port
    assert "leveret ctl needs --url" in caplog.text


@pytest.mark.leveret(ephemeral=True)
def test_without_a_data_folder_there_is_no_socket(broker, api):
    assert api.get("/api/x/status").json["data_folder"] is None
    assert os.path.exists(str(broker.config.data_path() / "management.sock")) is False
