"""How much a property test tries: a share in `make test`, twenty times that in `make soak`."""

import os

SOAK = 20


def effort(examples: int) -> int:
    """The number of examples to try."""
    return examples * SOAK if os.environ.get("LEVERET_SOAK") else examples
