"""Class tx, which this version does not have."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from leveret.errors import NotImplementedByServer
from leveret.wire.constants import TX_COMMIT, TX_ROLLBACK, TX_SELECT

if TYPE_CHECKING:
    from leveret.amqp.channel import Channel, Handler
    from leveret.wire.methods import Method


def refuse(channel: Channel, method: Method) -> None:
    """Transactions would be silently missing otherwise."""
    raise NotImplementedByServer(
        f"{method.name}", remedy="use publisher confirms (confirm.select) and acknowledgements"
    )


HANDLERS: Final[dict[int, Handler]] = {
    TX_SELECT: refuse,
    TX_COMMIT: refuse,
    TX_ROLLBACK: refuse,
}
