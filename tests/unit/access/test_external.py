"""EXTERNAL: a client is who its certificate says it is."""

import pytest
from pamqp.commands import Connection

from conversations.memory import MemoryWire
from leveret.access.mechanisms.external import External
from leveret.amqp.peer import TlsSession
from leveret.broker.seams import Certificate
from leveret.testing import MemoryServer
from leveret.testing.kits import check_mechanism
from peer import Peer

REFUSED = (
    "ACCESS_REFUSED - Login was refused using authentication mechanism EXTERNAL. "
    "For details see the broker logfile."
)


def over_tls(user: str | None) -> TlsSession:
    """With a certificate that names this user, or with none."""
    certificate = None if user is None else Certificate(user, "CN=x,O=y", "CN=z", "always")
    return TlsSession("tlsv1.3", "any", "aes_256_gcm", "aead", certificate)


@pytest.fixture
def server() -> MemoryServer:
    server = MemoryServer()
    server.add_user("ada", "secret")
    server.set_permissions("ada", "/", ".*", ".*", ".*")
    return server


def arrive(server: MemoryServer, tls: TlsSession | None, host: str = "192.0.2.1") -> Peer:
    return Peer(MemoryWire(server.connect(host, tls)))


def test_a_certificate_is_a_login(server: MemoryServer) -> None:
    peer = arrive(server, over_tls("ada")).handshake(mechanism="EXTERNAL", response="")
    assert isinstance(peer.wire, MemoryWire)
    session = peer.wire._peer.session
    assert (session.user, session.mechanism) == ("ada", "EXTERNAL")


@pytest.mark.parametrize("response", ["guest", "\0guest\0guest", "\0", "x" * 1000])
def test_what_the_client_says_beside_its_certificate_does_not_matter(
    server: MemoryServer, response: str
) -> None:
    peer = arrive(server, over_tls("ada")).handshake(mechanism="EXTERNAL", response=response)
    assert isinstance(peer.wire, MemoryWire)
    assert peer.wire._peer.session.user == "ada"


def test_it_is_offered_over_tls_only(server: MemoryServer) -> None:
    """Also without a certificate, as by RabbitMQ: the refusal explains more than no offer would."""
    for tls, offered in ((None, False), (over_tls(None), True), (over_tls("ada"), True)):
        mechanisms = arrive(server, tls).greet().mechanisms.split(" ")
        assert ("EXTERNAL" in mechanisms) == offered
        assert {"PLAIN", "AMQPLAIN"} <= set(mechanisms)


@pytest.mark.parametrize(
    ("user", "said"),
    [
        (None, "connection peer presented no TLS (x.509) certificate"),
        ("", "no name found in the certificate of 'CN=x,O=y'"),
        ("nobody", "login of user 'nobody' refused: there is no such user"),
        ("guest", "can only connect from this machine"),
    ],
)
def test_what_proves_nobody_is_a_refused_login(
    server: MemoryServer, user: str | None, said: str, caplog: pytest.LogCaptureFixture
) -> None:
    peer = arrive(server, over_tls(user))
    peer.greet()
    peer.log_in(mechanism="EXTERNAL", response="")
    peer.expect_connection_close(403, REFUSED)
    assert said in caplog.text


def test_without_tls_it_is_no_mechanism(
    server: MemoryServer, caplog: pytest.LogCaptureFixture
) -> None:
    peer = arrive(server, None)
    peer.greet()
    peer.log_in("ada", mechanism="EXTERNAL", response="ada")
    assert "invalid authentication mechanism 'EXTERNAL'" in caplog.text
    server.advance(3)
    peer.expect_eof()


def test_a_password_still_is_one_where_there_is_a_certificate(server: MemoryServer) -> None:
    peer = arrive(server, over_tls("ada"))
    peer.greet()
    peer.log_in("ada", "wrong")
    peer.expect(Connection.Close)


def test_the_mechanism_keeps_the_contract() -> None:
    def make() -> External:
        mechanism = External()
        mechanism.certificate = Certificate("ada", "CN=ada", "CN=ca", "always")
        return mechanism

    check_mechanism(make, [b""], "ada", None)
