"""`leveret serve`."""

import asyncio
import os
import sys
from collections.abc import Callable

import click

from leveret.app import StoreFailedError
from leveret.app import serve as run_server
from leveret.config import ConfigError, Settings, read_settings
from leveret.management.definitions import DefinitionsError
from leveret.store.data_folder import DataFolderError
from leveret.store.definitions import DefinitionStoreError


@click.command()
@click.option("--config", "config_file", metavar="FILE", help="Settings: TOML, or a rabbitmq.conf.")
@click.option("--strict", is_flag=True, help="Unknown settings are errors.")
@click.option("--data", "data_dir", metavar="DIR", help="Folder for everything durable.")
@click.option("--host", "amqp_host", metavar="H", help="Address for AMQP; default: all.")
@click.option("--port", "amqp_port", metavar="P", type=int, help="Port for AMQP; 0: a free one.")
@click.option("--http-port", metavar="P", type=int, help="Port for HTTP; 0: a free one.")
@click.option("--ephemeral", is_flag=True, default=None, help="Keep nothing on disk.")
@click.option("--load-definitions", metavar="FILE", help="Import RabbitMQ definitions.")
@click.option("--ready-file", metavar="PATH", help="Written as JSON when clients can connect.")
def serve(config_file: str | None, strict: bool, ready_file: str | None, **flags: object) -> None:
    """Run the broker until Ctrl-C or SIGTERM. SIGHUP has it read its settings again."""

    def read() -> Settings:
        return read_settings(config_file, os.environ, flags, strict)

    try:
        with asyncio.Runner(loop_factory=loop_factory()) as runner:
            runner.run(run_server(read, ready_file))
    except (
        ConfigError,
        DataFolderError,
        DefinitionStoreError,
        DefinitionsError,
        StoreFailedError,
    ) as error:
        raise click.ClickException(str(error)) from error
    except KeyboardInterrupt:
        sys.exit(0)


def loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """uvloop's, where it is installed."""
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop
