"""`leveret backup`: a running broker copies its data.

The broker does the copying: only it knows what is on disk, and can keep files from going.
"""

from pathlib import Path
from typing import Final

import click

from leveret.cli.ctl.addresses import URL_VARIABLE, Remote, address_of
from leveret.cli.ctl.client import Client
from leveret.cli.ctl.exits import CtlError

TIMEOUT_SECONDS: Final = 24 * 3600


@click.command()
@click.argument("folder", metavar="DIR")
@click.option("--data", metavar="FOLDER", help="The broker's data folder, as in `leveret serve`.")
@click.option(
    "--url",
    metavar="URL",
    help=f"A broker elsewhere: http://USER:PASSWORD@HOST:PORT; or set {URL_VARIABLE}.",
)
@click.option(
    "--timeout",
    metavar="SECONDS",
    type=click.IntRange(min=1),
    default=TIMEOUT_SECONDS,
    help="How long to wait for the copy; default: a day.",
)
def backup(folder: str, data: str | None, url: str | None, timeout: int) -> None:
    """Copy the data of a running broker to DIR, which is new or empty.

    The copy holds everything that was confirmed before it began. It is a data folder: to restore,
    start a broker on it with `leveret serve --data DIR`. With --url, DIR is on the broker's machine
    and given in full.
    """
    if data is not None and url is not None:
        raise click.UsageError("--data and --url name two brokers; give one of them")
    try:
        address = address_of(data, url)
        if not isinstance(address, Remote):
            folder = str(Path(folder).absolute())
        told = Client(address, timeout).post("x", "backup", body={"folder": folder})
    except CtlError as error:
        raise click.ClickException(error.sentence) from error
    click.echo(
        f"{told['folder']}: {told['log_bytes']} octets of the log in {told['segments']} segments, "
        f"and the definitions, in {told['seconds']} s"
    )
