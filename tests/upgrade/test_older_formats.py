"""Data folders of every format there has been, saved by the program that wrote them, still open.

`format-1`: user `ada` with password `lovelace`, vhost `lab`, and what every folder has.
"""

import shutil
from pathlib import Path

import pika
import pytest
from pika.exceptions import ProbableAccessDeniedError

from leveret.access.permissions import Permissions
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
