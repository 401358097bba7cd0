"""How large a queue's messages are, and where they are, by RabbitMQ's names for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from leveret.broker.queues.classic import ClassicQueue

    View = dict[str, object]


def queue_sizes(queue: ClassicQueue) -> dict[str, int]:
    """Numbers of messages, and of octets of bodies. What waits to be tried again, or as a dead
    letter for somebody who takes it (`dlx`), is part of the totals. Of what is not in memory, the
    `paged_out` ones were not published to last."""
    ready, unacked = queue.ready.stored, queue.unacked_stored
    ready_bytes, unacked_bytes = int(queue.ready.body_bytes), int(queue.unacked_bytes)
    ready_ram = int(queue.ready_count - ready.absent_count)
    unacked_ram = int(queue.unacked_count - unacked.absent_count)
    ram = ready_ram + unacked_ram
    total = ready_bytes + unacked_bytes
    absent = ready.absent_bytes + unacked.absent_bytes
    persistent = ready.persistent_count + unacked.persistent_count
    persistent_bytes = ready.persistent_bytes + unacked.persistent_bytes
    letters = letters_bytes = 0
    if queue.ruled is not None:
        retries = queue.ruled.retries
        letters, letters_bytes = queue.ruled.letters.count(), queue.ruled.letters.body_bytes
        ram += retries.count() - int(retries.stored.absent_count)
        total += retries.body_bytes
        absent += retries.stored.absent_bytes
        persistent += retries.stored.persistent_count
        persistent_bytes += retries.stored.persistent_bytes
    if queue.type_name == "quorum":
        # As in RabbitMQ, where whatever comes to such a queue lasts.
        persistent = queue.ready_count + queue.unacked_count + queue.waiting_count - letters
        persistent_bytes = total
    return {
        "messages_ram": ram,
        "messages_ready_ram": ready_ram,
        "messages_unacknowledged_ram": unacked_ram,
        "messages_persistent": int(persistent) + letters,
        "messages_paged_out": int(ready.spilled_count),
        "messages_dlx": letters,
        "message_bytes": total + letters_bytes,
        "message_bytes_ready": ready_bytes,
        "message_bytes_unacknowledged": unacked_bytes,
        "message_bytes_ram": total - int(absent),
        "message_bytes_persistent": int(persistent_bytes) + letters_bytes,
        "message_bytes_paged_out": int(ready.spilled_bytes),
        "message_bytes_dlx": letters_bytes,
    }


# What one type of queues has no word for.
NOT_OF_QUORUM = {
    "messages_ready_ram",
    "messages_unacknowledged_ram",
    "messages_paged_out",
    "message_bytes_paged_out",
}
NOT_OF_CLASSIC = {"messages_dlx", "message_bytes_dlx"}


def sizes_view(queue: ClassicQueue) -> View:
    """Those that RabbitMQ shows of a queue of this type."""
    without = NOT_OF_QUORUM if queue.type_name == "quorum" else NOT_OF_CLASSIC
    return {name: size for name, size in queue_sizes(queue).items() if name not in without}
