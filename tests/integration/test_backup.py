"""`leveret backup`: a copy taken while clients publish and consume, and restored."""

import os
import stat
import threading
from pathlib import Path

import pika
import pytest
from click.testing import CliRunner, Result

from leveret.cli import main
from leveret.testing import EmbeddedBroker

PERSISTENT = pika.BasicProperties(delivery_mode=2)


def back_up(*arguments: str | Path) -> Result:
    result = CliRunner().invoke(main, ["backup", *map(str, arguments)])
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result


def kept(data: Path, **settings: object) -> EmbeddedBroker:
    return EmbeddedBroker(ephemeral=False, data_dir=str(data), **settings)


class Traffic:
    """Publishes with confirms, and consumes every other message, until it is stopped."""

    def __init__(self, url: str) -> None:
        self.confirmed: list[bytes] = []
        self.acknowledged: set[bytes] = set()
        self.failure: BaseException | None = None
        self._url = url
        self._moved = threading.Event()
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def wait_for_more(self) -> None:
        self._moved.clear()
        assert self._moved.wait(20)
        assert self.failure is None

    def stop(self) -> None:
        self._ending.set()
        self._thread.join()
        assert self.failure is None

    def _run(self) -> None:
        try:
            with pika.BlockingConnection(pika.URLParameters(self._url)) as connection:
                channel = connection.channel()
                channel.queue_declare("kept", durable=True)
                channel.queue_declare("taken", durable=True)
                channel.queue_bind("kept", "amq.fanout")
                channel.queue_bind("taken", "amq.fanout")
                channel.confirm_delivery()
                number = 0
                while not self._ending.is_set():
                    body = b"%d " % number * 400
                    channel.basic_publish("amq.fanout", "", body, PERSISTENT)
                    self.confirmed.append(body)
                    if number % 2:
                        method, _, taken = channel.basic_get("taken")
                        channel.basic_ack(method.delivery_tag)
                        self.acknowledged.add(taken)
                    number += 1
                    if number % 50 == 0:
                        self._moved.set()
        except BaseException as error:
            self.failure = error
            self._moved.set()


def drained(broker: EmbeddedBroker, queue: str) -> list[bytes]:
    bodies: list[bytes] = []
    with pika.BlockingConnection(pika.URLParameters(broker.url)) as connection:
        channel = connection.channel()
        while True:
            method, _, body = channel.basic_get(queue, auto_ack=True)
            if method is None:
                return bodies
            assert method.redelivered, "nobody knows what was delivered before"
            bodies.append(body)


def test_what_was_confirmed_before_a_backup_is_in_it(tmp_path: Path) -> None:
    data, copies = tmp_path / "data", [tmp_path / f"copy {number}" for number in range(3)]
    before: list[list[bytes]] = []
    with kept(data) as broker:
        traffic = Traffic(broker.url)
        try:
            for copy in copies:
                traffic.wait_for_more()
                before.append(list(traffic.confirmed))
                result = back_up(copy, "--data", data)
                assert result.exit_code == 0, result.output
        finally:
            traffic.stop()
    for copy, confirmed in zip(copies, before, strict=True):
        checked = CliRunner().invoke(main, ["store", "check", str(copy)])
        assert checked.exit_code == 0, checked.output
        with kept(copy) as broker:
            everything = drained(broker, "kept")
            assert everything[: len(confirmed)] == confirmed
            assert everything == traffic.confirmed[: len(everything)]
            taken = drained(broker, "taken")
            assert set(confirmed) - traffic.acknowledged <= set(taken)
            assert taken == everything[-len(taken) :], "acknowledged in order"
        with kept(copy) as broker:
            assert drained(broker, "kept") == []


