"""Names that the server gives: the prefix and 22 characters that nobody guesses."""

import base64
import secrets


def generate_name(prefix: str) -> str:
    """`amq.gen-` or `amq.ctag-` with 16 random octets in URL-safe base64, as RabbitMQ's."""
    return prefix + base64.urlsafe_b64encode(secrets.token_bytes(16)).decode().rstrip("=")
