"""Queue types, by the value of `x-queue-type`. A new type is a file and a line here."""

from typing import Final

from leveret.broker.queues.classic import ClassicQueue
from leveret.broker.queues.quorum import QuorumQueue

QUEUE_TYPES: Final[dict[str, type[ClassicQueue]]] = {
    "classic": ClassicQueue,
    "quorum": QuorumQueue,
}

# Newer releases of RabbitMQ take the module of a queue type for its name, too.
_MODULES: Final = {f"rabbit_{name}_queue": name for name in (*QUEUE_TYPES, "stream")}


def queue_type_named(name: str) -> str:
    """The value of `x-queue-type` that this names, itself or by RabbitMQ's module; any other name
    as it is."""
    return _MODULES.get(name, name)
