"""The Celery application of the tests, as module for `celery worker` and as client.

`make_app` is also what a test calls, with the result backend that it wants; the worker's own `app`
is made from the environment.
"""

import os
import threading
import time
from pathlib import Path

from celery import Celery


def make_app(broker_url: str, result_backend: str, **settings: object) -> Celery:
    app = Celery("tests", broker=broker_url, backend=result_backend, set_as_current=False)
    app.conf.update(
        task_send_sent_event=True,
        broker_connection_retry_on_startup=True,
        broker_transport_options={"confirm_publish": True},
        result_chord_retry_interval=0.1,
        result_expires=None,
        worker_hijack_root_logger=False,
        worker_redirect_stdouts=False,
        **settings,
    )

    def task(**options):
        # Otherwise each application would get the tasks of all others, too.
        return lambda function: app.task(name=function.__name__, shared=False, **options)(function)

    @task()
    def add(*numbers):
        return sum(numbers)

    @task()
    def total(numbers):
        return sum(numbers)

    @task()
    def now():
        return time.time()

    @task(bind=True, max_retries=5)
    def flaky(self, failures, countdown=0):
        if self.request.retries < failures:
            raise self.retry(countdown=countdown)
        return self.request.retries

    @task()
    def fail():
        raise ValueError("as told")

    @task(bind=True)
    def whereabouts(self):
        return self.request.hostname, self.request.delivery_info["routing_key"]

    @task()
    def wait_for(path):
        """Says that it runs, and runs until the file is there."""
        print("waiting", os.getpid(), flush=True)
        while not Path(path).exists():
            threading.Event().wait(0.02)
        return "done"

    @task(bind=True, acks_late=True, reject_on_worker_lost=True)
    def die_at_first(self):
        """Hangs until its worker is killed; the next worker gets it again."""
        redelivered = self.request.delivery_info["redelivered"]
        if not redelivered:
            print("hanging", os.getpid(), flush=True)
            threading.Event().wait(60)
        return redelivered

    return app


if "RESULT_BACKEND" in os.environ:
    app = make_app(
        os.environ["AMQP_URL"],
        os.environ["RESULT_BACKEND"],
        task_default_queue_type=os.environ.get("QUEUE_TYPE", "classic"),
        task_default_exchange_type=os.environ.get("EXCHANGE_TYPE", "direct"),
    )
