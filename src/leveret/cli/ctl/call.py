"""One use of a verb: the broker it goes to, and what is said on the way."""

import getpass
import sys

import click

from leveret.cli.ctl.client import Client
from leveret.cli.ctl.exits import DATA, InputError
from leveret.cli.ctl.formatters import Formatter


class Call:
    """What a verb's function works with."""

    def __init__(
        self,
        client: Client,
        node: str,
        formatter: Formatter,
        *,
        vhost: str,
        quiet: bool,
        headers: bool,
    ) -> None:
        self.client = client
        self.node = node
        self.formatter = formatter
        self.vhost = vhost
        self.headers = headers
        self.quiet = quiet

    @property
    def timeout_seconds(self) -> float:
        return self.client.timeout_seconds

    def announce(self, line: str) -> None:
        """Say what is being done, to those who want to hear it."""
        if self.formatter.announces and not self.quiet:
            click.echo(line)

    def note(self, sentence: str) -> None:
        """Something a person should know, although nothing failed."""
        click.echo(f"Note: {sentence}", err=True)

    def warn_of_visible_password(self, advice: str) -> None:
        """To be said of a password that is part of the command line."""
        if not self.quiet:
            self.note(
                "a password on the command line can be read by others in the list of processes; "
                f"{advice}."
            )

    def password(self, given: str | None, *, missing_exit_code: int) -> str:
        """The password: the argument, or else a line of standard input."""
        if given is not None:
            self.warn_of_visible_password("leave it out, and it is asked for")
            return given
        # There is no standard input at all for a process that was started without one.
        if sys.stdin is not None and sys.stdin.isatty():
            return getpass.getpass("Password: ").strip()
        if not self.quiet:
            click.echo("Password: ")
        try:
            line = sys.stdin.buffer.readline().decode() if sys.stdin is not None else ""
        except UnicodeDecodeError as error:
            raise InputError("the password on standard input is not UTF-8", DATA) from error
        if not line:
            raise InputError(
                "there is no password: give it as the last argument, or on standard input",
                missing_exit_code,
            )
        return line.strip()
