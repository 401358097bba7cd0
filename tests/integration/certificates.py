"""Certificates for tests, made with the code of `leveret tls dev-certs`."""

import ssl
from pathlib import Path
from typing import Any

import pika

from leveret.cli.tls import make_certificates
from leveret.testing import EmbeddedBroker


class Certificates:
    """A CA of its own, a server's certificate, and a client's that names a user."""

    def __init__(self, folder: Path, user: str = "guest") -> None:
        self.folder = folder
        folder.mkdir(exist_ok=True)
        make_certificates(folder, ["localhost", "127.0.0.1"], user)

    def path(self, name: str) -> str:
        return str(self.folder / f"{name}.pem")

    def settings(self, **others: Any) -> dict[str, Any]:
        """Of a broker with AMQP and HTTP over TLS."""
        settings = {
            "amqps_host": "127.0.0.1",
            "amqps_port": 0,
            "tls_certificate_file": self.path("server_certificate"),
            "tls_key_file": self.path("server_key"),
        }
        return settings | others

    def believing_clients(self, **others: Any) -> dict[str, Any]:
        """Of one that asks its clients for certificates, and lets them log in with them."""
        return self.settings(
            tls_ca_file=self.path("ca_certificate"),
            tls_verify_peer=True,
            tls_login_from="common_name",
            auth_mechanisms=["EXTERNAL", "PLAIN"],
            **others,
        )

    def client(self, *, with_certificate: bool = False) -> ssl.SSLContext:
        """What a client needs that believes in this CA."""
        context = ssl.create_default_context(cafile=self.path("ca_certificate"))
        if with_certificate:
            context.load_cert_chain(self.path("client_certificate"), self.path("client_key"))
        return context

    def connect(
        self, broker: EmbeddedBroker, context: ssl.SSLContext | None = None, **settings: Any
    ) -> pika.BlockingConnection:
        """A connection of pika's over TLS."""
        options = pika.SSLOptions(context or self.client(), "localhost")
        return pika.BlockingConnection(
            pika.ConnectionParameters(
                broker.host, broker.server.amqps_port, ssl_options=options, **settings
            )
        )
