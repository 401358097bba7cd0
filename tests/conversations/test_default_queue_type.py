"""Queues declared without a type, in a vhost that says which type they have."""

import pytest
from pamqp.commands import Queue

VHOST = "quorum-by-default"
QUORUM, CLASSIC = {"x-queue-type": "quorum"}, {"x-queue-type": "classic"}


def inequivalent(q, got, current):
    return (
        f"PRECONDITION_FAILED - inequivalent arg 'x-queue-type' for queue '{q}' in vhost "
        f"'{VHOST}': received '{got}' but current is '{current}'"
    )


@pytest.fixture
def peer(server, stranger):
    server.add_vhost(VHOST, default_queue_type="quorum")
    server.set_permissions("guest", VHOST, ".*", ".*", ".*")
    return stranger().handshake(vhost=VHOST).open_channels([1, 2])


@pytest.fixture
def q(peer, q):
    yield q
    peer.call(Queue.Delete(queue=q), 2)


def test_a_durable_queue_has_the_type_of_the_vhost(peer, q):
    """Feature: vhost default queue type."""
    for arguments in ({}, {}, QUORUM):
        peer.call(Queue.Declare(queue=q, durable=True, arguments=arguments))
    peer.send_method(1, Queue.Declare(queue=q, durable=True, arguments=CLASSIC))
    peer.expect_channel_closed(406, inequivalent(q, "classic", "quorum"), Queue.Declare)


def test_a_redeclare_without_a_type_means_the_type_of_the_vhost(peer, q):
    peer.call(Queue.Declare(queue=q, durable=True, arguments=CLASSIC))
    peer.send_method(1, Queue.Declare(queue=q, durable=True))
    peer.expect_channel_closed(406, inequivalent(q, "quorum", "classic"), Queue.Declare)


@pytest.mark.parametrize(
    "properties",
    [
        {},
        {"exclusive": True},
        {"exclusive": True, "durable": True},
        {"auto_delete": True, "durable": True},
    ],
)
def test_a_type_that_other_properties_rule_out_is_not_meant(peer, q, properties):
    peer.call(Queue.Declare(queue=q, **properties))
    peer.call(Queue.Declare(queue=q, arguments=CLASSIC, **properties))


def test_an_argument_that_the_default_type_does_not_know_is_refused(peer, q):
    peer.send_method(1, Queue.Declare(queue=q, durable=True, arguments={"x-max-priority": 3}))
    text = (
        f"PRECONDITION_FAILED - invalid arg 'x-max-priority' for queue '{q}' in vhost '{VHOST}' "
        "of queue type rabbit_quorum_queue"
    )
    peer.expect_channel_closed(406, text, Queue.Declare)


def test_a_server_named_queue_is_no_quorum_queue(peer, q):
    peer.send_method(1, Queue.Declare(queue="", durable=True))
    text = "PRECONDITION_FAILED - Cannot declare a server-named queue for type rabbit_quorum_queue"
    peer.expect_channel_closed(406, text, Queue.Declare)
