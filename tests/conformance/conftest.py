"""With whom the recorded conversations are held again: a server in memory, or, where
`LEVERET_TEST_SERVER` names one, the RabbitMQ that should say it all again."""

import os
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from pamqp.commands import Channel, Exchange, Queue

from conformance.conversation import Step
from conversations.outside import ALARMS, TcpServer
from peer import Peer, unchecked

ADDRESS = os.environ.get("LEVERET_TEST_SERVER", "")
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
def clean(server: Any) -> Iterator[Callable[[list[Step]], None]]:
    """Told of the steps, it deletes afterwards what they declared on a server that stays."""
    held: list[Step] = []
    yield held.extend
    if not ADDRESS:
        return
    for resource in ALARMS:
        server.clear_alarm(resource)
    frames = [each for step in held if step[0] == "send" for each in step[2:]]
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
