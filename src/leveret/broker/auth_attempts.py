"""Logins, counted by protocol since the start or since somebody began to count anew."""

from typing import Final

# RabbitMQ's words.
AMQP: Final = "amqp091"
HTTP: Final = "http"


class AuthAttempts:
    """`failed` and `succeeded` by protocol."""

    def __init__(self) -> None:
        self.failed: dict[str, int] = {}
        self.succeeded: dict[str, int] = {}

    def count(self, protocol: str, succeeded: bool) -> None:
        """A login was decided."""
        counts = self.succeeded if succeeded else self.failed
        counts[protocol] = counts.get(protocol, 0) + 1

    def protocols(self) -> list[str]:
        """Those that anybody has tried to log in with."""
        return sorted({*self.failed, *self.succeeded})

    def reset(self) -> None:
        """Begin to count anew."""
        self.failed.clear()
        self.succeeded.clear()
