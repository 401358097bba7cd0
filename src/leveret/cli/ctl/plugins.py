"""rabbitmq-plugins' verbs. What is built in is always there, and no other plugin can be had."""

from typing import Final

import click

from leveret.cli.ctl.answers import Rows
from leveret.cli.ctl.call import Call
from leveret.cli.ctl.exits import UNAVAILABLE, CtlError
from leveret.cli.ctl.verb import argument, table_headers_option, verb

# RabbitMQ's plugins whose work Leveret does by itself.
BUILT_IN: Final = (
    "rabbitmq_auth_mechanism_ssl",
    "rabbitmq_consistent_hash_exchange",
    "rabbitmq_delayed_message_exchange",
    "rabbitmq_management",
    "rabbitmq_management_agent",
    "rabbitmq_prometheus",
    "rabbitmq_random_exchange",
    "rabbitmq_recent_history_exchange",
)


def _where() -> list[click.Parameter]:
    return [
        argument("plugins", metavar="PLUGIN...", nargs=-1, required=True),
        click.Option(["--offline"], is_flag=True, help="Accepted: no broker is asked anyway."),
        click.Option(["--online"], is_flag=True, help="Accepted: no broker is asked anyway."),
    ]


@verb(*_where(), checks=False)
def enable(call: Call, plugins: tuple[str, ...], offline: bool, online: bool) -> None:
    """Accepted for what is built in; any other plugin is refused."""
    _require(plugins)
    if not call.quiet:
        call.note(f"{', '.join(plugins)}: built in, and always enabled.")


@verb(*_where(), checks=False)
def disable(call: Call, plugins: tuple[str, ...], offline: bool, online: bool) -> None:
    """Accepted, and without effect: what is built in stays."""
    if not call.quiet:
        call.note(f"{', '.join(plugins)}: what is built in stays enabled, and nothing else is.")


@verb(*_where(), checks=False)
def is_enabled(call: Call, plugins: tuple[str, ...], offline: bool, online: bool) -> None:
    """Fail unless these are built in."""
    _require(plugins)


@verb(table_headers_option(), checks=False)
def list_(call: Call) -> Rows:
    """List RabbitMQ's plugins whose work is built in."""
    call.announce("Listing what is built in ...")
    return Rows(("name", "state"), [[name, "enabled"] for name in BUILT_IN], streamed=False)


def _require(plugins: tuple[str, ...]) -> None:
    missing = [name for name in plugins if name not in BUILT_IN]
    if missing:
        raise CtlError(
            f"there is no plugin {', '.join(missing)}: `list` names what is built in", UNAVAILABLE
        )


VERBS = (disable, enable, is_enabled, list_)
