"""Workers: threads for the calls that block, with the answers brought back to the event loop.

A worker does its jobs one after the other. Nothing of the broker's state is touched on its thread:
a job is a call on files with what it needs passed in, and its outcome is handled on the loop.
"""

from __future__ import annotations

import queue
import threading
from typing import TYPE_CHECKING

from mypy_extensions import mypyc_attr

if TYPE_CHECKING:
    from collections.abc import Callable

    Job = Callable[[], object]
    Done = Callable[[object, Exception | None], object]


@mypyc_attr(allow_interpreted_subclasses=True)
class Worker:
    """Does jobs in order."""

    def submit(self, job: Job, done: Done) -> None:
        """Do the job away from the loop, then call `done` on the loop with its result, or with
        what it raised; never from inside this call."""
        raise NotImplementedError

    def close(self) -> None:
        """Do what was submitted, and no more. The outcomes still come."""
        raise NotImplementedError


class ThreadWorker(Worker):
    """A thread, started with the first job. `on_loop` has a call made on the event loop."""

    def __init__(self, name: str, on_loop: Callable[[Callable[[], None]], object]) -> None:
        self._name = name
        self._on_loop = on_loop
        self._jobs: queue.SimpleQueue[tuple[Job, Done] | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None

    def submit(self, job: Job, done: Done) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
            self._thread.start()
        self._jobs.put((job, done))

    def close(self) -> None:
        if self._thread is not None:
            self._jobs.put(None)
            self._thread.join()
            self._thread = None

    def _run(self) -> None:
        while (task := self._jobs.get()) is not None:
            self._do(*task)
            # It may hold megabytes, and the next one may not come for hours.
            del task

    def _do(self, job: Job, done: Done) -> None:
        result: object = None
        failure: Exception | None = None
        try:
            result = job()
        except Exception as error:
            # Whatever it is: whoever submitted must hear of it, and the thread must go on.
            failure = error
        self._on_loop(_Outcome(done, result, failure).tell)
        # What was raised refers to this frame, and so to the job.
        del failure


class _Outcome:
    def __init__(self, done: Done, result: object, failure: Exception | None) -> None:
        self._done = done
        self._result = result
        self._failure = failure

    def tell(self) -> None:
        self._done(self._result, self._failure)
