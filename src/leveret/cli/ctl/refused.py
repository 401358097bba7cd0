"""Verbs of RabbitMQ's that Leveret does not have: each says why, and what to do instead."""

from typing import Final

import click

from leveret.cli.ctl.call import Call
from leveret.cli.ctl.exits import UNAVAILABLE, CtlError
from leveret.cli.ctl.verb import VerbCommand, argument, verb

_ERLANG: Final = "it runs Erlang inside the broker, and there is no Erlang here"
_ONE_NODE: Final = "a Leveret is one node: there is no cluster to change"
_DATA: Final = (
    "it would delete all users, queues and messages: stop the broker and move its data folder away "
    "(`status` names it)"
)
_SECRETS: Final = "secrets are not encrypted in settings: name a file with NAME_FILE instead"

REASONS: Final = {
    "eval": _ERLANG,
    "eval_file": _ERLANG,
    "exec": _ERLANG,
    "encode": _SECRETS,
    "decode": _SECRETS,
    "join_cluster": _ONE_NODE,
    "forget_cluster_node": _ONE_NODE,
    "force_boot": _ONE_NODE,
    "add_member": _ONE_NODE,
    "delete_member": _ONE_NODE,
    "grow": _ONE_NODE,
    "shrink": _ONE_NODE,
    "transfer_leadership": _ONE_NODE,
    "reset": _DATA,
    "force_reset": _DATA,
    "stop_app": "the broker and its process are one: end both with `stop`",
    "rotate_logs": "a log file that has been renamed is begun anew by itself: rename it",
    "consume_event_stream": "events do not come to this command: `log_tail` has what was logged "
    "of them, and the HTTP API what there is now",
    "message_size_stats": "the sizes of messages are not counted as they pass: `list_queues name "
    "messages message_bytes` has those of what waits",
}


def _refusing(name: str, reason: str) -> VerbCommand:
    def refuse(call: Call, words: tuple[str, ...]) -> None:
        raise CtlError(f"{name} is refused: {reason}", UNAVAILABLE)

    refuse.__name__ = name
    refuse.__doc__ = f"Refused: {reason}."
    words = argument("words", metavar="[WORD]...", nargs=-1, type=click.UNPROCESSED)
    command = verb(words, checks=False)(refuse)
    # Whatever else is given, the answer is the same.
    command.ignore_unknown_options = True
    return command


VERBS = tuple(_refusing(name, reason) for name, reason in REASONS.items())
