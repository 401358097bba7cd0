"""What a policy changes for clients."""

import pytest
from pamqp.commands import Basic, Exchange, Queue


@pytest.fixture
def policy(server, x):
    """Sets a policy for exchange `x`, which is cleared in the end."""
    name = f"policy-{x}"
    yield lambda definition: server.set_policy("/", name, f"^{x}$", definition)
    server.clear_policy("/", name)


def returned(peer, exchange):
    """Whether a mandatory message comes back."""
    peer.publish(1, exchange, "k", b"", mandatory=True)
    peer.send_method(1, Basic.Qos())
    if isinstance(peer.next(1).method, Basic.QosOk):
        return False
    peer.expect(Basic.QosOk, 1)
    return True


def test_a_policy_gives_a_living_exchange_an_alternate(peer, policy, x, q):
    """Feature: alternate exchange by policy."""
    peer.call(Exchange.Declare(exchange=x, exchange_type="direct"))
    peer.call(Queue.Declare(queue=q, exclusive=True))
    peer.call(Queue.Bind(queue=q, exchange="amq.fanout"))
    assert returned(peer, x)
    policy({"alternate-exchange": "amq.fanout"})
    assert not returned(peer, x)
    policy({"alternate-exchange": "no-such-exchange"})
    assert returned(peer, x)


def test_the_argument_of_an_exchange_goes_before_its_policy(peer, policy, x, q):
    arguments = {"alternate-exchange": "no-such-exchange"}
    peer.call(Exchange.Declare(exchange=x, exchange_type="direct", arguments=arguments))
    peer.call(Queue.Declare(queue=q, exclusive=True))
    peer.call(Queue.Bind(queue=q, exchange="amq.fanout"))
    policy({"alternate-exchange": "amq.fanout"})
    assert returned(peer, x)


def test_a_policy_is_no_argument_of_a_redeclare(peer, policy, x):
    policy({"alternate-exchange": "amq.fanout"})
    for _ in range(2):
        peer.call(Exchange.Declare(exchange=x, exchange_type="direct"))
