"""Celery: real workers, and what a program, a monitor and an operator do with them."""

import os
import signal
import sys
import threading
from collections import Counter

import pytest
from celery import chain, chord, group
from celery.exceptions import TaskRevokedError
from kombu import pools

from .celery_tasks import make_app
from .waiting import PATIENCE_SECONDS, eventually

pytestmark = pytest.mark.timeout(60)

START_SECONDS = 30


@pytest.fixture
def results(tmp_path):
    """A result backend that knows chords and is no service."""
    return f"db+sqlite:///{tmp_path}/results.sqlite"


@pytest.fixture
def app(server, results):
    with make_app(server.url, results) as app:
        yield app


@pytest.fixture(autouse=True)
def _connections_are_closed_before_the_server_is(server):
    yield
    pools.reset()


@pytest.fixture
def start_worker(start, results):
    """Starts a worker and waits until it consumes."""

    def start_worker(*options, name="one", **environment):
        worker = start(
            sys.executable,
            *("-m", "celery", "--app", "celery_tasks", "worker"),
            *("--hostname", f"{name}@tests", "--loglevel", "INFO", *options),
            **{"RESULT_BACKEND": results} | environment,
        )
        worker.says(rf"{name}@tests ready", within_seconds=START_SECONDS)
        return worker

    return start_worker


SOLO = ("--pool", "solo")
THREADS = ("--pool", "threads", "--concurrency", "2")
PREFORK = ("--pool", "prefork", "--concurrency", "1")


def inspected(app):
    """Asks the workers: returns once one has answered."""
    return app.control.inspect(limit=1, timeout=PATIENCE_SECONDS)


def get(result):
    return result.get(timeout=PATIENCE_SECONDS)


class TestTasks:
    def test_a_task_returns_its_result(self, app, start_worker):
        start_worker(*THREADS)
        assert get(app.tasks["add"].delay(1, 2)) == 3

    def test_a_task_that_was_sent_before_its_worker_started_is_done(self, app, start_worker):
        early = app.tasks["add"].delay(1, 2)
        start_worker(*SOLO)
        assert get(early) == 3

    def test_an_exception_comes_back(self, app, start_worker):
        start_worker(*THREADS)
        with pytest.raises(ValueError, match="as told"):
            get(app.tasks["fail"].delay())

    def test_results_come_through_the_broker(self, server, start_worker):
        """With rpc:// each client has a reply queue of its own."""
        start_worker(*THREADS, RESULT_BACKEND="rpc://")
        with make_app(server.url, "rpc://") as app:
            results = [app.tasks["add"].delay(n, n) for n in range(20)]
            assert [get(result) for result in results] == [2 * n for n in range(20)]
            app.backend.result_consumer.stop()

    def test_a_chord_calls_back_with_all_results(self, app, start_worker):
        start_worker(*THREADS)
        add, total = app.tasks["add"], app.tasks["total"]
        summed = chord(add.s(n, n) for n in range(10))(total.s())
        assert get(summed) == 90

    def test_chains_and_groups_pass_results_on(self, app, start_worker):
        start_worker(*THREADS)
        add, total = app.tasks["add"], app.tasks["total"]
        assert get(chain(add.s(1, 1), add.s(2), add.s(3)).delay()) == 7
        assert get(group(add.s(n, 1) for n in range(5)).delay()) == [1, 2, 3, 4, 5]
        assert get(chain(group(add.s(n) for n in range(4)), total.s()).delay()) == 6

    def test_a_task_is_retried_until_it_succeeds(self, app, start_worker):
        # One at a time: Celery stores that there will be a retry after it has sent the retry.
        start_worker(*SOLO)
        assert get(app.tasks["flaky"].delay(3)) == 3

    def test_a_task_goes_through_a_quorum_queue(self, server, results, start_worker):
        start_worker(*THREADS, QUEUE_TYPE="quorum")
        with make_app(server.url, results, task_default_queue_type="quorum") as app:
            assert get(app.tasks["add"].delay(1, 2)) == 3

    def test_messages_are_purged(self, app):
        for n in range(3):
            app.tasks["add"].delay(n, n)
        assert app.control.purge() == 3


