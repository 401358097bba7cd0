"""Queue types, by the value of `x-queue-type`. A new type is a file and a line here."""

from typing import Final

from leveret.broker.queues.classic import ClassicQueue
from leveret.broker.queues.quorum import QuorumQueue

QUEUE_TYPES: Final[dict[str, type[ClassicQueue]]] = {
    "classic": ClassicQueue,
    "quorum": QuorumQueue,
}
