"""Many queues: no answer holds the loop, whatever is asked for."""

import gc
import time
from contextlib import contextmanager

import pytest

from leveret.allocation import settle_collector
from leveret.broker.actor import Actor
from leveret.testing import EmbeddedBroker

from .client import Client

QUEUES = 10_000
# What a turn of the loop may take in all, of which a slice of an answer is a quarter. Processor
# time is measured: what other processes take from this machine does not count.
TURN_MAX_SECONDS = 0.02

PATHS = (
    "/api/queues",
    "/api/queues?columns=name,messages",
    "/api/queues?page=90&page_size=100&sort=messages&sort_reverse=true",
    "/api/queues?page=1&use_regex=true&pagination=false&name=^q.*9$&page_size=500",
    "/api/queues/%2F?sort=arguments.x-max-length",
    "/api/bindings",
    "/api/exchanges/%2F/amq.default/bindings/source",
    "/api/exchanges/%2F/amq.fanout/bindings/source",
    "/api/queues/%2F/q00000/bindings",
    "/api/bindings/%2F/e/amq.topic/q/q00000",
    "/api/bindings/%2F/e/amq.topic/q/q00000/k09999",
    "/api/consumers",
    "/api/overview",
    "/api/vhosts",
)


@pytest.fixture(scope="module")
def many():
    with EmbeddedBroker(http_enabled=True) as embedded:
        vhost = embedded.server.broker.vhosts["/"]

        def declare():
            actor = Actor("test", None)
            vhost.declare_queue(actor, "q00000")
            for number in range(QUEUES):
                vhost.declare_queue(actor, name := f"q{number * 7919 % QUEUES:05}")
                vhost.bind(actor, "amq.fanout", "queue", name, "", {})
                vhost.bind(actor, "amq.topic", "queue", "q00000", f"k{number:05}", {})

        embedded.look(declare)
        thresholds = gc.get_threshold()
        # As `serve` does once everything is up.
        settle_collector()
        yield embedded
        gc.unfreeze()
        gc.set_threshold(*thresholds)


@contextmanager
def turns(broker):
    """Collects the processor time of each turn of the loop."""
    collected = []
    state = {"last": 0.0, "on": True}

    def turn():
        now = time.thread_time()
        collected.append(now - state["last"])
        state["last"] = now
        if state["on"]:
            loop.call_soon(turn)

    def start():
        state["last"] = time.thread_time()
        turn()

    loop = broker.server._loop
    broker.look(start)
    yield collected
    broker.look(lambda: state.update(on=False))


@pytest.mark.parametrize("path", PATHS)
def test_no_turn_of_the_loop_is_long_while_ten_thousand_queues_are_shown(many, path):
    api = Client((many.host, many.server.http_port), "guest", "guest")
    many.look(lambda: None)
    with turns(many) as collected:
        reply = api.get(path)
    assert reply.status == 200
    assert max(collected) < TURN_MAX_SECONDS


def test_a_policy_for_ten_thousand_queues_does_not_hold_the_loop_either(many):
    api = Client((many.host, many.server.http_port), "guest", "guest")
    body = {"pattern": "^q.*7$", "definition": {"max-length": 10}}
    with turns(many) as collected:
        assert api.put("/api/policies/%2F/long", body).status == 201
    assert max(collected) < TURN_MAX_SECONDS
    obeying = api.get("/api/queues?columns=policy,name&sort=policy&sort_reverse=true").json
    assert [row["name"] for row in obeying if row["policy"]][-1] == "q00007"
    api.delete("/api/policies/%2F/long")
