"""AMQP and HTTP over TLS, and what is said of it when it does not come about."""

import asyncio
import contextlib
import http.client
import json
import logging
import re
import shutil
import signal
import socket
import ssl
import time
from base64 import b64encode

import aio_pika
import pika
import pytest
from pamqp.commands import Basic, Channel

from leveret.config import ConfigError
from leveret.net.listener import AmqpListener
from leveret.testing import EmbeddedBroker
from peer import PROTOCOL_HEADER, Peer, TcpWire

from .certificates import Certificates
from .test_serve import served

# What pika says of it depends on which side gave up, and when.
REFUSED = (pika.exceptions.AMQPConnectionError, OSError)


@pytest.fixture(scope="session")
def certificates(tmp_path_factory):
    return Certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
def start():
    """Starts a broker with these settings; it does not outlive the test."""
    with contextlib.ExitStack() as started:
        yield lambda **settings: started.enter_context(EmbeddedBroker(**settings))


@pytest.fixture
def broker(start, certificates):
    return start(**certificates.settings())


@pytest.fixture
def said(caplog):
    """Waits until the log holds a sentence; then there is no traceback in it either."""
    caplog.set_level(logging.DEBUG)

    def said(sentence):
        until(lambda: any(sentence in each.getMessage() for each in records(caplog)))
        assert not any(each.exc_info for each in records(caplog))

    return said


def records(caplog):
    """What the broker has logged; its clients log too."""
    return [each for each in caplog.records if not each.name.startswith(("pika", "aio"))]


def until(true, *, deadline_seconds=10):
    deadline = time.monotonic() + deadline_seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)  # nothing tells when the broker has done it


def stranger(broker, greeting=b""):
    """A socket at the TLS port, and what was sent there."""
    opened = socket.create_connection((broker.host, broker.server.amqps_port), timeout=10)
    opened.sendall(greeting)
    return opened


def comes_to_an_end(opened):
    with opened, contextlib.suppress(ConnectionError):
        while opened.recv(4096):
            pass


def echo(connection):
    channel = connection.channel()
    channel.queue_declare("echo", exclusive=True)
    channel.basic_publish("", "echo", b"x" * 100_000)
    assert channel.basic_get("echo", auto_ack=True)[2] == b"x" * 100_000


# --- it works ---


def test_pika_over_tls(broker, certificates):
    """Wire behaviour 17."""
    with certificates.connect(broker) as connection:
        echo(connection)


async def test_aio_pika_over_tls(broker, certificates):
    """Wire behaviour 17."""
    connection = await aio_pika.connect(
        f"amqps://guest:guest@localhost:{broker.server.amqps_port}/",
        ssl_context=certificates.client(),
    )
    async with connection:
        channel = await connection.channel(publisher_confirms=True)
        queue = await channel.declare_queue("greetings", exclusive=True)
        await channel.default_exchange.publish(aio_pika.Message(b"hello"), queue.name)
        message = await queue.get(no_ack=True)
        assert message.body == b"hello"


@pytest.mark.parametrize("version", ["TLSv1_2", "TLSv1_3"])
def test_the_versions_of_tls(start, certificates, version):
    broker = start(**certificates.settings(tls_versions=[version.lower().replace("_", ".")]))
    context = certificates.client()
    context.minimum_version = context.maximum_version = ssl.TLSVersion[version]
    certificates.connect(broker, context).close()
    other = {"TLSv1_2": "TLSv1_3", "TLSv1_3": "TLSv1_2"}[version]
    context = certificates.client()
    context.minimum_version = context.maximum_version = ssl.TLSVersion[other]
    with pytest.raises(REFUSED):
        certificates.connect(broker, context)


def test_a_connection_by_certificate(start, certificates):
    broker = start(**certificates.believing_clients())
    credentials = pika.credentials.ExternalCredentials()
    context = certificates.client(with_certificate=True)
    with certificates.connect(broker, context, credentials=credentials) as connection:
        echo(connection)
    with pytest.raises(pika.exceptions.ProbableAuthenticationError):
        certificates.connect(broker, credentials=credentials)


