"""A message is the frames it came in; what is inside is found when it is asked for."""

import pytest

from leveret.broker.message import Message
from leveret.wire.frames import body_frames, header_frame
from unit.doubles import a_message


def in_frames_of(size: int, body: bytes) -> Message:
    header = header_frame(3, b"\x00\x00", len(body))
    frames = header + body_frames(3, body, size + 8)
    return Message(frames, b"\x00\x00", 3, len(header), len(body), size + 8, False)


@pytest.mark.parametrize("size", [1, 2, 7, 100])
@pytest.mark.parametrize("body", [b"", b"x", b"\xce" * 20, bytes(range(100))])
def test_the_body_is_joined_from_its_frames(size: int, body: bytes) -> None:
    assert in_frames_of(size, body).body() == body


@pytest.mark.parametrize(
    ("exchange", "routing_key"),
    [("", ""), ("x", "a.b"), ("größe", "世" * 80), ("e" * 255, "k" * 255)],
)
def test_exchange_and_routing_key_are_those_of_the_publish(exchange: str, routing_key: str) -> None:
    message = a_message(b"", exchange, routing_key)
    assert (message.exchange, message.routing_key) == (exchange, routing_key)


@pytest.mark.parametrize("properties", [b"\x00\x00", b"\x10\x00\x02", b"\x80\x00\x04text"])
def test_properties_are_the_publisher_s_octets(properties: bytes) -> None:
    header = header_frame(1, properties, 0)
    assert Message(header, b"\x00\x00", 1, len(header), 0, 0, False).properties() == properties
