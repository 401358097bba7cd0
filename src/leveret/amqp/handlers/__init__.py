"""What a channel does with each method, grouped as the specification groups them.

A handler takes the channel and the method, and either writes its answer, or gives the broker's
`Pending` to `channel.answer`, or raises the refusal. basic.publish and basic.ack, which arrive in
the millions, are recognised before they get here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from leveret.amqp.handlers import access, basic, channel, confirm, exchange, queue, tx

if TYPE_CHECKING:
    from leveret.amqp.channel import Handler

HANDLERS: Final[dict[int, Handler]] = {
    **access.HANDLERS,
    **basic.HANDLERS,
    **channel.HANDLERS,
    **confirm.HANDLERS,
    **exchange.HANDLERS,
    **queue.HANDLERS,
    **tx.HANDLERS,
}
