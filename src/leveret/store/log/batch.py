"""A batch: what waits for the next commit, and is written as one piece or not at all.

A message that is settled while it waits here was never stored: its slot is emptied, and neither its
record nor the acknowledgement costs the disk anything.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from librt.strings import BytesWriter, write_i64_be
from mypy_extensions import i32, i64

from leveret.store.log.format import (
    DUE_SIZE,
    GROUP_SIZE,
    HEADER_SIZE,
    ID_SIZE,
    MARK,
    OFFSET_BITS,
    PUBLISH_SIZE,
    RETURN,
    SETTLE,
    batch_header,
    record_prefix,
    record_size,
    write_group,
    write_publish,
)
from leveret.store.log.returns import RETURN_SIZE
from leveret.store.log.shared import ids_of, take_out

if TYPE_CHECKING:
    from leveret.broker.message import Message
    from leveret.broker.seams import Queue
    from leveret.store.log.places import Places
    from leveret.store.log.returns import Key, Returns
    from leveret.store.log.segment import Segment

NO_IDS: Final[list[int]] = []


class Group:
    """Tickets of one queue that have something in common, encoded."""

    __slots__ = ("tickets",)

    def __init__(self) -> None:
        self.tickets = BytesWriter()


class Move:
    """A record that is copied forward from a segment that is to go. `size` is what it takes at
    most, in octets, its entry included."""

    __slots__ = ("due_ms", "ids", "location", "old_location", "record", "size", "ticket")

    def __init__(
        self, ticket: i64, ids: list[int], record: bytes, old_location: i64, due_ms: i64 = 0
    ) -> None:
        self.ticket = ticket
        self.ids = ids
        self.record = record
        self.old_location = old_location
        self.due_ms = due_ms
        self.size = PUBLISH_SIZE + ID_SIZE * i64(len(ids)) + DUE_SIZE + i64(len(record))
        # Set when the batch is encoded.
        self.location: i64 = 0


class Batch:
    """`first_ticket` is that of slot 0, and each slot has the next one.

    `size` is what it takes on disk at most, in octets, without the batch's header; `published` are
    the messages in it that are not settled. `forced`: somebody waits for what else it holds.
    """

    def __init__(self, first_ticket: i64) -> None:
        self.first_ticket = first_ticket
        self.messages: list[Message | None] = []
        self.queues: list[list[Queue]] = []
        self.published: i64 = 0
        self.size: i64 = 0
        self.settled: i64 = 0
        self.forced = False
        self.whole = False
        self.flags: i32 = 0
        self.moves: list[Move] = []
        # Messages of several queues: the ids that are left, once one has settled.
        self.left: dict[int, list[int]] = {}
        # When those of the messages are due that wait for it, in ms of the time of day.
        self.dues: dict[int, int] = {}
        # Segments with records of messages that are settled here.
        self.settled_in: dict[int, None] = {}
        # Messages that have come back: of those on disk, and of those in here. Which of them are
        # told of, and in which segment, shows when the batch is encoded.
        self.returned: dict[Key, None] = {}
        self._returned_here: dict[Key, None] = {}
        self.told: list[Key] = []
        self.told_in: Segment | None = None
        self._settles: dict[int, Group] = {}
        self._marks: dict[int, Group] = {}
        self._last_id: i64 = -1
        self._last_group = Group()
        self._last_settled_in: i64 = -1

    def publish(self, message: Message, queues: list[Queue]) -> None:
        """Take the message of the next ticket."""
        self.messages.append(message)
        self.queues.append(queues)
        self.published += 1
        self.size += record_size(message) + PUBLISH_SIZE + ID_SIZE * i64(len(queues))

    def note_due(self, ticket: i64, due_ms: i64) -> None:
        """A message waits until then, if it is in here. What is not above 0 is no time."""
        if due_ms <= 0 or self.message(ticket) is None:
            return
        if int(ticket) not in self.dues:
            self.size += DUE_SIZE
        self.dues[int(ticket)] = int(due_ms)

    def take_ticket(self) -> None:
        """The next ticket is nobody's, and durable with the batch."""
        self.messages.append(None)
        self.queues.append([])

    def message(self, ticket: i64) -> Message | None:
        """The message of a ticket, if it is in here and not settled."""
        at = ticket - self.first_ticket
        if at < 0 or at >= len(self.messages):
            return None
        return self.messages[at]

    def cancel(self, queue: Queue, ticket: i64) -> None:
        """A message is settled that is still in here; with its last queue it goes."""
        at = ticket - self.first_ticket
        message = self.messages[at]
        if message is None:
            return
        queues = self.queues[at]
        if len(queues) > 1:
            ids = self.left.get(int(ticket))
            if ids is None:
                ids = ids_of(queues)
                self.left[int(ticket)] = ids
            take_out(ids, int(queue.id))
            if ids:
                return
            del self.left[int(ticket)]
        self.messages[at] = None
        self.published -= 1
        self.size -= record_size(message) + PUBLISH_SIZE + ID_SIZE * i64(len(queues))
        if self.dues and self.dues.pop(int(ticket), None) is not None:
            self.size -= DUE_SIZE

    def settle(self, queue_id: i64, ticket: i64, segment: i64) -> None:
        """A message on disk, in this segment, is settled by a queue."""
        if queue_id != self._last_id:
            group = self._settles.get(int(queue_id))
            if group is None:
                group = Group()
                self._settles[int(queue_id)] = group
                self.size += GROUP_SIZE
            self._last_id = queue_id
            self._last_group = group
        write_i64_be(self._last_group.tickets, ticket)
        self.settled += 1
        self.size += ID_SIZE
        if segment != self._last_settled_in:
            self._last_settled_in = segment
            self.settled_in[int(segment)] = None

    def note_return(self, key: Key) -> None:
        """It is to be told how often a message has come back."""
        returned = self.returned if key[1] < int(self.first_ticket) else self._returned_here
        if key not in returned:
            returned[key] = None
            self.size += RETURN_SIZE

    def mark(self, queue_id: i64, ticket: i64) -> None:
        """At a clean stop: this message was delivered before."""
        group = self._marks.get(int(queue_id))
        if group is None:
            group = Group()
            self._marks[int(queue_id)] = group
            self.size += GROUP_SIZE
        write_i64_be(group.tickets, ticket)
        self.size += ID_SIZE

    def move(self, move: Move) -> None:
        """Copy a record forward."""
        self.moves.append(move)
        self.size += move.size

    def size_without_messages(self) -> i64:
        """What `without_messages` would take, in octets."""
        size = ID_SIZE * self.settled + GROUP_SIZE * i64(len(self._settles))
        size += RETURN_SIZE * i64(len(self.returned))
        for move in self.moves:
            size += move.size
        return size

    def without_messages(self) -> Batch:
        """A batch with all of this but its messages, which stay: what a full disk still has room
        for."""
        other = Batch(self.first_ticket)
        other.size = self.size_without_messages()
        self.size -= other.size
        other.settled, self.settled = self.settled, 0
        other.moves, self.moves = self.moves, []
        other.settled_in, self.settled_in = self.settled_in, {}
        other.returned, self.returned = self.returned, {}
        other._settles, self._settles = self._settles, {}
        self._last_id = -1
        self._last_settled_in = -1
        return other

    def restart(self, first_ticket: i64) -> None:
        """All messages were settled: go on with an empty slot for this ticket."""
        if self.messages:
            self.messages = []
            self.queues = []
        if self._returned_here:
            self.size -= RETURN_SIZE * i64(len(self._returned_here))
            self._returned_here = {}
        self.first_ticket = first_ticket

    def waits(self) -> bool:
        """Whether somebody waits for what is in here: a confirm, a transaction, a compaction."""
        return self.published > 0 or self.forced or len(self.moves) > 0

    def says_anything(self) -> bool:
        """Whether there is anything in here that is to be written."""
        return self.waits() or self.settled > 0 or len(self.returned) > 0

    def last_ticket(self) -> i64:
        """The last ticket of a slot; below `first_ticket` if there is none."""
        return self.first_ticket + i64(len(self.messages)) - 1

    def encode(
        self,
        segment: Segment,
        number: i64,
        synced: i64,
        last_ticket: i64,
        places: Places,
        copies: dict[int, list[int]],
        stored_ms: i64,
        returns: Returns,
    ) -> bytes:
        """The octets of the batch at the end of a segment, written at this time of day. Each
        message's place goes into `places`, and the queues of one that is in several into `copies`;
        those of moved records stay as they are until the copy is on disk."""
        location = (segment.number << OFFSET_BITS) + segment.end
        index = BytesWriter()
        self._encode_groups(index)
        if self.returned or self._returned_here:
            self._encode_returns(index, segment, returns)
        live_moves: list[Move] = []
        for move in self.moves:
            if places.find(move.ticket) == move.old_location:
                left = copies.get(int(move.ticket))
                ids = move.ids if left is None else left
                size = i64(len(move.record))
                write_publish(index, move.ticket, ids, size, left is not None, move.due_ms)
                live_moves.append(move)
        self.moves = live_moves
        at = location + HEADER_SIZE + i64(len(index)) + self._index_size_of_messages()
        data: list[bytes] = []
        start = at
        for move in live_moves:
            data.append(move.record)
            move.location = at
            segment.note(move.ticket)
            at += i64(len(move.record))
        slot: i64 = 0
        messages = self.messages
        while slot < len(messages):
            message = messages[slot]
            if message is not None:
                ticket = self.first_ticket + slot
                size = record_size(message)
                due_ms = i64(self.dues.get(int(ticket), 0)) if self.dues else 0
                ids = self._ids(slot, ticket, copies)
                write_publish(index, ticket, ids, size, False, due_ms)
                data.append(record_prefix(message, ticket, stored_ms))
                data.append(message.frames)
                places.put(ticket, at, size)
                segment.hold(ticket, size)
                at += size
            slot += 1
        encoded = index.getvalue()
        header = batch_header(
            segment.salt, location, number, synced, last_ticket, self.flags, encoded, at - start
        )
        return b"".join([header, encoded, *data])

    def _ids(self, slot: i64, ticket: i64, copies: dict[int, list[int]]) -> list[int]:
        queues = self.queues[slot]
        if len(queues) == 1:
            return [int(queues[0].id)]
        ids = self.left.get(int(ticket))
        if ids is None:
            ids = ids_of(queues)
        if len(ids) > 1:
            copies[int(ticket)] = ids
        return ids

    def _index_size_of_messages(self) -> i64:
        size = PUBLISH_SIZE * self.published + DUE_SIZE * i64(len(self.dues))
        slot: i64 = 0
        messages = self.messages
        while slot < len(messages):
            if messages[slot] is not None:
                size += ID_SIZE * i64(len(self.queues[slot]))
            slot += 1
        for ticket, ids in self.left.items():
            size -= ID_SIZE * i64(len(self.queues[ticket - int(self.first_ticket)]) - len(ids))
        return size

    def _encode_groups(self, index: BytesWriter) -> None:
        for queue_id, group in self._settles.items():
            write_group(index, SETTLE, i64(queue_id), group.tickets.getvalue())
        for queue_id, group in self._marks.items():
            write_group(index, MARK, i64(queue_id), group.tickets.getvalue())

    def _encode_returns(self, index: BytesWriter, segment: Segment, returns: Returns) -> None:
        """Those of messages that are still there."""
        self.told_in = segment
        groups: dict[int, Group] = {}
        for key in [*self.returned, *self._returned_here]:
            counts = returns.counts.get(key)
            if counts is not None:
                self.told.append(key)
                segment.live_count += 1
                segment.live_bytes += RETURN_SIZE
                group = groups.get(key[0])
                if group is None:
                    group = groups[key[0]] = Group()
                write_i64_be(group.tickets, i64(key[1]))
                write_i64_be(group.tickets, i64(counts))
        for queue_id, group in groups.items():
            write_group(index, RETURN, i64(queue_id), group.tickets.getvalue())
