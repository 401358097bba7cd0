"""An answer that comes late changes when a channel is answered, and nothing else."""

from collections.abc import Iterable

from hypothesis import given, settings
from hypothesis import strategies as st
from pamqp.commands import Queue

from effort import effort
from leveret.amqp.channel import Channel
from leveret.broker.seams import Pending
from leveret.errors import PreconditionFailed
from leveret.wire.methods import Method, QueuePurge, QueuePurgeOk
from peer import PROTOCOL_HEADER, Silence
from property.amqp.conversations_corpus import HANDSHAKE, STEPS, on
from property.amqp.said import Said, listen
from property.sequences import stories
from unit.amqp.slow_server import SlowServer

# A frame that is none ends the connection, whatever is pending on its channel.
CHANNEL_1 = [step for step in STEPS if step[1:3] == b"\x00\x01" and step[0] in (1, 3)]
PURGE = on(1, Queue.Purge(queue="q"))[0]
STORY = stories(st.one_of(st.just(PURGE), st.sampled_from(CHANNEL_1)), 50)


class Purging(SlowServer):
    """Purges at once; answers late unless it is `prompt`, and refuses each fourth time."""

    def __init__(self, prompt: bool) -> None:
        super().__init__()
        self.prompt = prompt
        self.purges = 0
        self.late: list[tuple[Pending, Pending]] = []

    def purge(self, channel: Channel, method: Method) -> None:
        assert isinstance(method, QueuePurge)
        name = channel.named_queue(method.queue)
        outcome = channel.vhost.purge_queue(channel.actor, name)
        self.purges += 1
        if self.purges % 4 == 0:
            outcome = Pending()
            outcome.fail(PreconditionFailed("no"))
        answer = outcome
        if not self.prompt:
            answer = Pending()
            self.late.append((answer, outcome))

        def reply(count: object) -> None:
            assert isinstance(count, int)
            channel.send(QueuePurgeOk(message_count=count))

        channel.answer(answer, reply)

    def catch_up(self) -> bool:
        """Give the oldest answer that is owed."""
        if not self.late:
            return False
        answer, outcome = self.late.pop(0)
        outcome.then(answer.complete, answer.fail)
        return True


def converse(server: Purging, chunks: Iterable[bytes], pauses: set[int]) -> Said:
    wire = server.connect()
    output = b""
    for number, chunk in enumerate(chunks):
        wire.send(chunk)
        if number in pauses:
            server.catch_up()
        output += hear(wire.receive)
    while server.catch_up():
        output += hear(wire.receive)
    output += hear(wire.receive)
    session = wire._peer.session
    assert session.should_read()
    wire.close()
    assert not server.broker.sessions
    assert server.clock.pending() == 0
    return listen(output, session.should_close())


def hear(receive: object) -> bytes:
    assert callable(receive)
    try:
        data = receive(0)
    except Silence:
        return b""
    assert isinstance(data, bytes)
    return data


PAUSES = st.sets(st.integers(0, 60), max_size=30)


@settings(max_examples=effort(200), deadline=None)
@given(STORY, PAUSES)
def test_late_answers_are_the_same_answers(story: list[bytes], pauses: set[int]) -> None:
    chunks = [*HANDSHAKE, *on(1, Queue.Declare(queue="q")), *story]
    assert chunks[0] == PROTOCOL_HEADER
    assert converse(Purging(False), chunks, pauses) == converse(Purging(True), chunks, set())
