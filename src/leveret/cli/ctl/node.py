"""The broker's process: does it answer, wait for it, stop it."""

import os
import select
import time
from pathlib import Path
from typing import Final

import click

from leveret.cli.ctl.answers import Said
from leveret.cli.ctl.call import Call
from leveret.cli.ctl.client import NoBroker
from leveret.cli.ctl.exits import DATA, NO_INPUT, TEMPORARY, UNAVAILABLE, CtlError
from leveret.cli.ctl.status import status
from leveret.cli.ctl.verb import argument, verb

STARTUP_TIMEOUT_SECONDS: Final = 300
# Between two looks at something that cannot be waited for.
PAUSE_SECONDS: Final = 0.05


@verb(checks=False)
def ping(call: Call) -> Said:
    """Say whether a broker answers."""
    call.announce(
        f"Will ping {call.node}. This only checks if the OS process is running and answers. "
        f"Timeout: {int(call.timeout_seconds * 1000)} ms."
    )
    try:
        call.client.get("x", "ping")
    except CtlError as error:
        raise CtlError(error.sentence, UNAVAILABLE) from error
    return Said("Ping succeeded")


@verb(checks=False, default_timeout_seconds=STARTUP_TIMEOUT_SECONDS)
def await_startup(call: Call) -> None:
    """Wait until a broker answers; at most 300 seconds, or what --timeout says."""
    _wait_for_answer(call, None)


@verb(
    argument("pidfile", metavar="[PIDFILE]", required=False),
    click.Option(["-P", "--pid"], metavar="PID", type=int, help="Instead of PIDFILE."),
    checks=False,
)
def wait(call: Call, pidfile: str | None, pid: int | None) -> None:
    """Wait until a broker answers, as long as its process runs.

    PIDFILE, or --pid, has the number of the process.
    """
    if (pidfile is None) == (pid is None):
        raise click.UsageError("name the process by PIDFILE or by --pid")
    process = pid if pidfile is None else _process_in(pidfile)
    call.announce(f"Waiting for node {call.node} while OS process '{process}' is running")
    _wait_for_answer(call, process)


def _wait_for_answer(call: Call, process: int | None) -> None:
    end = time.monotonic() + call.timeout_seconds
    # With no time to wait it is asked once, and then given the time to answer.
    call.client.timeout_seconds = call.timeout_seconds or 1
    while True:
        try:
            call.client.get("x", "ping")
            return
        except NoBroker:
            if time.monotonic() >= end:
                raise
        if process is not None and not _runs(process):
            raise CtlError(f"process {process} has ended: see the broker's log", UNAVAILABLE)
        time.sleep(PAUSE_SECONDS)


def _runs(process: int | None) -> bool:
    try:
        os.kill(process or 0, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        # Another user's.
        return True
    return True


@verb(checks=False)
def version(call: Call) -> Said:
    """Say which version this command has."""
    from leveret import __version__

    return Said(__version__, {"version": __version__})


@verb()
def start_app(call: Call) -> None:
    """Accepted: a broker that answers has started."""
    call.announce(f"Starting node {call.node} ...")
    call.client.get("x", "ping")


@verb(
    argument("pidfile", metavar="[PIDFILE]", required=False),
    click.Option(["--idempotent"], is_flag=True, help="Succeed when no broker runs."),
    checks=False,
)
def stop(call: Call, pidfile: str | None, idempotent: bool) -> Said | None:
    """Stop the broker, and wait until its process has ended.

    With PIDFILE only the process whose number the file holds is stopped.
    """
    return _stop(call, pidfile, idempotent)


@verb(checks=False)
def shutdown(call: Call) -> Said | None:
    """Stop the broker, and wait until its process has ended."""
    return _stop(call, None, False)


def _stop(call: Call, pidfile: str | None, idempotent: bool) -> Said | None:
    call.announce(f"Stopping and halting node {call.node} ...")
    expected = None if pidfile is None else _process_in(pidfile)
    try:
        process = int(call.client.get("x", "status")["pid"])
        if expected not in (None, process):
            raise CtlError(
                f"{pidfile} names process {expected}, and the broker is process {process}: "
                "nothing was stopped; name the broker with --data",
                DATA,
            )
        end = time.monotonic() + call.timeout_seconds
        with _Ending(call, process) as ending:
            call.client.post("x", "stop")
            ending.wait(end)
    except NoBroker:
        if not idempotent:
            raise
        return Said(f"Node {call.node} is no longer running")
    return None


class _Ending:
    """The end of a broker's process; on another machine, that nobody answers any more."""

    def __init__(self, call: Call, process: int) -> None:
        self._call = call
        self._process = process
        self._descriptor = -1
        if not call.client.address.host and hasattr(os, "pidfd_open"):
            try:
                self._descriptor = os.pidfd_open(process)
            except OSError:
                # Another namespace's process, or an old kernel.
                self._descriptor = -1

    def __enter__(self) -> "_Ending":
        return self

    def __exit__(self, *_: object) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)

    def wait(self, end: float) -> None:
        if self._descriptor >= 0:
            poll = select.poll()
            poll.register(self._descriptor, select.POLLIN)
            ended = bool(poll.poll(max(0.0, end - time.monotonic()) * 1000))
        else:
            ended = self._falls_silent(end)
        if not ended:
            raise CtlError(
                f"the broker, process {self._process}, was told to stop and has not ended yet: "
                "see its log",
                TEMPORARY,
            )

    def _falls_silent(self, end: float) -> bool:
        while time.monotonic() < end:
            try:
                self._call.client.check()
            except NoBroker:
                return True
            time.sleep(PAUSE_SECONDS)
        return False


def _process_in(pidfile: str) -> int:
    try:
        return int(Path(pidfile).read_text())
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it holds no number"
        raise CtlError(
            f"{pidfile} cannot be used ({reason}): leave it out to stop the broker of --data",
            NO_INPUT,
        ) from error


VERBS = (await_startup, ping, shutdown, start_app, status, stop, version, wait)
