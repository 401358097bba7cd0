"""Topic permissions: which routing keys of a topic exchange a user may use."""

import pytest
from pamqp.commands import Basic, Exchange, Queue

USER = "topical"


def refused(key, exchange="amq.topic"):
    return (
        f"ACCESS_REFUSED - access to topic '{key}' in exchange '{exchange}' in vhost '/' "
        f"refused for user '{USER}'"
    )


@pytest.fixture
def topical(server, stranger):
    """A channel of a user who may write `a...` and read `b...`, unless told otherwise."""
    server.add_user(USER, "secret")
    server.set_permissions(USER, "/", ".*", ".*", ".*")

    def log_in(write="^a", read="^b", exchange="amq.topic"):
        server.set_topic_permissions(USER, "/", exchange, write, read)
        return stranger().handshake(USER, "secret").open_channels()

    return log_in


@pytest.fixture
def declared(topical, q):
    peer = topical()
    peer.call(Queue.Declare(queue=q, exclusive=True))
    return peer


def test_a_message_needs_write_permission_for_its_routing_key(topical):
    """Error table: topic permission."""
    peer = topical()
    peer.call(Basic.Qos())
    peer.publish(1, "amq.topic", "a.b", b"")
    peer.call(Basic.Qos())
    peer.publish(1, "amq.topic", "b.a", b"")
    peer.expect_channel_closed(403, refused("b.a"), Basic.Publish)


@pytest.mark.parametrize("method", [Queue.Bind, Queue.Unbind])
def test_a_binding_of_a_queue_needs_read_permission_for_its_key(declared, q, method):
    """Error table: topic permission."""
    declared.call(method(queue=q, exchange="amq.topic", routing_key="b.#"))
    declared.send_method(1, method(queue=q, exchange="amq.topic", routing_key="a.#"))
    declared.expect_channel_closed(403, refused("a.#"), method)


@pytest.mark.parametrize("method", [Exchange.Bind, Exchange.Unbind])
def test_a_binding_of_an_exchange_is_asked_for_at_its_source(topical, method):
    peer = topical()
    peer.call(method(destination="amq.topic", source="amq.fanout", routing_key="a"))
    peer.call(method(destination="amq.fanout", source="amq.topic", routing_key="b.never"))
    peer.send_method(1, method(destination="amq.fanout", source="amq.topic", routing_key="a.never"))
    peer.expect_channel_closed(403, refused("a.never"), method)


def test_an_empty_pattern_matches_the_empty_key_only(topical):
    peer = topical(write="")
    peer.publish(1, "amq.topic", "", b"")
    peer.call(Basic.Qos())
    peer.publish(1, "amq.topic", "a", b"")
    peer.expect_channel_closed(403, refused("a"), Basic.Publish)


def test_names_are_put_in_for_variables(topical):
    peer = topical(write="^{username}\\.{vhost}$")
    peer.publish(1, "amq.topic", f"{USER}./", b"")
    peer.call(Basic.Qos())
    peer.publish(1, "amq.topic", f"x{USER}./", b"")
    peer.expect_channel_closed(403, refused(f"x{USER}./"), Basic.Publish)


def test_other_exchanges_ask_for_nothing_of_the_kind(topical):
    peer = topical("^$", "^$", "amq.direct")
    peer.publish(1, "amq.direct", "anything", b"")
    peer.call(Basic.Qos())


def test_the_key_is_looked_at_before_the_queue(topical):
    peer = topical()
    peer.send_method(1, Queue.Bind(queue="no-such", exchange="amq.topic", routing_key="zz"))
    peer.expect_channel_closed(403, refused("zz"), Queue.Bind)


def test_an_internal_exchange_is_refused_as_such(topical, x):
    peer = topical("^$", "^$", x)
    peer.call(Exchange.Declare(exchange=x, exchange_type="topic", internal=True))
    peer.publish(1, x, "k", b"")
    text = f"ACCESS_REFUSED - cannot publish to internal exchange '{x}' in vhost '/'"
    peer.expect_channel_closed(403, text, Basic.Publish)
