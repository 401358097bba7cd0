"""Whatever a peer sends, cut however: nothing is raised, nothing depends on the cutting, and when
it is gone nothing of it is left."""

import logging
from collections.abc import Iterable, Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pamqp.commands import Confirm, Queue

from effort import effort
from leveret.testing import MemoryServer
from peer import PROTOCOL_HEADER, frame
from property.amqp.conversations_corpus import CORPUS, HANDSHAKE, STEPS, on
from property.amqp.said import Said, listen
from property.sequences import stories


class Failures(logging.Handler):
    """What went wrong inside: it is answered with 541, but never expected."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.found: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        if record.exc_info:
            self.found.append(record)


def converse(chunks: Iterable[bytes]) -> Said:
    """Say this to a new server, hang up, and look for what is left."""
    failures = Failures()
    logger = logging.getLogger("leveret")
    logger.addHandler(failures)
    logger.propagate = False
    try:
        server = MemoryServer()
        peer = server.connect()
        output = b""
        for chunk in chunks:
            peer.send(chunk)
            output += peer.receive()
        said = listen(output, peer.closed())
        peer.close()
        assert peer.receive() == b""
        assert failures.found == []
        assert_nothing_is_left(server)
        return said
    finally:
        logger.propagate = True
        logger.removeHandler(failures)


def assert_nothing_is_left(server: MemoryServer) -> None:
    assert not server.broker.sessions
    assert not server.broker.unconfirmed
    assert server.clock.pending() == 0
    for queue in server.broker.vhosts["/"].queues.values():
        assert queue.exclusive_owner is None
        assert not (queue.auto_delete and queue.had_consumer)
        assert queue.consumers == []
        assert queue.unacked_count == 0


def cut(data: bytes, places: Iterable[int]) -> Iterator[bytes]:
    start = 0
    for place in sorted({place % (len(data) + 1) for place in places}):
        yield data[start:place]
        start = place
    yield data[start:]


def bytewise(data: bytes) -> Iterator[bytes]:
    return (data[at : at + 1] for at in range(len(data)))


@pytest.mark.parametrize("name", CORPUS)
def test_a_conversation_is_the_same_octet_by_octet(name: str) -> None:
    data = b"".join(HANDSHAKE + CORPUS[name])
    whole = converse([data])
    assert whole.frames[0][7:11] == b"\x00\x0a\x00\x0a"
    assert len(whole.frames) > 3
    assert converse(bytewise(data)) == whole
    assert converse(HANDSHAKE + CORPUS[name]) == whole


@pytest.mark.parametrize("name", CORPUS)
def test_a_conversation_may_break_off_anywhere(name: str) -> None:
    data = b"".join(HANDSHAKE + CORPUS[name])
    step = max(1, len(data) // 60)
    for end in range(0, len(data), step):
        converse([data[:end]])


PLACES = st.lists(st.integers(0, 1 << 16), max_size=12)

# Where a conversation may stand when nonsense begins.
BEGINNINGS = [
    b"",
    PROTOCOL_HEADER[:5],
    *(b"".join(HANDSHAKE[:count]) for count in range(1, len(HANDSHAKE) + 1)),
    b"".join(HANDSHAKE + CORPUS["work queue"][:4]),
    b"".join(HANDSHAKE + CORPUS["confirms and returns"][:7]),
]
ANY_FRAME = st.builds(
    frame,
    st.sampled_from([1, 1, 2, 3, 8, 0, 255]),
    st.sampled_from([0, 1, 2, 65535]),
    st.binary(max_size=40),
    st.sampled_from([0xCE, 0xCE, 0xCE, 0]),
)
NONSENSE = st.one_of(
    st.binary(max_size=60),
    ANY_FRAME,
    st.sampled_from(STEPS),
    st.just(b"AMQP\x00\x00\x09\x01"),
    st.binary(min_size=4, max_size=30).map(lambda payload: frame(1, 1, b"\x00\x3c\x00" + payload)),
    st.binary(min_size=12, max_size=30).map(lambda p: frame(2, 1, b"\x00\x3c\x00\x00" + p)),
)


@settings(max_examples=effort(300), deadline=None)
@given(st.sampled_from(BEGINNINGS), st.lists(NONSENSE, max_size=8), PLACES)
def test_nonsense_in_any_state_is_answered_the_same_in_any_pieces(
    beginning: bytes, nonsense: list[bytes], places: list[int]
) -> None:
    data = beginning + b"".join(nonsense)
    whole = converse([data])
    assert converse(cut(data, places)) == whole
    assert converse(bytewise(data)) == whole


PROLOGUES = [on(1, Queue.Declare(queue="q")), on(1, Queue.Declare(queue="q"), Confirm.Select())]


@settings(max_examples=effort(250), deadline=None)
@given(st.sampled_from(PROLOGUES), stories(st.sampled_from(STEPS), 60), PLACES)
def test_a_story_of_legal_frames_is_the_same_in_any_pieces(
    prologue: list[bytes], story: list[bytes], places: list[int]
) -> None:
    data = b"".join(HANDSHAKE + prologue + story)
    assert converse(cut(data, places)) == converse([data])


DAMAGE = st.tuples(
    st.sampled_from(["flip", "cut", "double", "drop", "swap"]),
    st.integers(0, 1 << 16),
    st.integers(0, 255),
)


def damaged(frames: list[bytes], damage: list[tuple[str, int, int]]) -> list[bytes]:
    frames = list(frames)
    for kind, place, octet in damage:
        if not frames:
            break
        at = place % len(frames)
        inside = place % len(frames[at]) if frames[at] else 0
        if kind == "flip":
            frames[at] = frames[at][:inside] + bytes([octet]) + frames[at][inside + 1 :]
        elif kind == "cut":
            frames[at] = frames[at][:inside]
        elif kind == "double":
            frames.insert(at, frames[at])
        elif kind == "drop":
            del frames[at]
        else:
            frames[at], frames[at - 1] = frames[at - 1], frames[at]
    return frames


@settings(max_examples=effort(300), deadline=None)
@given(st.sampled_from(list(CORPUS)), st.lists(DAMAGE, min_size=1, max_size=4), PLACES)
def test_a_damaged_conversation_is_the_same_in_any_pieces(
    name: str, damage: list[tuple[str, int, int]], places: list[int]
) -> None:
    data = b"".join(damaged(HANDSHAKE + CORPUS[name], damage))
    assert converse(cut(data, places)) == converse([data])
