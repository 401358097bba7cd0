"""Password hashes that RabbitMQ made are good here, and ours are of the same make."""

import base64
import hashlib

import pytest

from leveret.access.passwords import ALGORITHMS, hash_password, verify_password

SHA256 = "rabbit_password_hashing_sha256"
MD5 = "rabbit_password_hashing_md5"


@pytest.mark.parametrize(
    ("password", "password_hash", "algorithm"),
    [
        # RabbitMQ's guide to passwords works this one out step by step.
        (b"test12", "kI3GCqW5JLMJa4iX1lo7X4D6XbYqlLgxIs30+P6tENUV2POR", SHA256),
        # Its developers' worked example from the days of MD5.
        (b"simon", "ytUIm8s3AnKsXQjptplKFytfVxI=", MD5),
        # The one in the description of its HTTP API.
        (b"guest", "2lmoth8l4H0DViLaK9Fxi6l9ds8=", MD5),
    ],
)
def test_rabbitmq_s_published_hashes_are_good(
    password: bytes, password_hash: str, algorithm: str
) -> None:
    assert verify_password(password, password_hash, algorithm)
    assert not verify_password(password + b" ", password_hash, algorithm)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("password", [b"", b"s3cret", b"\xff\x00" * 500, "grüße".encode()])
def test_a_hash_is_good_for_its_password_only(algorithm: str, password: bytes) -> None:
    password_hash = hash_password(password, algorithm)
    assert verify_password(password, password_hash, algorithm)
    assert not verify_password(password + b"x", password_hash, algorithm)
    others = set(ALGORITHMS) - {algorithm}
    assert not any(verify_password(password, password_hash, other) for other in others)


def test_a_hash_is_salt_and_digest_of_salt_and_password() -> None:
    octets = base64.b64decode(hash_password(b"s3cret"))
    assert octets[4:] == hashlib.sha256(octets[:4] + b"s3cret").digest()


def test_the_same_password_is_never_hashed_alike() -> None:
    assert len({hash_password(b"s3cret") for _ in range(10)}) == 10


@pytest.mark.parametrize(
    "password_hash", ["", "====", "not base64!", "AAAA", "AAA=", "AAAAAA==", "ü"]
)
def test_a_hash_that_is_none_lets_nobody_in(password_hash: str) -> None:
    """An empty hash is RabbitMQ's way to say that a user has no password."""
    for password in (b"", b"x"):
        assert not verify_password(password, password_hash, SHA256)


def test_an_unknown_algorithm_lets_nobody_in() -> None:
    assert not verify_password(
        b"test12", "kI3GCqW5JLMJa4iX1lo7X4D6XbYqlLgxIs30+P6tENUV2POR", "rot13"
    )
