"""Data folders of every format there has been, saved by the program that wrote them, still open.

`format-1`: user `ada` with password `lovelace`, vhost `lab`, and what every folder has.

`format-2`: the same, and in `lab` the queues `ada-first` and `ada-second`, bound to the fanout
exchange `ada-news`. Of the four messages published there the first has been taken from `ada-second`
and delivered from `ada-first`. Stopped cleanly; the zeros at the end of the log are cut off.

`format-3`: the same, with the queue `ada-fading` beside the two, in which messages may wait for a
minute.

`format-4`: `format-3` after another life, in which it was late for `ada-fading`. `ada-blind` has a
message whose BCC leads its dead letter to `ada-letters`, and the quorum queue `ada-returned` one
that has come back twice.

`format-5`: `format-4` after two more lives. In each a message was told to wait in the exchange
`ada-later` for `ada-reminders`, and is late by now. The first life was that of a program that still
wrote format 4, which does not say in the log when it is due.
"""

import shutil
from pathlib import Path

import pika
import pytest
from pika.exceptions import ProbableAccessDeniedError

from leveret.access.permissions import Permissions
from leveret.store.check import StoredData, check_folder
from leveret.store.data_folder import FORMAT_VERSION
from leveret.store.disk import SystemDisk
from leveret.store.dump import records
from leveret.testing import EmbeddedBroker

HERE = Path(__file__).parent
FORMATS = sorted(path.name for path in HERE.iterdir() if path.name.startswith("format-"))


