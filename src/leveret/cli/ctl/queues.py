"""Queues: purge, delete."""

import click

from leveret.cli.ctl.answers import Said
from leveret.cli.ctl.call import Call
from leveret.cli.ctl.client import Refused
from leveret.cli.ctl.exits import DATA, UNAVAILABLE, USAGE, CtlError, InputError
from leveret.cli.ctl.verb import argument, verb


@verb(argument("queue"))
def purge_queue(call: Call, queue: str) -> None:
    """Drop the messages of a queue that wait to be delivered."""
    call.announce(f"Purging queue '{queue}' in vhost '{call.vhost}' ...")
    if call.client.find("queues", call.vhost, queue) is None:
        raise CtlError(_no_queue(call, queue), UNAVAILABLE)
    call.client.delete("queues", call.vhost, queue, "contents")


def _named(_: click.Context, __: click.Parameter, queue: str) -> str:
    if not queue:
        raise InputError("a queue has a name; the one given is empty", DATA)
    return queue


@verb(
    argument("queue", callback=_named),
    click.Option(["-e", "--if-empty"], is_flag=True, help="Only when it holds no message."),
    click.Option(["-u", "--if-unused"], is_flag=True, help="Only when it has no consumer."),
)
def delete_queue(call: Call, queue: str, if_empty: bool, if_unused: bool) -> Said:
    """Delete a queue with the messages in it."""
    conditions = [
        text
        for text, wanted in (("if queue is empty", if_empty), ("if queue is unused", if_unused))
        if wanted
    ]
    on_condition = " ".join(["", " and ".join(conditions)]) if conditions else ""
    call.announce(f"Deleting queue '{queue}' on vhost '{call.vhost}'{on_condition} ...")
    known = call.client.find("queues", call.vhost, queue)
    if known is None:
        raise CtlError(_no_queue(call, queue), USAGE)
    flags = [name for name, on in (("if-empty", if_empty), ("if-unused", if_unused)) if on]
    query = "".join(f"{'&' if number else '?'}{name}=true" for number, name in enumerate(flags))
    try:
        call.client.delete("queues", call.vhost, queue, query=query)
    except Refused as refused:
        if refused.status != 400:
            raise
        raise CtlError(f"the queue was not deleted: {refused.reason}", USAGE) from refused
    return Said(f"Queue was successfully deleted with {known['messages_ready']} ready messages")


def _no_queue(call: Call, queue: str) -> str:
    return (
        f"there is no queue '{queue}' in vhost '{call.vhost}': "
        "list_queues names those there are, and -p another vhost"
    )


VERBS = (delete_queue, purge_queue)
