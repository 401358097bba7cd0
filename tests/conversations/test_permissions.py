"""What a user without a permission may not do, and who is told of it how."""

import pytest
from pamqp.commands import Basic, Channel, Connection, Exchange, Queue

EVERYTHING, NOTHING = ".*", "^$"
PROFILES = {
    "nobody": (NOTHING, NOTHING, NOTHING),
    "configurer": (EVERYTHING, NOTHING, NOTHING),
    "writer": (NOTHING, EVERYTHING, NOTHING),
    "reader": (NOTHING, NOTHING, EVERYTHING),
    "not-a-reader": (EVERYTHING, EVERYTHING, NOTHING),
    "not-a-writer": (EVERYTHING, NOTHING, EVERYTHING),
}


def refused(what, name, user):
    return f"ACCESS_REFUSED - access to {what} '{name}' in vhost '/' refused for user '{user}'"


@pytest.fixture
def log_in(server, stranger):
    def log_in_as(user):
        server.add_user(user, "secret")
        server.set_permissions(user, "/", *PROFILES[user])
        return stranger().handshake(user, "secret").open_channels()

    return log_in_as


@pytest.fixture
def q(peer, q):
    peer.call(Queue.Declare(queue=q, durable=True))
    return q


@pytest.fixture
def x(peer, x):
    peer.call(Exchange.Declare(exchange=x, durable=True))
    return x


CONFIGURE = {
    "declare": lambda name: Queue.Declare(queue=name, durable=True),
    "delete": lambda name: Queue.Delete(queue=name, if_unused=True),
}
CONFIGURE_EXCHANGE = {
    "declare": lambda name: Exchange.Declare(exchange=name, durable=True),
    "delete": lambda name: Exchange.Delete(exchange=name),
}
READ = {
    "get": lambda name: Basic.Get(queue=name),
    "consume": lambda name: Basic.Consume(queue=name),
    "purge": lambda name: Queue.Purge(queue=name),
}


@pytest.mark.parametrize("user", ["nobody", "writer", "reader"])
@pytest.mark.parametrize("operation", CONFIGURE.values(), ids=CONFIGURE)
def test_declaring_and_deleting_a_queue_needs_configure(log_in, q, user, operation):
    """Error table: no permission."""
    peer = log_in(user)
    for name in (q, "missing"):
        command = operation(name)
        peer.send_method(1, command)
        peer.expect_channel_closed(403, refused("queue", name, user), type(command))
        peer.open_channels()


@pytest.mark.parametrize("user", ["nobody", "writer", "reader"])
@pytest.mark.parametrize("operation", CONFIGURE_EXCHANGE.values(), ids=CONFIGURE_EXCHANGE)
def test_declaring_and_deleting_an_exchange_needs_configure(log_in, x, user, operation):
    """Error table: no permission."""
    peer = log_in(user)
    for name in (x, "missing"):
        command = operation(name)
        peer.send_method(1, command)
        peer.expect_channel_closed(403, refused("exchange", name, user), type(command))
        peer.open_channels()


def test_configure_suffices_to_declare_and_delete(log_in, q, x):
    peer = log_in("configurer")
    for command in (*CONFIGURE.values(), *CONFIGURE_EXCHANGE.values()):
        peer.call(command(q if command in CONFIGURE.values() else x))


@pytest.mark.parametrize("user", ["nobody", "configurer", "writer"])
@pytest.mark.parametrize("operation", READ.values(), ids=READ)
def test_getting_consuming_and_purging_needs_read(log_in, q, user, operation):
    """Error table: no permission."""
    peer = log_in(user)
    for name in (q, "missing"):
        command = operation(name)
        peer.send_method(1, command)
        peer.expect_channel_closed(403, refused("queue", name, user), type(command))
        peer.open_channels()


def test_read_suffices_to_get_consume_and_purge(log_in, q):
    peer = log_in("reader")
    for operation in READ.values():
        peer.call(operation(q))


def test_with_permission_a_missing_queue_is_missing(log_in):
    peer = log_in("reader")
    peer.send_method(1, Basic.Get(queue="missing"))
    text = "NOT_FOUND - no queue 'missing' in vhost '/'"
    peer.expect_channel_closed(404, text, Basic.Get)


@pytest.mark.parametrize("user", ["nobody", "configurer", "writer", "reader"])
def test_a_passive_declare_needs_no_permission(log_in, q, x, user):
    peer = log_in(user)
    peer.call(Queue.Declare(queue=q, passive=True))
    peer.call(Exchange.Declare(exchange=x, passive=True))


