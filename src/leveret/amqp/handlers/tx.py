"""Class tx: transactions over the publishes and acknowledgements of a channel."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from leveret.amqp.transaction import Transaction
from leveret.errors import PreconditionFailed
from leveret.wire.constants import TX_COMMIT, TX_ROLLBACK, TX_SELECT
from leveret.wire.frames import method_frame
from leveret.wire.methods import TxCommitOk, TxRollbackOk, TxSelectOk

if TYPE_CHECKING:
    from leveret.amqp.channel import Channel, Handler
    from leveret.wire.methods import Method


def select(channel: Channel, method: Method) -> None:
    """tx.select: from now on, for good; a second one changes nothing."""
    if channel.confirms is not None:
        raise PreconditionFailed(
            "cannot switch from confirm to tx mode",
            remedy="use a channel for confirms and another for transactions",
        )
    if channel.transaction is None:
        channel.transaction = Transaction()
    channel.send(TxSelectOk())


def commit(channel: Channel, method: Method) -> None:
    """tx.commit: all of it now; commit-ok once it is durable. As in RabbitMQ, what is published
    comes before it, and what the acknowledgements let through after it, unless that has to wait."""
    transaction = _transaction(channel)
    stored = transaction.commit_published(channel)
    output = channel.connection.output
    answer_at = output.size()
    stored = transaction.commit_settled(channel) or stored
    if transaction.refused:
        transaction.refused = False
        raise PreconditionFailed(
            "partial tx completion",
            remedy="a queue is full and refuses what is published (x-overflow); the rest is done",
        )
    if not stored:
        output.insert(answer_at, method_frame(channel.number, TxCommitOk().encode()))
        return
    broker = channel.broker
    channel.answer_with(broker.when_durable(broker.store.barrier()), TxCommitOk(), False)


def rollback(channel: Channel, method: Method) -> None:
    """tx.rollback: nothing was published, and what was settled is unacked again."""
    if _transaction(channel).roll_back(channel.unacked):
        channel.ack_timeout.restart()
    channel.send(TxRollbackOk())


def _transaction(channel: Channel) -> Transaction:
    if channel.transaction is None:
        raise PreconditionFailed(
            "channel is not transactional", remedy="begin with tx.select on this channel"
        )
    return channel.transaction


HANDLERS: Final[dict[int, Handler]] = {
    TX_SELECT: select,
    TX_COMMIT: commit,
    TX_ROLLBACK: rollback,
}
