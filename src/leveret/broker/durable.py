"""What of a vhost outlives a restart, as the definition store keeps it: keys and values.

A key is a JSON array of names, since a name may hold every character that could separate two. It is
written in ASCII, so that any name can be stored. Arguments are kept as they travel, in hexadecimal:
JSON has neither the types of fields nor octets that are no UTF-8, and both must come back.
"""

import json
from collections.abc import Callable
from typing import Final

from leveret.broker.bindings import canonical_arguments
from leveret.broker.exchanges.delayed import DelayedExchange
from leveret.broker.policies import OPERATOR_POLICY, POLICY
from leveret.broker.queues.classic import ClassicQueue
from leveret.broker.seams import Binding, Destination, Exchange
from leveret.wire.field import Table
from leveret.wire.table import decode_table, encode_table

EXCHANGE: Final = "exchange"
QUEUE: Final = "queue"
BINDING: Final = "binding"
# How many names a key of each kind holds, the vhost's first.
_NAMES: Final = {POLICY: 2, OPERATOR_POLICY: 2, EXCHANGE: 2, QUEUE: 2, BINDING: 6}

# What a signed integer of 64 bits holds.
ID_MAX: Final = (1 << 63) - 1

Thing = ClassicQueue | Exchange | Binding
DefinitionKey = tuple[str, str]


def is_durable(thing: Thing | Destination) -> bool:
    """Whether it outlives a restart; a binding does if both its ends do."""
    if isinstance(thing, Binding):
        return is_durable(thing.source) and is_durable(thing.destination)
    return isinstance(thing, ClassicQueue | Exchange) and thing.durable


def key_of(vhost: str, thing: Thing) -> DefinitionKey:
    """Kind and key of a thing in the vhost of this name."""
    if isinstance(thing, Exchange):
        return EXCHANGE, json.dumps([vhost, thing.name])
    if isinstance(thing, ClassicQueue):
        return QUEUE, json.dumps([vhost, thing.name])
    end = thing.destination
    assert isinstance(end, ClassicQueue | Exchange)
    kind = QUEUE if isinstance(end, ClassicQueue) else EXCHANGE
    # The same for all arguments that make no second binding.
    arguments = canonical_arguments(thing.arguments).hex()
    names = [vhost, thing.source.name, kind, end.name, thing.routing_key, arguments]
    return BINDING, json.dumps(names)


def value_of(thing: Thing) -> dict[str, object]:
    """What else must be known to make it again."""
    arguments = encode_table(thing.arguments).hex()
    if isinstance(thing, Exchange):
        value: dict[str, object] = {
            "type": thing.type_name,
            "auto_delete": thing.auto_delete,
            "internal": thing.internal,
            "arguments": arguments,
        }
        if isinstance(thing, DelayedExchange) and thing.holding is not None:
            value["id"] = int(thing.holding.id)
        return value
    if isinstance(thing, ClassicQueue):
        return {"id": int(thing.id), "auto_delete": thing.auto_delete, "arguments": arguments}
    return {"arguments": arguments}


def names_of(kind: str, key: str) -> list[str]:
    """The names in a key, the vhost's first; ValueError for what is no key of this kind."""
    names = json.loads(key)
    if (
        not isinstance(names, list)
        or len(names) != _NAMES[kind]
        or not all(isinstance(name, str) for name in names)
    ):
        raise ValueError("its key is damaged")
    return names


def arguments_of(value: dict[str, object]) -> Table:
    """The arguments in a value; ValueError or a `WireError` if they are damaged."""
    text = value["arguments"]
    if not isinstance(text, str):
        raise ValueError("its arguments are damaged")
    octets = bytes.fromhex(text)
    if int.from_bytes(octets[:4], "big") != len(octets) - 4:
        raise ValueError("its arguments are damaged")
    return decode_table(octets, 4, len(octets))


class QueueIds:
    """The ids of the durable queues there are, in all vhosts: no two are the same.

    `generate` makes ids that are not made twice in a lifetime (62 random bits; tests count).
    """

    def __init__(self, generate: Callable[[], int]) -> None:
        self._generate = generate
        self._taken: set[int] = set()

    def new(self) -> int:
        """An id for a new queue."""
        while not self.take(queue_id := self._generate()):
            pass
        return queue_id

    def take(self, queue_id: int) -> bool:
        """Whether a queue can have this id; it has it from now on."""
        if not 0 < queue_id <= ID_MAX or queue_id in self._taken:
            return False
        self._taken.add(queue_id)
        return True

    def release(self, queue_id: int) -> None:
        """The queue is gone; its id is not looked out for any more."""
        self._taken.discard(queue_id)