@pytest.mark.parametrize("command", [Queue.Bind, Queue.Unbind])
def test_binding_a_queue_needs_write_on_it(log_in, q, x, command):
    """Error table: no permission."""
    peer = log_in("reader")
    peer.send_method(1, command(queue=q, exchange=x))
    peer.expect_channel_closed(403, refused("queue", q, "reader"), command)


@pytest.mark.parametrize("command", [Queue.Bind, Queue.Unbind])
def test_binding_a_queue_needs_read_on_the_exchange(log_in, q, x, command):
    """Error table: no permission."""
    peer = log_in("writer")
    peer.send_method(1, command(queue=q, exchange=x))
    peer.expect_channel_closed(403, refused("exchange", x, "writer"), command)


@pytest.mark.parametrize("command", [Exchange.Bind, Exchange.Unbind])
def test_binding_an_exchange_needs_write_on_the_destination(log_in, x, command):
    """Error table: no permission."""
    peer = log_in("reader")
    peer.send_method(1, command(source="amq.direct", destination=x))
    peer.expect_channel_closed(403, refused("exchange", x, "reader"), command)


@pytest.mark.parametrize("command", [Exchange.Bind, Exchange.Unbind])
def test_binding_an_exchange_needs_read_on_the_source(log_in, x, command):
    """Error table: no permission."""
    peer = log_in("writer")
    peer.send_method(1, command(source="amq.direct", destination=x))
    peer.expect_channel_closed(403, refused("exchange", "amq.direct", "writer"), command)


def test_a_binding_s_permissions_come_before_its_ends(log_in):
    peer = log_in("writer")
    peer.send_method(1, Queue.Bind(queue="missing", exchange="absent"))
    peer.expect_channel_closed(403, refused("exchange", "absent", "writer"), Queue.Bind)


@pytest.mark.parametrize("user", ["nobody", "configurer", "reader"])
@pytest.mark.parametrize(
    ("exchange", "shown"),
    [
        ("amq.direct", "amq.direct"),
        ("", "amq.default"),
        ("missing", "missing"),
        ("amq.rabbitmq.trace", "amq.rabbitmq.trace"),
    ],
)
def test_publishing_needs_write_on_the_exchange(log_in, user, exchange, shown):
    """Error table: no permission."""
    peer = log_in(user)
    peer.publish(1, exchange, "key")
    peer.expect_channel_closed(403, refused("exchange", shown, user), Basic.Publish)


def test_write_suffices_to_publish(log_in, peer, q):
    writer = log_in("writer")
    peer.call(Basic.Consume(queue=q, no_ack=True))
    writer.publish(1, "", q, b"written")
    assert peer.expect(Basic.Deliver).body == b"written"


def test_a_server_named_queue_needs_configure_on_its_name(log_in):
    peer = log_in("writer")
    peer.send_method(1, Queue.Declare(queue="", exclusive=True))
    text = peer.expect(Channel.Close).reply_text
    assert text.startswith("ACCESS_REFUSED - access to queue 'amq.gen-")
    assert text.endswith("' in vhost '/' refused for user 'writer'")


@pytest.mark.parametrize("user", ["nobody", "reader"])
def test_reserved_names_are_reserved_before_they_are_forbidden(log_in, user):
    peer = log_in(user)
    peer.send_method(1, Queue.Declare(queue="amq.mine"))
    text = "ACCESS_REFUSED - queue name 'amq.mine' contains reserved prefix 'amq.*'"
    peer.expect_channel_closed(403, text, Queue.Declare)


def test_for_exchanges_it_is_the_other_way_round(log_in):
    peer = log_in("nobody")
    peer.send_method(1, Exchange.Declare(exchange="amq.mine"))
    text = refused("exchange", "amq.mine", "nobody")
    peer.expect_channel_closed(403, text, Exchange.Declare)


def test_the_default_exchange_is_untouchable_for_everybody(log_in):
    peer = log_in("nobody")
    for command in (Exchange.Declare(exchange=""), Exchange.Delete(exchange="")):
        peer.send_method(1, command)
        text = "ACCESS_REFUSED - operation not permitted on the default exchange"
        peer.expect_channel_closed(403, text, type(command))
        peer.open_channels()


def test_dead_lettering_needs_read_on_the_queue(log_in, unique_name):
    peer, name = log_in("not-a-reader"), unique_name("queue")
    peer.send_method(1, Queue.Declare(queue=name, arguments={"x-dead-letter-exchange": "dlx"}))
    peer.expect_channel_closed(403, refused("queue", name, "not-a-reader"), Queue.Declare)


