"""A worker whose jobs are done when the test says so, on the test's own thread."""

from collections import deque
from collections.abc import Callable

from leveret.store.worker import Worker


class ManualWorker(Worker):
    """`work` does a job, `tell` hands over an outcome, and between the two anything may happen, as
    with a thread."""

    def __init__(self) -> None:
        self._jobs: deque[tuple[Callable[[], object], Callable[..., object]]] = deque()
        self._outcomes: deque[tuple[Callable[..., object], object, Exception | None]] = deque()

    def submit(
        self, job: Callable[[], object], done: Callable[[object, Exception | None], object]
    ) -> None:
        self._jobs.append((job, done))

    def close(self) -> None:
        while self.work():
            pass

    def busy(self) -> bool:
        """Whether there is a job to do or an outcome to tell."""
        return len(self._jobs) + len(self._outcomes) > 0

    def work(self) -> bool:
        """Do the next job, without telling; false if there is none."""
        if not self._jobs:
            return False
        job, done = self._jobs.popleft()
        result: object = None
        failure: Exception | None = None
        try:
            result = job()
        except Exception as error:
            failure = error
        self._outcomes.append((done, result, failure))
        return True

    def tell(self) -> bool:
        """Hand over the next outcome; false if there is none."""
        if not self._outcomes:
            return False
        done, result, failure = self._outcomes.popleft()
        done(result, failure)
        return True

    def run(self) -> bool:
        """Do and tell all that there is, also what comes of it; false if there was nothing."""
        if not self.busy():
            return False
        while self.work() or self.tell():
            pass
        return True
