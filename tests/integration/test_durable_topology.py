"""A broker stops, or is killed, and starts again with the same data folder."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import pika
import pytest
from pika.exceptions import ChannelClosedByBroker, ConnectionClosedByBroker

from leveret.broker.seams import Pending
from leveret.store.definitions import SqliteDefinitions
from leveret.testing import EmbeddedBroker


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


def started(data: Path, **settings: object) -> EmbeddedBroker:
    return EmbeddedBroker(ephemeral=False, data_dir=str(data), **settings)


def connected(broker: EmbeddedBroker, vhost: str = "/") -> pika.BlockingConnection:
    parameters = pika.ConnectionParameters(broker.host, broker.port, virtual_host=vhost)
    return pika.BlockingConnection(parameters)


def is_there(connection: pika.BlockingConnection, queue: str = "", exchange: str = "") -> bool:
    channel = connection.channel()
    try:
        if queue:
            channel.queue_declare(queue, passive=True)
        else:
            channel.exchange_declare(exchange, passive=True)
    except ChannelClosedByBroker as closed:
        return closed.reply_code != 404
    channel.close()
    return True


def topology(broker: EmbeddedBroker, vhost: str = "/") -> Any:
    """Every queue with its id and arguments, every exchange, and what leads where."""

    def look() -> object:
        there = broker.server.broker.vhosts[vhost]
        return (
            {name: (int(q.id), q.auto_delete, q.arguments) for name, q in there.queues.items()},
            {name: (x.type_name, x.arguments) for name, x in there.exchanges.items()},
            [
                (name, getattr(b.destination, "name", ""), b.routing_key, b.arguments)
                for name, exchange in there.exchanges.items()
                for b in there.bindings.leaving(exchange)
            ],
        )

    return broker.look(look)


def declare(connection: pika.BlockingConnection) -> None:
    channel = connection.channel()
    channel.exchange_declare("x", "topic", durable=True, arguments={"alternate-exchange": "y"})
    channel.exchange_declare("y", "fanout", durable=True, auto_delete=True)
    channel.exchange_declare("transient", "fanout")
    arguments = {"x-max-length": 10, "x-dead-letter-exchange": "x", "note": "žlutý"}
    channel.queue_declare("kept", durable=True, arguments=arguments)
    channel.queue_declare("auto", durable=True, auto_delete=True)
    channel.queue_declare("transient")
    channel.queue_declare("own", durable=True, exclusive=True)
    for queue in ("kept", "auto", "transient", "own"):
        channel.queue_bind(queue, "x", "a.#")
        channel.queue_bind(queue, "transient")
    channel.exchange_bind("y", "x", "*", {"some": {"nested": [1, True]}})
    channel.queue_bind("kept", "y")
    channel.queue_bind("kept", "amq.fanout")


def test_durable_things_are_there_after_a_restart_and_transient_ones_are_not(data: Path) -> None:
    with started(data) as broker, connected(broker) as connection:
        declare(connection)
        before = topology(broker)
    with started(data) as broker:
        queues, exchanges, bindings = topology(broker)
        assert queues == {name: before[0][name] for name in ("kept", "auto")}
        assert exchanges == {n: x for n, x in before[1].items() if n != "transient"}
        assert bindings == [b for b in before[2] if not {"transient", "own"} & {b[0], b[1]}]
        with connected(broker) as connection:
            for name in ("kept", "auto"):
                assert is_there(connection, queue=name)
            for name in ("transient", "own"):
                assert not is_there(connection, queue=name)
            assert not is_there(connection, exchange="transient")
            channel = connection.channel()
            channel.basic_publish("x", "a.b", b"through a binding that was kept")
            assert channel.basic_get("kept", auto_ack=True)[2]


def test_deleted_things_stay_deleted(data: Path) -> None:
    with started(data) as broker:
        with connected(broker) as connection:
            declare(connection)
            channel = connection.channel()
            channel.queue_unbind("kept", "amq.fanout")
            channel.queue_delete("auto")
            channel.queue_delete("kept")  # and with its last binding y
            channel.queue_declare("kept", durable=True)
        before = topology(broker)
        broker.add_vhost("lab")
        broker.set_permissions("guest", "lab", ".*", ".*", ".*")
        with connected(broker, "lab") as connection:
            declare(connection)
        broker.ask(lambda: broker.server.broker.delete_vhost("lab"))
        broker.add_vhost("lab")
        empty = topology(broker, "lab")
    with started(data) as broker:
        queues, exchanges, bindings = topology(broker)
        assert queues == {"kept": before[0]["kept"]}
        assert "y" not in exchanges
        assert bindings == []
        assert topology(broker, "lab") == empty


def test_what_was_answered_is_on_disk(data: Path, tmp_path: Path) -> None:
    """A copy of the files at any moment is what a loss of power leaves."""
    steps = [
        lambda channel: channel.exchange_declare("x", "fanout", durable=True),
        lambda channel: channel.queue_declare("q", durable=True),
        lambda channel: channel.queue_bind("q", "x"),
        lambda channel: channel.queue_unbind("q", "x"),
        lambda channel: channel.queue_bind("q", "amq.fanout"),
        lambda channel: channel.queue_delete("q"),
        lambda channel: channel.queue_declare("q", durable=True),
    ]
    left: list[tuple[Path, Any]] = []
    with started(data) as broker, connected(broker) as connection:
        channel = connection.channel()
        for number, step in enumerate(steps):
            step(channel)
            copy = tmp_path / f"copy-{number}"
            shutil.copytree(data, copy, ignore=shutil.ignore_patterns("*.sock"))
            left.append((copy, topology(broker)))
    for copy, expected in left:
        with started(copy) as broker:
            assert topology(broker) == expected


def test_definitions_that_are_imported_at_each_start_are_there_once(
    data: Path, tmp_path: Path
) -> None:
    file = tmp_path / "definitions.json"
    file.write_text(
        """{"users": [{"name": "guest", "tags": "administrator"}],
            "vhosts": [{"name": "/"}],
            "exchanges": [{"name": "x", "vhost": "/", "type": "fanout"}],
            "queues": [{"name": "q", "vhost": "/", "arguments": {"x-max-length": 3}}],
            "bindings": [{"source": "x", "vhost": "/", "destination": "q",
                          "destination_type": "queue"}]}"""
    )
    found = []
    for _ in range(2):
        with started(data, load_definitions=str(file)) as broker:
            found.append(topology(broker))
    assert found[0] == found[1]
    queues, exchanges, bindings = found[0]
    assert (list(queues), "x" in exchanges, len(bindings)) == (["q"], True, 1)


def declare_many(channel: Any) -> None:
    for number in range(1000):
        channel.queue_declare(f"{number:0200}", durable=True)


def test_a_full_disk_refuses_a_declare_with_541(data: Path) -> None:
    with started(data) as broker:
        database = broker.server._definitions._database
        pages = database.execute("PRAGMA page_count").fetchone()[0]
        with connected(broker) as connection:
            connection.channel().queue_declare("first", durable=True)
            database.execute(f"PRAGMA max_page_count = {pages}")
            with pytest.raises(ConnectionClosedByBroker, match=r"could not be written: .* full"):
                declare_many(connection.channel())
        database.execute("PRAGMA max_page_count = 1000000")
        before = topology(broker)
        with connected(broker) as connection:
            connection.channel().queue_declare("last", durable=True)
            after = topology(broker)
    assert set(after[0]) == set(before[0]) | {"last"}
    with started(data) as broker:
        assert topology(broker) == after


class CopiedDefinitions(SqliteDefinitions):
    """Before each change the data folder is copied, as a kill at that moment would leave it."""

    copies: ClassVar[list[Path]] = []

    def __init__(self, path: str, on_loop: Callable[[Callable[[], None]], object]) -> None:
        super().__init__(path, on_loop)
        self._data = Path(path).parent

    def put(self, kind: str, key: str, value: object) -> Pending:
        self._copy_folder()
        return super().put(kind, key, value)

    def delete(self, kind: str, key: str) -> Pending:
        self._copy_folder()
        return super().delete(kind, key)

    def _copy_folder(self) -> None:
        copy = self._data.with_name(f"{self._data.name} before change {len(self.copies)}")
        self.copies.append(shutil.copytree(self._data, copy))


def test_a_first_start_that_was_killed_at_any_change_begins_again(data, monkeypatch):
    limits = [{"name": "all", "pattern": ".*", "max_queues": 1}]
    with monkeypatch.context() as patched:
        patched.setattr(CopiedDefinitions, "copies", copies := [])
        patched.setattr("leveret.app.SqliteDefinitions", CopiedDefinitions)
        started(data, default_vhost_limits=limits).__enter__().stop()
    assert len(copies) >= 4
    for copy in [*copies, data]:
        with started(copy, default_vhost_limits=limits) as broker, connected(broker) as connection:
            assert is_there(connection, exchange="amq.topic")
            assert broker.server.broker.vhosts["/"].limits == {"max-queues": 1}
