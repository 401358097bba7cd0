"""The thread that does what blocks."""

import queue
import threading
import weakref
from collections.abc import Callable, Iterator

import pytest

from leveret.store.worker import ThreadWorker

PATIENCE_SECONDS = 5.0

Calls = queue.SimpleQueue[Callable[[], None]]


@pytest.fixture
def calls() -> Calls:
    """What is to happen on the loop."""
    return queue.SimpleQueue()


@pytest.fixture
def worker(calls: Calls) -> Iterator[ThreadWorker]:
    worker = ThreadWorker("a worker", calls.put)
    yield worker
    worker.close()


class Batch:
    """What a job needs, and may be large."""

    size = 1000


def freed(thing: object) -> threading.Event:
    """Happens when a thing is freed."""
    event = threading.Event()
    weakref.finalize(thing, event.set)
    return event


@pytest.mark.parametrize("fails", [False, True])
def test_nothing_of_a_job_stays_until_the_next_one_comes(
    worker: ThreadWorker, calls: Calls, fails: bool
) -> None:
    batch, told = Batch(), list[object]()
    gone = freed(batch)

    def job(batch: Batch = batch) -> int:
        if fails:
            raise OSError(f"no room for {batch.size} octets")
        return batch.size

    worker.submit(job, lambda result, error: told.append(error or result))
    del job, batch
    calls.get(timeout=PATIENCE_SECONDS)()
    assert [str(each) for each in told] == ["no room for 1000 octets" if fails else "1000"]
    told.clear()
    assert gone.wait(PATIENCE_SECONDS)