async def test_a_connection_of_aio_pika_by_certificate(start, certificates):
    broker = start(**certificates.believing_clients())
    connection = await aio_pika.connect(
        f"amqps://localhost:{broker.server.amqps_port}/?auth=EXTERNAL",
        ssl_context=certificates.client(with_certificate=True),
    )
    await connection.close()


# --- it does not ---


@pytest.mark.parametrize(
    ("greeting", "sentence"),
    [
        (PROTOCOL_HEADER, "it does not speak TLS, and this port is for TLS"),
        (b"GET / HTTP/1.1\r\n\r\n", "it speaks HTTP without TLS, and this port is for TLS"),
        (bytes(range(256)), "it does not speak TLS, and this port is for TLS"),
    ],
)
def test_who_does_not_speak_tls_at_its_port_is_explained(broker, said, greeting, sentence):
    """Wire behaviour 17."""
    comes_to_an_end(stranger(broker, greeting))
    said(sentence)


def test_who_speaks_tls_at_the_plain_port_is_explained(broker, certificates, said):
    """Wire behaviour 17."""
    options = pika.SSLOptions(certificates.client(), "localhost")
    with pytest.raises(REFUSED):
        pika.BlockingConnection(
            pika.ConnectionParameters(broker.host, broker.port, ssl_options=options)
        )
    said("it looks like TLS, and this port does not speak it")


@pytest.mark.parametrize("greeting", [b"", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"])
def test_a_handshake_that_stalls_ends(start, certificates, said, greeting):
    broker = start(**certificates.settings(tls_handshake_timeout_seconds=0.3))
    opened = stranger(broker, greeting)
    certificates.connect(broker).close()
    comes_to_an_end(opened)
    said("it did not finish the handshake of TLS in time")


def test_a_health_check_that_only_connects_is_no_news(broker, certificates, caplog, said):
    stranger(broker).close()
    certificates.connect(broker).close()
    said("closed by the client")
    assert not [each for each in records(caplog) if each.levelno >= logging.WARNING]


def test_a_server_whose_ca_nobody_told_the_client_about_is_explained(broker, said):
    with pytest.raises(REFUSED):
        pika.BlockingConnection(
            pika.ConnectionParameters(
                broker.host,
                broker.server.amqps_port,
                ssl_options=pika.SSLOptions(ssl.create_default_context(), "localhost"),
            )
        )
    said("it does not know the CA of this server's certificate")


def test_a_client_without_a_certificate_is_turned_away_where_one_is_demanded(
    start, certificates, said
):
    broker = start(**certificates.believing_clients(tls_fail_if_no_peer_certificate=True))
    with pytest.raises(REFUSED):
        certificates.connect(broker)
    said("it has no certificate, and tls_fail_if_no_peer_certificate demands one")
    certificates.connect(broker, certificates.client(with_certificate=True)).close()


def test_a_certificate_of_another_ca_is_not_believed(start, certificates, said, tmp_path):
    broker = start(**certificates.believing_clients())
    context = certificates.client()
    foreign = Certificates(tmp_path / "foreign")
    context.load_cert_chain(foreign.path("client_certificate"), foreign.path("client_key"))
    with pytest.raises(REFUSED):
        certificates.connect(broker, context)
    said("its certificate is not believed")


def test_a_crowd_of_half_open_connections_does_not_keep_others_out(start, certificates, said):
    broker = start(**certificates.settings(handshakes_max_per_address=20))
    with contextlib.ExitStack() as crowd:
        for _ in range(100):
            crowd.enter_context(stranger(broker))
        certificates.connect(broker).close()
        said("has 20 connections that are not open yet")
        arrivals = broker.server._arrivals
        assert broker.look(lambda: arrivals.count("127.0.0.1")) <= 20


# --- certificates that change ---


def serial_number(broker, port=None):
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    address = (broker.host, port or broker.server.amqps_port)
    with (
        socket.create_connection(address, timeout=10) as plain,
        context.wrap_socket(plain) as opened,
    ):
        return opened.getpeercert(binary_form=True)


def test_new_connections_use_new_certificates_and_old_ones_go_on(start, tmp_path, said):
    certificates = Certificates(tmp_path / "certificates")
    broker = start(**certificates.settings(http_enabled=True, https_port=0))
    with certificates.connect(broker) as connection:
        before = serial_number(broker)
        shutil.rmtree(certificates.folder)
        certificates = Certificates(tmp_path / "certificates")
        assert serial_number(broker) == before
        broker.look(broker.server.reloading.reload)
        after = serial_number(broker)
        assert after != before
        assert serial_number(broker, broker.server.https_port) == after
        certificates.connect(broker).close()
        echo(connection)
    said("certificates reloaded")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("server_certificate", b"no certificate"),
        ("server_key", b""),
        ("server_key", None),
        ("server_key", "that of the client"),
        ("ca_certificate", b"nor this"),
    ],
)
def test_a_bad_file_changes_nothing(start, tmp_path, name, content):
    certificates = Certificates(tmp_path / "certificates")
    broker = start(**certificates.believing_clients())
    context = certificates.client(with_certificate=True)
    path = certificates.folder / f"{name}.pem"
    if content is None:
        path.unlink()
    elif isinstance(content, str):
        path.write_bytes((certificates.folder / "client_key.pem").read_bytes())
    else:
        path.write_bytes(content)
    with pytest.raises(ConfigError, match=re.escape(str(path))):
        broker.look(broker.server.reloading.reload)
    certificates.connect(broker, context).close()


