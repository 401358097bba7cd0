"""Password hashes as RabbitMQ stores them: base64(salt + H(salt + password)), a salt of 4 octets.

The same in both directions, so that users move between brokers with their definitions.
"""

import base64
import binascii
import hashlib
import hmac
import secrets
from typing import Final

SALT_SIZE: Final = 4
DEFAULT_ALGORITHM: Final = "rabbit_password_hashing_sha256"
ALGORITHMS: Final = {
    "rabbit_password_hashing_sha256": "sha256",
    "rabbit_password_hashing_sha512": "sha512",
    "rabbit_password_hashing_md5": "md5",
}


def hash_password(password: bytes, algorithm: str = DEFAULT_ALGORITHM) -> str:
    """A hash with a salt of its own."""
    return _hash(secrets.token_bytes(SALT_SIZE), password, algorithm)


def verify_password(password: bytes, password_hash: str, algorithm: str) -> bool:
    """Whether the password is the one that was hashed; takes as long either way."""
    try:
        salt = base64.b64decode(password_hash, validate=True)[:SALT_SIZE]
    except (binascii.Error, ValueError):
        return False
    if algorithm not in ALGORITHMS or len(salt) < SALT_SIZE:
        return False
    return hmac.compare_digest(_hash(salt, password, algorithm), password_hash)


def check_password_hash(password_hash: str, algorithm: str) -> None:
    """Raise `ValueError` for what is no hash by this one of `ALGORITHMS`. An empty one is: nobody
    can log in with it."""
    if not password_hash:
        return
    try:
        octets = base64.b64decode(password_hash, validate=True)
    except ValueError:
        raise ValueError("password_hash is not base64") from None
    digest_size = hashlib.new(ALGORITHMS[algorithm], usedforsecurity=False).digest_size
    if len(octets) != SALT_SIZE + digest_size:
        raise ValueError(
            f"password_hash holds {len(octets)} octets; a salt of {SALT_SIZE} and a digest of "
            f"{digest_size} are expected"
        )


def _hash(salt: bytes, password: bytes, algorithm: str) -> str:
    digest = hashlib.new(ALGORITHMS[algorithm], salt + password, usedforsecurity=False).digest()
    return base64.b64encode(salt + digest).decode()