def test_users_and_queues_come_back_too(tmp_path: Path) -> None:
    with kept(tmp_path / "data") as broker:
        broker.add_user("ada", "lovelace", "monitoring")
        with pika.BlockingConnection(pika.URLParameters(broker.url)) as connection:
            connection.channel().queue_declare("tasks", durable=True)
        assert back_up(tmp_path / "copy", "--data", tmp_path / "data").exit_code == 0
    with kept(tmp_path / "copy") as broker:
        assert "ada" in broker.server.users.users
        assert set(broker.server.broker.vhosts["/"].queues) == {"tasks"}


@pytest.mark.skipif(os.name == "nt", reason="modes of POSIX")
def test_a_copy_is_for_its_owner_only(tmp_path: Path) -> None:
    copy = tmp_path / "some" / "where"
    with kept(tmp_path / "data"):
        assert back_up(copy, "--data", tmp_path / "data").exit_code == 0
    assert stat.S_IMODE(copy.stat().st_mode) == 0o700
    for path in copy.rglob("*"):
        wanted = 0o700 if path.is_dir() else 0o600
        assert stat.S_IMODE(path.stat().st_mode) == wanted, path


def test_a_folder_with_something_in_it_is_refused_and_left_alone(tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    copy.mkdir()
    (copy / "mine").write_text("mine")
    with kept(tmp_path / "data"):
        result = back_up(copy, "--data", tmp_path / "data")
    assert result.exit_code == 1
    assert "is not empty: name a folder that is new or empty" in result.stderr
    assert [path.name for path in copy.iterdir()] == ["mine"]


def test_a_copy_inside_the_data_folder_is_refused(tmp_path: Path) -> None:
    with kept(tmp_path / "data"):
        result = back_up(tmp_path / "data" / "copy", "--data", tmp_path / "data")
    assert "inside the data folder itself" in result.stderr
    assert not (tmp_path / "data" / "copy").exists()


def test_a_place_where_no_folder_can_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with kept(tmp_path / "data"):
        result = back_up(tmp_path / "file" / "copy", "--data", tmp_path / "data")
    assert "cannot be made or used (Not a directory): name another folder" in result.stderr


def test_a_folder_that_cannot_have_that_name_is_refused_and_nothing_stays_pinned(
    tmp_path: Path,
) -> None:
    with kept(tmp_path / "data") as broker:
        traffic = Traffic(broker.url)
        traffic.wait_for_more()
        traffic.stop()
        assert back_up(f"{tmp_path}/a\0b", "--data", tmp_path / "data").exit_code != 0
        store = broker.server.broker.store
        pinned = broker.look(lambda: [each.readers for each, _ in store.log.on_disk()])
        assert pinned
        assert not any(pinned)


def test_without_a_broker_there_is_a_sentence(tmp_path: Path) -> None:
    result = back_up(tmp_path / "copy", "--data", tmp_path)
    assert result.exit_code == 1
    assert "no broker answers on" in result.stderr


def test_over_http_it_is_for_administrators(tmp_path: Path) -> None:
    with kept(tmp_path / "data", http_enabled=True) as broker:
        broker.add_user("ada", "lovelace", "monitoring")
        port = broker.server.http_port
        refused = back_up(tmp_path / "copy", "--url", f"http://ada:lovelace@127.0.0.1:{port}")
        assert "does not allow this (Not administrator user)" in refused.stderr
        url = f"http://guest:guest@127.0.0.1:{port}"
        assert "no path from the root" in back_up("copy", "--url", url).stderr
        assert back_up(tmp_path / "copy", "--url", url).exit_code == 0


def test_a_broker_without_a_data_folder_has_nothing_to_copy(tmp_path: Path) -> None:
    with EmbeddedBroker(http_enabled=True) as broker:
        url = f"http://guest:guest@127.0.0.1:{broker.server.http_port}"
        assert "keeps nothing on disk" in back_up(tmp_path / "copy", "--url", url).stderr


def test_half_a_copy_is_no_data_folder(tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    with kept(tmp_path / "data"):
        assert back_up(copy, "--data", tmp_path / "data").exit_code == 0
    (copy / "version").unlink()
    with pytest.raises(Exception, match="holds other things and no data of leveret's"):
        kept(copy).start()
