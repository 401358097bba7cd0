"""`leveret serve`."""

import asyncio
import os
import sys
from collections.abc import Callable
from typing import Any

import click

from leveret.app import StoreFailedError
from leveret.app import serve as run_server
from leveret.config import ConfigError, Settings, meaning_of, read_settings
from leveret.management.definitions.format import DefinitionsError
from leveret.store.data_folder import DataFolderError
from leveret.store.definitions import DefinitionStoreError


def setting(
    option: str, name: str, metavar: str | None = None, **more: Any
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """An option that is a setting; the help says what the table of settings says."""
    return click.option(option, name, metavar=metavar, help=meaning_of(name), **more)


@click.command()
@click.option("--config", "config_file", metavar="FILE", help="Settings: TOML, or a rabbitmq.conf.")
@click.option("--strict", is_flag=True, help="Unknown settings are errors.")
@setting("--data", "data_dir", "DIR")
@setting("--host", "amqp_host", "H")
@setting("--port", "amqp_port", "P", type=int)
@setting("--http-port", "http_port", "P", type=int)
@setting("--ephemeral", "ephemeral", is_flag=True, default=None)
@setting("--load-definitions", "load_definitions", "FILE")
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
