"""PLAIN (RFC 4616): an empty authorisation identity, the user and the password, NUL before each."""

from typing import ClassVar

from leveret.broker.seams import Credentials, Mechanism
from leveret.errors import MalformedArguments


class Plain(Mechanism):
    name: ClassVar[str] = "PLAIN"

    def respond(self, response: bytes) -> Credentials | bytes:
        parts = response.split(b"\x00")
        if len(parts) != 3 or parts[0] != b"":
            # RabbitMQ prints the response here; it may hold a password.
            raise MalformedArguments("response invalid")
        return Credentials(parts[1].decode(errors="surrogateescape"), parts[2])
