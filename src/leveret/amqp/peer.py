"""Where a connection comes from."""


class Peer:
    """Where a connection comes from, for logs, for `guest` and for operators."""

    def __init__(self, host: str, port: int, server_host: str, server_port: int) -> None:
        self.host = host
        self.port = port
        self.server_host = server_host
        self.server_port = server_port
        self.is_loopback = host == "::1" or host.startswith(("127.", "::ffff:127."))

    @property
    def name(self) -> str:
        """The connection's name, as RabbitMQ forms it."""
        return f"{self.host}:{self.port} -> {self.server_host}:{self.server_port}"
