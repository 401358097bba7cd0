"""The quorum queue on one node: a durable queue with a quorum queue's rules of declaration."""

from leveret.broker.queues.classic import ClassicQueue


class QuorumQueue(ClassicQueue):
    """Behaves as a durable classic queue; what sets it apart is checked when it is declared."""

    @property
    def type_name(self) -> str:
        return "quorum"
