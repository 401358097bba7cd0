"""Which build is running: a slow one must not go unnoticed."""

import platform

from leveret import __version__
from leveret.amqp import connection


def compiled() -> bool:
    """Whether the hot modules run compiled."""
    return not str(connection.__file__).endswith(".py")


def described() -> str:
    """The version line of `leveret --version` and of the log."""
    build = "compiled" if compiled() else "pure Python"
    return f"leveret {__version__} ({build}, Python {platform.python_version()})"
