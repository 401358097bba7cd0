"""How much a test tries: a share in `make test`, twenty times that or more in `make soak`."""

import os

SOAK = 20


def effort(examples: int, soak: int | None = None) -> int:
    """The number of examples to try; `soak` is that of `make soak`."""
    if os.environ.get("LEVERET_SOAK"):
        return examples * SOAK if soak is None else soak
    return examples
