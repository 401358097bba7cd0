"""Celery on quorum queues: its own delays, a queue with a TTL for each bit of a countdown."""

import sys
import time

import pytest
from kombu import Connection, pools
from kombu.transport.native_delayed_delivery import MAX_NUMBER_OF_BITS_TO_USE, level_name

from .celery_tasks import make_app
from .waiting import PATIENCE_SECONDS

pytestmark = pytest.mark.timeout(90)

START_SECONDS = 30
SETTINGS = {"task_default_queue_type": "quorum", "task_default_exchange_type": "topic"}


@pytest.fixture
def app(server, start, tmp_path):
    """An application whose worker has declared the delays."""
    results = f"db+sqlite:///{tmp_path}/results.sqlite"
    worker = start(
        sys.executable,
        *("-m", "celery", "--app", "celery_tasks", "worker"),
        *("--hostname", "one@tests", "--loglevel", "INFO", "--pool", "solo"),
        RESULT_BACKEND=results,
        QUEUE_TYPE="quorum",
        EXCHANGE_TYPE="topic",
    )
    worker.says("one@tests ready", within_seconds=START_SECONDS)
    with make_app(server.url, results, **SETTINGS) as app:
        yield app
    pools.reset()


def waiting(server):
    """How many tasks wait on each level."""
    with Connection(server.url) as connection:
        channel = connection.channel()
        counts = {
            level: channel.queue_declare(level_name(level), passive=True).message_count
            for level in range(MAX_NUMBER_OF_BITS_TO_USE)
        }
    return {level: count for level, count in counts.items() if count}


@pytest.mark.parametrize("countdown", [1, 3])
def test_a_task_waits_in_the_broker_and_is_done_in_time(app, countdown):
    sent_at = time.time()
    done_at = app.tasks["now"].apply_async(countdown=countdown).get(timeout=PATIENCE_SECONDS)
    # Celery counts whole seconds, and rounds down.
    assert countdown - 1.05 < done_at - sent_at < countdown + 5


def test_a_task_of_next_week_waits_in_the_queue_of_its_highest_bit(app, server):
    week_seconds = 7 * 24 * 3600
    app.tasks["now"].apply_async(countdown=week_seconds + 0.9)
    assert waiting(server) == {week_seconds.bit_length() - 1: 1}


def test_tasks_without_a_countdown_do_not_wait(app):
    app.tasks["now"].apply_async(countdown=600)
    assert app.tasks["add"].delay(1, 2).get(timeout=PATIENCE_SECONDS) == 3


def test_a_retry_with_a_countdown_waits_in_the_broker_too(app):
    result = app.tasks["flaky"].delay(1, countdown=2)
    assert result.get(timeout=PATIENCE_SECONDS) == 1
