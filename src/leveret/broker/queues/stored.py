"""Which of a queue's messages are in the store: RabbitMQ's numbers of the persistent ones, and of
those that are in memory. Those that are in no store cost nothing here.

A message that is not in memory leaves its size behind, in an `absent` one that stands for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from leveret.broker.message import Message

if TYPE_CHECKING:
    from mypy_extensions import i64

    from leveret.broker.message import Entry

# The channel of a message that is not in memory.
ABSENT: Final = -1


def absent(body_size: i64) -> Message:
    """Stands for the content of a message that is not in memory."""
    return Message(b"", b"", ABSENT, 0, body_size, 0, False)


def is_absent(message: Message | None) -> bool:
    """Whether this stands for a message that is not in memory."""
    return message is not None and message.channel == ABSENT


class Stored:
    """`persistent_count` messages, with bodies of `persistent_bytes`, are in the store because they
    were published to last. `absent_count`, with `absent_bytes`, are not in memory; of these
    `spilled_count`, with `spilled_bytes`, were not published to last."""

    def __init__(self) -> None:
        self.persistent_count: i64 = 0
        self.persistent_bytes: i64 = 0
        self.absent_count: i64 = 0
        self.absent_bytes: i64 = 0
        self.spilled_count: i64 = 0
        self.spilled_bytes: i64 = 0

    def add(self, entry: Entry) -> None:
        """An entry with a ticket comes."""
        size = entry.message.body_size
        if entry.ticket > 0:
            self.persistent_count += 1
            self.persistent_bytes += size
        if entry.message.channel == ABSENT:
            self.leave_memory(entry.ticket, size)

    def remove(self, entry: Entry) -> None:
        """An entry with a ticket goes."""
        size = entry.message.body_size
        if entry.ticket > 0:
            self.persistent_count -= 1
            self.persistent_bytes -= size
        if entry.message.channel == ABSENT:
            self.come_into_memory(entry.ticket, size)

    def leave_memory(self, ticket: i64, size: i64) -> None:
        """One of them is not in memory any more."""
        self.absent_count += 1
        self.absent_bytes += size
        if ticket < 0:
            self.spilled_count += 1
            self.spilled_bytes += size

    def come_into_memory(self, ticket: i64, size: i64) -> None:
        """One of them is in memory again."""
        self.absent_count -= 1
        self.absent_bytes -= size
        if ticket < 0:
            self.spilled_count -= 1
            self.spilled_bytes -= size

    def recover(self, ticket: i64, size: i64) -> None:
        """One from before the start, of about this size, is in the store."""
        self.persistent_count += 1
        self.persistent_bytes += size
        self.leave_memory(ticket, size)

    def correct(self, estimated: i64, size: i64) -> None:
        """One from before the start is of another size than was thought."""
        self.persistent_bytes += size - estimated
        self.absent_bytes += size - estimated

    def lose(self, ticket: i64, size: i64) -> None:
        """One that is not in memory will never be there again."""
        if ticket > 0:
            self.persistent_count -= 1
            self.persistent_bytes -= size
        self.come_into_memory(ticket, size)

    def clear(self) -> None:
        """All of them go."""
        self.persistent_count = 0
        self.persistent_bytes = 0
        self.absent_count = 0
        self.absent_bytes = 0
        self.spilled_count = 0
        self.spilled_bytes = 0
