"""The hash by which exchanges spread messages: the same in every process and after a restart."""

from hashlib import blake2b


def hash_of(text: str) -> int:
    """64 bits, unsigned."""
    octets = text.encode("utf-8", "surrogatepass")
    return int.from_bytes(blake2b(octets, digest_size=8).digest(), "big")
