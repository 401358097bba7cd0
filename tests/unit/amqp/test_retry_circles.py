"""Circles of waiting queues that a consumer's rejection keeps alive (wire behaviours 69 and 74).

RabbitMQ before 4.0 turns the earlier deaths round with each new one, and so takes the second round
of such a circle for one that nobody rejected. Messages are not lost for equality's sake here.
"""

import pytest
from pamqp.commands import Basic, Queue

from peer import Peer


def declare(peer: Peer, name: str, following: str, **more: int) -> None:
    arguments = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": following}
    peer.call(Queue.Declare(queue=name, arguments=arguments | more))


@pytest.mark.parametrize("stages", [1, 2, 3])
def test_a_message_may_be_rejected_again_after_all_its_waits(peer: Peer, stages: int) -> None:
    waits = [f"wait-{n}" for n in range(stages)]
    for name, following in zip(waits, [*waits[1:], "q"], strict=True):
        declare(peer, name, following, **{"x-message-ttl": 0})
    declare(peer, "q", waits[0])
    peer.call(Basic.Consume(queue="q"))
    peer.publish(1, "", "q", b"m")
    for rounds in range(5):
        got = peer.expect(Basic.Deliver)
        if rounds:
            story = [(each["queue"], each["count"]) for each in got.properties.headers["x-death"]]
            assert story == [(name, rounds) for name in (*reversed(waits), "q")]
        peer.send_method(1, Basic.Reject(got.delivery_tag, requeue=False))
