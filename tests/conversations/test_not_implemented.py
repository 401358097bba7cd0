"""What RabbitMQ never implemented: 540, and the connection is gone."""

import pytest
from pamqp.commands import Basic, Channel

from peer import header_frame, method_frame, unchecked


@pytest.mark.parametrize(
    ("command", "text"),
    [
        (Basic.Qos(prefetch_size=7), "NOT_IMPLEMENTED - prefetch_size!=0 (7)"),
        (Basic.Recover(requeue=False), "NOT_IMPLEMENTED - requeue=false"),
        (unchecked(Basic.RecoverAsync, requeue=False), "NOT_IMPLEMENTED - requeue=false"),
        (Channel.Flow(active=False), "NOT_IMPLEMENTED - active=false"),
    ],
    ids=["prefetch_size", "recover", "recover-async", "flow"],
)
def test_an_unimplemented_wish_closes_the_connection(peer, command, text):
    """Error table: prefetch_size, recover requeue=false, flow active=false."""
    peer.send_method(1, command)
    peer.expect_connection_closed(540, text, type(command))


@pytest.mark.parametrize("exchange", ["", "nowhere"])
def test_immediate_closes_the_connection_once_the_content_is_there(peer, exchange):
    """Error table: immediate."""
    peer.send_raw(method_frame(1, Basic.Publish(exchange=exchange, immediate=True)))
    peer.open_channels([2])
    peer.send_raw(header_frame(1, 0))
    peer.expect_connection_closed(540, "NOT_IMPLEMENTED - immediate=true", Basic.Publish)


def test_flow_active_is_answered(peer):
    assert peer.call(Channel.Flow(active=True)).active is True