class TestRouting:
    def test_each_worker_gets_the_tasks_of_its_queues(self, app, start_worker):
        start_worker(*SOLO, "--queues", "images,celery", name="one")
        start_worker(*SOLO, "--queues", "mail", name="two")
        where = app.tasks["whereabouts"]
        sent = {queue: where.apply_async(queue=queue) for queue in ("images", "mail", "celery")}
        assert {queue: get(result) for queue, result in sent.items()} == {
            "images": ["one@tests", "images"],
            "mail": ["two@tests", "mail"],
            "celery": ["one@tests", "celery"],
        }

    def test_workers_share_one_queue(self, app, start_worker, tmp_path):
        start_worker(*SOLO, "--prefetch-multiplier", "1", name="one")
        start_worker(*SOLO, "--prefetch-multiplier", "1", name="two")
        where = app.tasks["whereabouts"]
        names = Counter(get(result)[0] for result in [where.delay() for _ in range(20)])
        assert set(names) == {"one@tests", "two@tests"}


class TestRemoteControl:
    def test_workers_answer(self, app, start_worker):
        start_worker(*THREADS, name="one")
        start_worker(*THREADS, name="two")
        both = app.control.inspect(limit=2, timeout=PATIENCE_SECONDS)
        assert both.ping() == {"one@tests": {"ok": "pong"}, "two@tests": {"ok": "pong"}}
        assert both.active_queues()["one@tests"][0]["name"] == "celery"

    def test_what_runs_is_shown(self, app, start_worker, tmp_path):
        worker = start_worker(*THREADS)
        result = app.tasks["wait_for"].delay(str(tmp_path / "go"))
        worker.says("waiting")
        [active] = inspected(app).active()["one@tests"]
        assert (active["id"], active["name"]) == (result.id, "wait_for")
        (tmp_path / "go").touch()
        assert get(result) == "done"

    def test_a_pool_grows(self, app, start_worker):
        start_worker(*PREFORK)

        def processes():
            return len(inspected(app).stats()["one@tests"]["pool"]["processes"])

        assert processes() == 1
        assert app.control.pool_grow(1, reply=True, timeout=PATIENCE_SECONDS, limit=1) == [
            {"one@tests": {"ok": "pool will grow"}}
        ]
        eventually(lambda: processes() == 2, "the pool has two processes")

    def test_a_rate_limit_is_set(self, app, start_worker):
        start_worker(*THREADS)
        answers = app.control.rate_limit(
            "add", "100/m", reply=True, timeout=PATIENCE_SECONDS, limit=1
        )
        assert answers == [{"one@tests": {"ok": "new rate limit set successfully"}}]
        assert get(app.tasks["add"].delay(1, 2)) == 3

    def test_a_worker_takes_up_another_queue_and_leaves_it(self, app, start_worker):
        start_worker(*THREADS)
        app.control.add_consumer("late", reply=True, timeout=PATIENCE_SECONDS, limit=1)
        where = app.tasks["whereabouts"]
        assert get(where.apply_async(queue="late")) == ["one@tests", "late"]
        app.control.cancel_consumer("late", reply=True, timeout=PATIENCE_SECONDS, limit=1)
        assert [q["name"] for q in inspected(app).active_queues()["one@tests"]] == ["celery"]

    def test_a_waiting_task_is_revoked(self, app, start_worker, tmp_path):
        worker = start_worker(*PREFORK)
        running = app.tasks["wait_for"].delay(str(tmp_path / "go"))
        worker.says("waiting")
        waiting = app.tasks["add"].delay(1, 2)
        app.control.revoke(waiting.id, reply=True, timeout=PATIENCE_SECONDS, limit=1)
        (tmp_path / "go").touch()
        assert get(running) == "done"
        with pytest.raises(TaskRevokedError):
            get(waiting)

    def test_a_running_task_is_terminated(self, app, start_worker, tmp_path):
        worker = start_worker(*PREFORK)
        running = app.tasks["wait_for"].delay(str(tmp_path / "never"))
        worker.says("waiting")
        running.revoke(terminate=True)
        with pytest.raises(TaskRevokedError):
            get(running)

    def test_workers_are_shut_down(self, app, start_worker):
        worker = start_worker(*THREADS)
        app.control.shutdown()
        assert worker.wait() == 0


