"""Exit codes: rabbitmqctl's, which are those of sysexits.h."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import click

USAGE: Final = 64
DATA: Final = 65
NO_INPUT: Final = 66
NO_USER: Final = 67
UNAVAILABLE: Final = 69
SOFTWARE: Final = 70
TEMPORARY: Final = 75
PROTOCOL: Final = 76
NO_PERMISSION: Final = 77
CONFIG: Final = 78


class CtlError(Exception):
    """What went wrong and what to do about it, in a sentence; printed to standard error."""

    def __init__(self, sentence: str, exit_code: int) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.exit_code = exit_code


class InputError(CtlError):
    """What was typed cannot be used, and the broker was not asked."""


class UsageError(click.UsageError):
    """Click's own, with the exit code that rabbitmqctl has for it."""

    exit_code = USAGE


@contextmanager
def rabbitmqctls_exit_codes() -> Iterator[None]:
    """What is raised inside ends the process as it ends rabbitmqctl."""
    try:
        yield
    except click.UsageError as error:
        raise UsageError(error.format_message(), error.ctx) from error
    except CtlError as error:
        click.echo(f"Error: {error.sentence}", err=True)
        raise click.exceptions.Exit(error.exit_code) from error
