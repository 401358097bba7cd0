"""The actors of a Dramatiq worker process that a test may kill: `dramatiq dramatiq_actors`."""

import os
import threading

import dramatiq
from dramatiq.brokers.rabbitmq import RabbitmqBroker

broker = RabbitmqBroker(url=os.environ["AMQP_URL"])
dramatiq.set_broker(broker)


@dramatiq.actor
def say(text):
    print("said", text, flush=True)


@dramatiq.actor
def hang_at_first(flag):
    """Hangs until its process is killed; the next process gets the message again."""
    if not os.path.exists(flag):
        open(flag, "x").close()
        print("hanging", os.getpid(), flush=True)
        threading.Event().wait(60)
    print("again", flush=True)