class TestEvents:
    def test_a_monitor_sees_the_life_of_a_task(self, app, start_worker):
        start_worker(*THREADS, "--task-events")
        state = app.events.State()
        seen = []
        listening = threading.Event()

        def on_event(event):
            state.event(event)
            seen.append(event["type"])
            listening.set()

        def monitor():
            with app.connection_for_read() as connection:
                receiver.append(app.events.Receiver(connection, handlers={"*": on_event}))
                # It asks the workers for a heartbeat, the first thing to arrive.
                receiver[0].capture(wakeup=True)

        receiver = []
        thread = threading.Thread(target=monitor, daemon=True)
        thread.start()
        assert listening.wait(PATIENCE_SECONDS)

        result = app.tasks["add"].delay(1, 2)
        assert get(result) == 3

        life = ["task-sent", "task-received", "task-started", "task-succeeded"]
        eventually(lambda: set(life) <= set(seen), "all the task's events have come")
        assert state.tasks[result.id].state == "SUCCESS"
        assert "one@tests" in state.workers
        receiver[0].should_stop = True
        thread.join(PATIENCE_SECONDS)
        assert not thread.is_alive()


class TestLateAcknowledgement:
    def test_a_task_of_a_killed_worker_runs_again_elsewhere(self, app, start_worker):
        worker = start_worker(*SOLO, name="one")
        result = app.tasks["die_at_first"].delay()
        worker.says("hanging")
        worker.kill()
        start_worker(*SOLO, name="two")
        assert get(result) is True

    def test_a_task_of_a_killed_pool_process_runs_again(self, app, start_worker):
        worker = start_worker(*PREFORK)
        result = app.tasks["die_at_first"].delay()
        process = worker.says(r"hanging (\d+)")
        os.kill(int(process[1]), signal.SIGKILL)
        assert get(result) is True

    def test_a_worker_that_is_asked_to_end_finishes_its_task(self, app, start_worker, tmp_path):
        worker = start_worker(*THREADS)
        result = app.tasks["wait_for"].delay(str(tmp_path / "go"))
        worker.says("waiting")
        worker.ask_to_end()
        worker.says("Warm shutdown")
        (tmp_path / "go").touch()
        assert worker.wait() == 0
        assert get(result) == "done"


class TestTasksForLater:
    def test_an_immediate_task_runs_at_once_beside_fifty_for_later(self, app, start_worker):
        """A worker keeps what is for later, and raises its prefetch for each. A server at which
        that raises nothing delivers four of these and then no more."""
        start_worker("--pool", "threads", "--concurrency", "2", "--prefetch-multiplier", "2")
        add = app.tasks["add"]
        for n in range(50):
            add.apply_async((n, n), countdown=3600)
        eventually(
            lambda: len(inspected(app).scheduled()["one@tests"]) == 50, "the worker has all fifty"
        )
        assert inspected(app).stats()["one@tests"]["prefetch_count"] == 54
        assert get(add.delay(1, 2)) == 3

    def test_a_task_runs_when_its_time_has_come(self, app, start_worker):
        start_worker(*THREADS)
        assert get(app.tasks["add"].apply_async((1, 2), countdown=0.5)) == 3


class TestLostConnections:
    def test_a_worker_goes_on_after_a_cut(self, app, start_worker, server, proxy):
        worker = start_worker(*THREADS, AMQP_URL=server.behind(proxy).url)
        assert get(app.tasks["add"].delay(1, 2)) == 3
        for _ in range(3):
            proxy.cut()
            worker.says("Connection to broker lost")
            assert get(app.tasks["add"].delay(3, 4)) == 7

    def test_a_program_goes_on_after_a_cut(self, server, results, start_worker, proxy):
        start_worker(*THREADS)
        with make_app(server.behind(proxy).url, results) as app:
            assert get(app.tasks["add"].delay(1, 2)) == 3
            proxy.cut()
            assert get(app.tasks["add"].delay(3, 4)) == 7