@pytest.fixture(params=FORMATS)
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A copy: opening one may bring it up to date."""
    copy = tmp_path / "data"
    shutil.copytree(HERE / request.param, copy)
    return copy


def log_in(broker: EmbeddedBroker, user: str, vhost: str) -> pika.BlockingConnection:
    credentials = pika.PlainCredentials(user, "lovelace")
    return pika.BlockingConnection(
        pika.ConnectionParameters(
            broker.host, broker.port, virtual_host=vhost, credentials=credentials
        )
    )


def test_users_of_an_older_format_log_in_and_work(folder: Path) -> None:
    for _ in range(2):
        with EmbeddedBroker(ephemeral=False, data_dir=str(folder)) as broker:
            with log_in(broker, "ada", "lab") as connection:
                channel = connection.channel()
                channel.queue_declare("ada-tasks", durable=True)
            with pytest.raises(ProbableAccessDeniedError):
                log_in(broker, "ada", "/")


def test_what_an_older_format_holds_is_all_there(folder: Path) -> None:
    with EmbeddedBroker(ephemeral=False, data_dir=str(folder)) as broker:
        vhosts, users = broker.server.broker.vhosts, broker.server.users
        assert set(vhosts) == {"/", "lab"}
        assert (vhosts["lab"].description, vhosts["lab"].tags) == ("Žlutá laboratoř", ["course"])
        assert {name: user.tags for name, user in users.users.items()} == {
            "ada": ("monitoring",),
            "guest": ("administrator",),
        }
        permitted = users.permissions["ada", "lab"]
        assert isinstance(permitted, Permissions)
        assert permitted.patterns == {"configure": "^ada-.*", "write": ".*", "read": ".*"}


def test_older_folders_are_stamped_anew_and_refused_by_older_versions_from_then_on(
    folder: Path,
) -> None:
    with EmbeddedBroker(ephemeral=False, data_dir=str(folder)):
        assert (folder / "version").read_text() == f"{FORMAT_VERSION}\n"


@pytest.mark.parametrize("name", ["format-2", "format-3", "format-4", "format-5"])
def test_the_messages_are_all_there(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "data"
    shutil.copytree(HERE / name, folder)
    with (
        EmbeddedBroker(ephemeral=False, data_dir=str(folder)) as broker,
        log_in(broker, "ada", "lab") as connection,
    ):
        channel = connection.channel()
        for queue, first in (("ada-first", 0), ("ada-second", 1)):
            for number in range(first, 4):
                method, properties, body = channel.basic_get(queue, auto_ack=True)
                assert body.decode() == f"zpráva {number}"
                assert method.redelivered is (number == 0)
                assert (method.exchange, method.routing_key) == ("ada-news", f"key {number}")
                assert (properties.message_id, properties.headers) == (str(number), {"n": number})
            assert channel.basic_get(queue) == (None, None, None)
        channel.basic_publish("ada-news", "", b"new")
        assert channel.basic_get("ada-second", auto_ack=True)[2] == b"new", "the bindings too"


def test_the_messages_of_format_3_have_the_times_at_which_they_came(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    shutil.copytree(HERE / "format-3", folder)
    with (
        EmbeddedBroker(ephemeral=False, data_dir=str(folder)) as broker,
        log_in(broker, "ada", "lab") as connection,
    ):
        assert connection.channel().basic_get("ada-fading") == (None, None, None)


def test_the_messages_of_format_4_know_their_bcc_and_how_often_they_came_back(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "data"
    shutil.copytree(HERE / "format-4", folder)
    with (
        EmbeddedBroker(ephemeral=False, data_dir=str(folder)) as broker,
        log_in(broker, "ada", "lab") as connection,
    ):
        channel = connection.channel()
        method, properties, _ = channel.basic_get("ada-returned")
        assert (method.redelivered, properties.headers) == (True, {"x-delivery-count": 2})
        method, _, _ = channel.basic_get("ada-blind")
        channel.basic_reject(method.delivery_tag, requeue=False)
        assert channel.basic_get("ada-letters", auto_ack=True)[2] == b"copied"


def test_delayed_messages_come_whether_the_log_says_when_they_are_due_or_not(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "data"
    shutil.copytree(HERE / "format-5", folder)
    lines = records(StoredData(SystemDisk(folder, read_only=True), {}))
    dues = {line["publish"]: line.get("due_ms") for line in lines if "publish" in line}
    assert (dues[7], dues[8]) == (None, 1_700_000_060_101)
    with (
        EmbeddedBroker(ephemeral=False, data_dir=str(folder)) as broker,
        log_in(broker, "ada", "lab") as connection,
    ):
        bodies = []
        for _, _, body in connection.channel().consume("ada-reminders", inactivity_timeout=20):
            bodies.append(body)
            if body is None or len(bodies) == 2:
                break
    assert set(bodies) == {b"of format 4", b"of format 5"}


@pytest.mark.parametrize(
    ("version", "others"),
    [
        (2, []),
        (3, [("ada-fading", 4, 0)]),
        (4, [("ada-blind", 1, 0), ("ada-returned", 1, 1)]),
        (5, [("ada-blind", 1, 0), ("ada-returned", 1, 1), ("ada-later", 2, 0)]),
    ],
    ids=["format-2", "format-3", "format-4", "format-5"],
)
def test_the_message_log_is_found_sound(
    tmp_path: Path, version: int, others: list[tuple[str, int, int]]
) -> None:
    folder = tmp_path / "data"
    shutil.copytree(HERE / f"format-{version}", folder)
    found = check_folder(folder, version)
    assert (found.problems, found.notes, found.clean_stop) == ([], [], True)
    expected = [*others, ("ada-first", 4, 1), ("ada-second", 3, 0)]
    messages = [(queue.name, queue.messages, queue.marked) for queue in found.queues]
    assert sorted(messages) == sorted(expected)


def test_nothing_is_written_behind_a_log_of_format_2(tmp_path: Path) -> None:
    """Each segment is of one format."""
    folder = tmp_path / "data"
    shutil.copytree(HERE / "format-2", folder)
    older = folder / "log/0000000000000001.segment"
    before = older.read_bytes()
    with (
        EmbeddedBroker(ephemeral=False, data_dir=str(folder)) as broker,
        log_in(broker, "ada", "lab") as connection,
    ):
        channel = connection.channel()
        channel.confirm_delivery()
        channel.basic_publish("ada-news", "", b"new", pika.BasicProperties(delivery_mode=2))
    after = older.read_bytes()
    assert after[: len(before)] == before
    assert 0 < len(after[len(before) :].rstrip(b"\0")) <= 64, "more than a seal"
    found = check_folder(folder, FORMAT_VERSION)
    assert (found.problems, [queue.messages for queue in found.queues]) == ([], [5, 4])
