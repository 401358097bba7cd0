"""Where a connection comes from."""

from leveret.broker.seams import Certificate


class TlsSession:
    """What TLS has agreed on with a peer, in Erlang's words; `certificate` is the peer's, proven,
    or None."""

    def __init__(
        self,
        protocol: str,
        key_exchange: str,
        cipher: str,
        hash_name: str,
        certificate: Certificate | None = None,
    ) -> None:
        self.protocol = protocol
        self.key_exchange = key_exchange
        self.cipher = cipher
        self.hash_name = hash_name
        self.certificate = certificate


class Peer:
    """Where a connection comes from, for logs, for `guest` and for operators."""

    def __init__(
        self,
        host: str,
        port: int,
        server_host: str,
        server_port: int,
        tls: TlsSession | None = None,
    ) -> None:
        self.host = host
        self.port = port
        self.server_host = server_host
        self.server_port = server_port
        self.tls = tls

    @property
    def name(self) -> str:
        """The connection's name, as RabbitMQ forms it."""
        return f"{self.host}:{self.port} -> {self.server_host}:{self.server_port}"


def is_loopback(host: str) -> bool:
    """Whether this is an address of this machine."""
    return host == "::1" or host.startswith(("127.", "::ffff:127."))
