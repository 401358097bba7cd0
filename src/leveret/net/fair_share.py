"""Each vhost's share of a turn of the event loop.

A loop turn serves every socket that is ready, so a tenant with ten busy connections would get ten
times the time of a tenant with one. The time that a vhost's connections take is added up; once its
share is used, they wait for a later turn, in order, and the other vhosts' connections go first.
A vhost that is alone still gets all the time there is, one turn after the other.
"""

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from leveret.net.transport import AmqpTransport

SHARE_SECONDS: Final = 0.002


class FairShare:
    """The share of one vhost."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._spent = 0.0
        self._waiting: deque[AmqpTransport] = deque()
        self._scheduled = False

    def used_up(self) -> bool:
        """Whether this vhost has had its share of the present turn."""
        return self._spent >= SHARE_SECONDS

    def charge(self, seconds: float) -> None:
        """Time was spent on one of the vhost's connections."""
        self._spent += seconds
        # Half a share may add up over many turns before anybody starts a new account: what
        # matters is that no single turn gives more than a whole one.
        if self._spent * 2 >= SHARE_SECONDS:
            self._schedule()

    def wait(self, transport: "AmqpTransport") -> None:
        """Have the transport go on in a later turn."""
        self._waiting.append(transport)
        self._schedule()

    def _schedule(self) -> None:
        if not self._scheduled:
            self._scheduled = True
            self._loop.call_soon(self._next_turn)

    def _next_turn(self) -> None:
        self._scheduled = False
        self._spent = 0.0
        for _ in range(len(self._waiting)):
            if self.used_up():
                self._schedule()
                return
            self._waiting.popleft().proceed()
