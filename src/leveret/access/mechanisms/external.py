"""EXTERNAL (RFC 4422 appendix A): the peer is whom its certificate names, which TLS has proven.

Offered on every TLS connection, as by RabbitMQ's plugin: a client without a certificate then hears
of a refused login, and the log says why, where it would else find no mechanism that it knows.
"""

from typing import ClassVar

from leveret.broker.seams import Credentials, Mechanism
from leveret.errors import LoginRefused


class External(Mechanism):
    name: ClassVar[str] = "EXTERNAL"
    for_tls: ClassVar[bool] = True

    def respond(self, response: bytes) -> Credentials | bytes:
        # The response may hold an identity to act for. RabbitMQ looks at the certificate only.
        if self.certificate is None:
            raise LoginRefused("connection peer presented no TLS (x.509) certificate")
        if self.certificate.user == "":
            raise LoginRefused(f"no name found in the certificate of '{self.certificate.subject}'")
        return Credentials(self.certificate.user, None)