# --- what operators see ---


def over_https(broker, certificates, path):
    connection = http.client.HTTPSConnection(
        "localhost", broker.server.https_port, context=certificates.client(), timeout=10
    )
    with contextlib.closing(connection):
        login = "Basic " + b64encode(b"guest:guest").decode()
        connection.request("GET", path, headers={"Authorization": login})
        reply = connection.getresponse()
        return reply.status, json.loads(reply.read())


def test_operators_see_what_tls_agreed_on_and_who_the_client_is(start, certificates):
    broker = start(**certificates.believing_clients(http_enabled=True, https_port=0))
    context = certificates.client(with_certificate=True)
    with (
        certificates.connect(broker, context),
        pika.BlockingConnection(pika.ConnectionParameters(broker.host, broker.port)),
    ):
        _, views = over_https(broker, certificates, "/api/connections")
        encrypted, plain = sorted(views, key=lambda view: not view["ssl"])
    assert (encrypted["ssl_protocol"], encrypted["ssl_key_exchange"]) == ("tlsv1.3", "any")
    assert (encrypted["ssl_cipher"], encrypted["ssl_hash"]) == ("aes_256_gcm", "aead")
    assert encrypted["peer_cert_subject"].startswith("CN=guest,OU=")
    assert encrypted["peer_cert_issuer"] == "OU=dev-certs,O=Leveret"
    assert encrypted["peer_cert_validity"].startswith("2000-01-01T00:00:00Z - ")
    shown = {key for key in plain if key.startswith(("ssl_", "peer_cert_"))}
    assert {plain[key] for key in shown} == {None}


def test_operators_see_the_listeners(start, certificates):
    broker = start(**certificates.settings(http_enabled=True, https_port=0))
    _, overview = over_https(broker, certificates, "/api/overview")
    protocols = [listener["protocol"] for listener in overview["listeners"]]
    assert protocols == ["amqp", "amqp/ssl", "http", "https"]
    port = broker.server.amqps_port
    for check in ("protocol-listener/amqps", "protocol-listener/https", f"port-listener/{port}"):
        assert over_https(broker, certificates, f"/api/health/checks/{check}")[0] == 200


