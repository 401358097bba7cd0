"""The log's word about messages that no queue receives and nobody asked to have returned.

AMQP drops them in silence, which is right and the most puzzling thing a beginner meets. A publisher
repeats itself, so the log hears of each exchange and routing key once per connection, and of no
more than so many.
"""

import logging
from typing import Final

log = logging.getLogger("leveret.connection")

TOLD_MAX: Final = 100


class Unroutable:
    """What one connection has been told about."""

    __slots__ = ("_told",)

    def __init__(self) -> None:
        self._told: dict[bytes, None] = {}

    def __len__(self) -> int:
        return len(self._told)

    def tell(self, publisher: str, exchange: str, routing_key: str, tail: bytes) -> None:
        """A message was dropped; `tail` is its exchange and routing key, encoded."""
        if tail in self._told or len(self._told) > TOLD_MAX:
            return
        self._told[tail] = None
        if len(self._told) > TOLD_MAX:
            log.warning(
                "%s: messages with more than %d routing keys were dropped, because no queue "
                "receives them; the log hears of no further ones of this connection",
                publisher,
                TOLD_MAX,
            )
            return
        if exchange == "":
            to = f"the default exchange with routing key '{routing_key}'"
            remedy = f"there is no queue of this name: {_missing_queue(routing_key)}"
        else:
            to = f"exchange '{exchange}' with routing key '{routing_key}'"
            remedy = "no binding matches: bind a queue before publishing"
        log.warning(
            "%s: a message to %s was dropped, because no queue receives it (%s. "
            "With `mandatory` a publisher gets such messages back. This connection's further ones "
            "with the same names are not logged)",
            publisher,
            to,
            remedy,
        )


def _missing_queue(name: str) -> str:
    if name.startswith("amq."):
        return "it was named by the server and has gone with its owner, as reply queues do"
    return "declare it first, in this vhost, and mind upper and lower case"
