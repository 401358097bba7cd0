"""Names and numbers that the server gives, and nobody guesses."""

import base64
import secrets
import socket


def generate_name(prefix: str) -> str:
    """`amq.gen-` or `amq.ctag-` with 16 random octets in URL-safe base64, as RabbitMQ's."""
    return prefix + base64.urlsafe_b64encode(secrets.token_bytes(16)).decode().rstrip("=")


def generate_queue_id() -> int:
    """62 random bits: not made twice in the lifetime of a data folder. 0 is none."""
    return secrets.randbits(62)


def node_name() -> str:
    """This node's, in RabbitMQ's form."""
    return f"leveret@{socket.gethostname()}"
