"""What systemd hears of the broker (sd_notify): that it is ready, stops, and is alive."""

import asyncio
import os
import socket
import time
from collections.abc import Mapping


class ServiceManager:
    """Speaks to the socket that the environment names; without one it says nothing."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._address = environment.get("NOTIFY_SOCKET", "")
        meant = environment.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        timeout_us = environment.get("WATCHDOG_USEC", "") if meant else ""
        self._pause_seconds = int(timeout_us) / 2e6 if timeout_us.isdecimal() else 0.0

    def tell(self, *states: str) -> None:
        """Send assignments such as `READY=1`."""
        if not self._address or not hasattr(socket, "AF_UNIX"):
            return
        # An @ stands for the octet 0 that begins an abstract name.
        address = "\0" + self._address[1:] if self._address[0] == "@" else self._address
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as end:
                end.setblocking(False)
                end.sendto("\n".join(states).encode(), address)
        except OSError:
            # A broker that works is not ended by a service manager that does not listen.
            return

    def reloading(self) -> None:
        """The settings are being read again; `READY=1` ends that."""
        self.tell("RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1000}")

    def keep_alive(self, loop: asyncio.AbstractEventLoop) -> None:
        """Say from now on, twice in systemd's time, that the loop turns."""
        if self._pause_seconds:
            self.tell("WATCHDOG=1")
            loop.call_later(self._pause_seconds, self.keep_alive, loop)
