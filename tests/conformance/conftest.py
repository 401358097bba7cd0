"""With whom the recorded conversations are held again: a server in memory, or, where
`LEVERET_TEST_SERVER` names one, the RabbitMQ that should say it all again."""

import os
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from pamqp.commands import Channel, Exchange, Queue

from conformance.conversation import Step
from conformance.replaying import Deviation, Replay
from conversations.outside import ALARMS, TcpServer
from peer import Peer, unchecked

ADDRESS = os.environ.get("LEVERET_TEST_SERVER", "")
ATTEMPTS = 3 if ADDRESS else 1
NAMED = {"Queue.Declare": "queue", "Exchange.Declare": "exchange"}


@pytest.fixture(scope="session")
def outside() -> Iterator[TcpServer]:
    server = TcpServer(ADDRESS)
    yield server
    server.forget()


@pytest.fixture
def server(request: pytest.FixtureRequest) -> Any:
    if ADDRESS:
        return request.getfixturevalue("outside")
    from conversations.memory import memory_server

    return memory_server()


@pytest.fixture
def replay(server: Any) -> Callable[[list[Step]], None]:
    """Holds a conversation; on a server that stays nothing is left of it. There it may take three
    attempts: what one connection did is seen by another a moment later, and RabbitMQ's moments
    differ."""

    def hold(steps: list[Step]) -> None:
        for attempts_left in reversed(range(ATTEMPTS)):
            try:
                Replay(server).run(steps)
                return
            except Deviation:
                if not attempts_left:
                    raise
            finally:
                if ADDRESS:
                    tidy_up(server, steps)

    return hold


def tidy_up(server: TcpServer, steps: list[Step]) -> None:
    """Delete what these steps declared, and end what they raised."""
    for resource in ALARMS:
        server.clear_alarm(resource)
    frames = [each for step in steps if step[0] == "send" for each in step[2:]]
    names = {each[2].get(NAMED[each[0]], "") for each in frames if each[0] in NAMED}
    names = {re.sub("[\r\n]", "", name) for name in names if len(name.encode()) < 256}
    janitor = Peer(server.connect()).handshake(server.user, server.password).open_channels()
    for name in sorted(name for name in names if name and not name.startswith("amq.")):
        for delete in (
            unchecked(Queue.Delete, queue=name),
            unchecked(Exchange.Delete, exchange=name),
        ):
            janitor.send_method(1, delete)
            if isinstance(janitor.next(1).method, Channel.Close):
                janitor.send_method(1, Channel.CloseOk())
                janitor.open_channels()
    janitor.close()
