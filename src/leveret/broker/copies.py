"""CC and BCC: headers with further routing keys of a message (RabbitMQ's sender-selected routing).

Each key leads to queues as the routing key does; a queue gets one copy. BCC does not reach the
consumers: it goes from the headers as the message comes, and the message has its keys beside them,
for its dead letter goes where they lead too.
"""

from typing import Final

from leveret.broker.message import CopiedMessage, Message
from leveret.errors import PreconditionFailed
from leveret.wire.field import KIND_ARRAY, KIND_LONGSTR, KIND_NAMES, Table

CC: Final = "CC"
BCC: Final = "BCC"


def further_keys(headers: Table) -> list[str]:
    """The routing keys in CC and BCC; 406 if either is no array. What is no string in one is
    passed over, as RabbitMQ does."""
    keys: list[str] = []
    for name in (CC, BCC):
        field = headers.get(name)
        if field is None:
            continue
        if field.kind != KIND_ARRAY or not isinstance(field.value, list):
            raise PreconditionFailed(
                "invalid message: "
                f'{{unacceptable_type_in_header,"{name}",{KIND_NAMES[field.kind]}}}',
                remedy=f"{name} is an array of routing keys",
            )
        for each in field.value:
            if each.kind == KIND_LONGSTR:
                keys.append(each.value.decode(errors="surrogateescape"))
    return keys


def blind_keys(message: Message) -> list[str]:
    """The keys of BCC that a message was published with."""
    return message.bcc if isinstance(message, CopiedMessage) else []