@pytest.mark.parametrize(("dlx", "shown"), [("dlx", "dlx"), ("", "amq.default")])
def test_dead_lettering_needs_write_on_the_exchange(log_in, unique_name, dlx, shown):
    peer, name = log_in("not-a-writer"), unique_name("queue")
    peer.send_method(1, Queue.Declare(queue=name, arguments={"x-dead-letter-exchange": dlx}))
    peer.expect_channel_closed(403, refused("exchange", shown, "not-a-writer"), Queue.Declare)


def test_an_alternate_exchange_needs_read_on_the_exchange(log_in, unique_name):
    peer, name = log_in("not-a-reader"), unique_name("exchange")
    peer.send_method(1, Exchange.Declare(exchange=name, arguments={"alternate-exchange": "ae"}))
    peer.expect_channel_closed(403, refused("exchange", name, "not-a-reader"), Exchange.Declare)


def test_an_alternate_exchange_needs_write_on_it(log_in, unique_name):
    peer, name = log_in("not-a-writer"), unique_name("exchange")
    peer.send_method(1, Exchange.Declare(exchange=name, arguments={"alternate-exchange": "ae"}))
    peer.expect_channel_closed(403, refused("exchange", "ae", "not-a-writer"), Exchange.Declare)


def opening(stranger, user, vhost):
    peer = stranger()
    peer.greet()
    peer.log_in(user, "secret")
    peer.expect(Connection.Tune)
    peer.send_method(0, Connection.TuneOk(2047, 131_072, 0))
    peer.send_method(0, Connection.Open(vhost))
    return peer


def test_a_vhost_needs_some_permission_in_it(server, stranger):
    """Error table: no access to the vhost."""
    server.add_user("outsider", "secret")
    peer = opening(stranger, "outsider", "/")
    text = "NOT_ALLOWED - access to vhost '/' refused for user 'outsider'"
    peer.expect_connection_closed(530, text, Connection.Open)


def test_permissions_to_do_nothing_open_the_vhost(log_in):
    log_in("nobody").expect_nothing()


def test_who_may_enter_one_vhost_may_not_enter_another(server, stranger):
    """Error table: no access to the vhost."""
    server.add_vhost("elsewhere")
    server.add_user("student", "secret")
    server.set_permissions("student", "elsewhere", EVERYTHING, EVERYTHING, EVERYTHING)
    peer = opening(stranger, "student", "/")
    text = "NOT_ALLOWED - access to vhost '/' refused for user 'student'"
    peer.expect_connection_closed(530, text, Connection.Open)
    opening(stranger, "student", "elsewhere").expect(Connection.OpenOk)


def test_vhosts_share_nothing(server, stranger, q):
    server.add_vhost("elsewhere")
    server.add_user("student", "secret")
    server.set_permissions("student", "elsewhere", EVERYTHING, EVERYTHING, EVERYTHING)
    peer = stranger().handshake("student", "secret", "elsewhere").open_channels()
    peer.send_method(1, Queue.Declare(queue=q, passive=True))
    text = f"NOT_FOUND - no queue '{q}' in vhost 'elsewhere'"
    peer.expect_channel_closed(404, text, Queue.Declare)


def test_a_permission_is_a_search_not_a_match(server, stranger, unique_name):
    server.add_user("searcher", "secret")
    server.set_permissions("searcher", "/", "que", "^$", "^$")
    peer = stranger().handshake("searcher", "secret").open_channels()
    peer.call(Queue.Declare(queue=unique_name("my-queue"), exclusive=True))
    peer.send_method(1, Queue.Declare(queue="MY-QUEUE"))
    peer.expect_channel_closed(403, refused("queue", "MY-QUEUE", "searcher"), Queue.Declare)


def test_a_consumer_that_is_there_keeps_its_deliveries(peer, server, log_in, q):
    """Wire behaviour 79: only new consumers need the permission."""
    reader = log_in("reader")
    reader.call(Basic.Consume(queue=q))
    server.set_permissions("reader", "/", NOTHING, NOTHING, NOTHING)
    peer.publish(1, "", q, b"still")
    assert reader.expect(Basic.Deliver).body == b"still"
    server.set_permissions("reader", "/", *PROFILES["reader"])


def test_deleting_a_user_closes_his_connections(server, stranger):
    """Error table: closed by operator."""
    server.add_user("leaver", "secret")
    server.set_permissions("leaver", "/", EVERYTHING, EVERYTHING, EVERYTHING)
    peer = stranger().handshake("leaver", "secret")
    server.delete_user("leaver")
    peer.expect_connection_closed(320, "CONNECTION_FORCED - user 'leaver' is deleted")