def test_a_certificate_that_expires_soon_fails_the_check(start, certificates):
    """One of dev-certs lasts 825 days."""
    broker = start(**certificates.settings(http_enabled=True, https_port=0))
    check = "/api/health/checks/certificate-expiration"
    assert over_https(broker, certificates, f"{check}/2/years") == (200, {"status": "ok"})
    status, answer = over_https(broker, certificates, f"{check}/3/years")
    assert (status, answer["reason"]) == (503, "Certificates expiring")
    assert [each["protocol"] for each in answer["expired"]] == ["amqp/ssl", "https"]
    assert answer["expired"][0]["certfile"] == certificates.path("server_certificate")
    assert over_https(broker, certificates, f"{check}/{'9' * 40}/years")[0] == 503


# --- the same bounds as without ---


def transports(broker):
    listener = broker.server._amqp
    assert isinstance(listener, AmqpListener)
    return [each._transport for each in listener.outbox._transports.values()]


def test_small_answers_are_not_held_back(broker, certificates):
    with certificates.connect(broker):
        (transport,) = broker.look(lambda: transports(broker))
        opened = transport.get_extra_info("socket")
        assert opened.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


class TlsWire(TcpWire):
    def __init__(self, broker, context):
        super().__init__(broker.host, broker.server.amqps_port)
        self.socket = context.wrap_socket(self.socket, server_hostname="localhost")


def test_who_does_not_read_is_not_delivered_to(broker, certificates):
    with certificates.connect(broker) as publisher:
        channel = publisher.channel()
        channel.queue_declare("much")
        reader = Peer(TlsWire(broker, certificates.client())).handshake()
        reader.call(Channel.Open(), 1)
        reader.call(Basic.Consume(queue="much"), 1)  # and from now on it does not read
        for _ in range(400):
            channel.basic_publish("", "much", bytes(100_000))
        ready = channel.queue_declare("much", passive=True).method.message_count
        unsent = broker.look(
            lambda: max(each.get_write_buffer_size() for each in transports(broker))
        )
        assert ready > 200
        assert unsent < 4 << 20
        reader.close()
        until(lambda: channel.queue_declare("much", passive=True).method.message_count == 400)


def test_who_must_wait_is_not_read(broker, certificates):
    publisher = Peer(TlsWire(broker, certificates.client())).handshake()
    publisher.call(Channel.Open(), 1)
    broker.raise_alarm("memory")

    def received():
        return broker.look(
            lambda: sum(int(each.octets_received) for each in broker.server.broker.sessions)
        )

    publisher.wire.socket.settimeout(0.5)

    def publish_until_nobody_reads():
        for _ in range(1000):
            publisher.publish(1, "", "nowhere", bytes(100_000))

    with pytest.raises(TimeoutError):
        publish_until_nobody_reads()
    stopped_at = received()
    assert stopped_at < 10 << 20
    broker.clear_alarm("memory")
    until(lambda: received() > stopped_at)
    publisher.close()


async def test_connections_that_come_and_go_leave_nothing_behind(broker, certificates):
    def left():
        return broker.look(
            lambda: (
                len(broker.server.broker.sessions),
                len(asyncio.all_tasks()),
                broker.server._arrivals._by_host,
            )
        )

    before = left()
    for _ in range(20):
        certificates.connect(broker).close()
        comes_to_an_end(stranger(broker, PROTOCOL_HEADER))
    until(lambda: left() == before)


# --- as a process ---


def test_sighup_has_the_certificates_read_again(tmp_path):
    certificates = Certificates(tmp_path / "certificates")
    config = tmp_path / "leveret.toml"
    settings = certificates.settings(tls_ca_file=certificates.path("ca_certificate"))
    config.write_text(
        "".join(f"{name} = {json.dumps(value)}\n" for name, value in settings.items())
    )
    with served(tmp_path, "--ephemeral", "--config", str(config)) as broker:
        broker.process.send_signal(signal.SIGHUP)
        for line in broker.process.stderr:
            if "certificates reloaded from" in line:
                break
        broker.connect().close()
        assert "stopped" in broker.stop()
