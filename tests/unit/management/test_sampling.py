"""Samples are taken every five seconds, in slices, and kept only while they differ."""

import itertools

import pytest

from leveret.broker.content import Properties
from leveret.broker.message import Message
from leveret.management.history import KEPT_MS, QUEUE, TICK_MS, History
from leveret.management.sampling import Sampler
from leveret.management.statistics import Ranges, Statistics
from leveret.management.totals import Totals
from leveret.testing.memory_server import MemoryServer
from leveret.wire.frames import body_frames, header_frame


def message() -> Message:
    header = header_frame(1, Properties().encode(), 1)
    frames = header + body_frames(1, b"x", 131072)
    return Message(frames, b"\0\0", 1, len(header), 1, len(header), False)


@pytest.fixture
def server():
    return MemoryServer()


@pytest.fixture
def queue(server):
    vhost = server.broker.vhosts["/"]
    queue = vhost.new_queue("q", False, None, False, {})
    vhost.add_queue(queue)
    return queue


@pytest.fixture
def sampler(server):
    sampler = Sampler(server.broker)
    sampler.start()
    yield sampler
    sampler.stop()


def numbers(publish: int) -> tuple[int, ...]:
    return (publish, *([0] * (len(QUEUE.names) - 1)))


def test_a_rate_is_that_of_the_last_five_seconds(server, queue, sampler):
    statistics = Statistics(sampler)
    for _ in range(10):
        queue.publish(message(), 0)
    # Not sampled yet: the count is exact, the rate knows nothing of it.
    stats = statistics.queue(queue)["message_stats"]
    assert (stats["publish"], stats["publish_details"]) == (10, {"rate": 0.0})
    server.advance(5)
    assert statistics.queue(queue)["message_stats"]["publish_details"] == {"rate": 2.0}
    assert statistics.queue(queue)["messages_details"] == {"rate": 2.0}
    server.advance(5)
    assert statistics.queue(queue)["message_stats"]["publish_details"] == {"rate": 0.0}


def test_samples_are_those_of_the_moments_asked_for(server, queue, sampler):
    query = {"msg_rates_age": "15", "msg_rates_incr": "5"}
    for _ in range(3):
        queue.publish(message(), 0)
        server.advance(5)
    details = Statistics(sampler, Ranges(query.get)).queue(queue)["message_stats"][
        "publish_details"
    ]
    assert [sample["sample"] for sample in details["samples"]] == [3, 2, 1, 0]
    assert details["samples"][0]["timestamp"] == sampler.last_ms
    assert (details["rate"], details["avg_rate"], details["avg"]) == (0.2, 0.2, 1.5)


def test_idle_since_is_when_something_happened_last(server, queue, sampler):
    statistics = Statistics(sampler)
    server.advance(5)
    queue.publish(message(), 0)
    server.advance(5)
    assert "idle_since" not in statistics.queue(queue)
    happened = sampler.last_ms
    server.advance(3600)
    idle_since = statistics.queue(queue)["idle_since"]
    assert idle_since.endswith("+00:00")
    assert queue.history.changed_ms == happened


def test_a_thing_that_nothing_happens_to_keeps_one_sample(server, queue, sampler):
    queue.publish(message(), 0)
    server.advance(3600)
    assert len(queue.history._samples) <= 2


def test_old_samples_go_but_what_they_said_stays_true():
    history = History(QUEUE)
    for tick in range(100):
        history.take(tick * TICK_MS, numbers(tick))
    assert len(history._samples) <= KEPT_MS // TICK_MS + 2
    assert history.at("publish", 99 * TICK_MS) == 99
    assert history.at("publish", 99 * TICK_MS - KEPT_MS) == 99 - KEPT_MS // TICK_MS
    assert history.at("publish", 200 * TICK_MS) == 99


def test_before_its_first_sample_there_was_nothing_of_a_thing():
    history = History(QUEUE)
    history.take(10 * TICK_MS, numbers(7))
    assert history.at("publish", 9 * TICK_MS) == 0


def test_a_walk_over_everything_gives_the_loop_away(server):
    vhost = server.broker.vhosts["/"]
    for number in range(1000):
        vhost.add_queue(vhost.new_queue(f"q{number}", False, None, False, {}))
    ticking = itertools.count()
    # Every look at the clock is a second later: a slice ends at its first look, the second one.
    sampler = Sampler(server.broker, lambda: float(next(ticking)))
    sampler.start()
    assert sampler.last_ms == 0
    server.advance(0)
    assert sampler.last_ms != 0
    assert next(ticking) / 2 >= 10
    assert all(isinstance(each.history, History) for each in vhost.queues.values())
    sampler.stop()


def test_utilisation_is_how_often_the_consumers_kept_up(server, queue, sampler):
    statistics = Statistics(sampler)
    assert statistics.queue(queue)["consumer_utilisation"] == 0

    class Busy:
        active = False

    queue.consumers.append(Busy())
    server.advance(5)
    assert statistics.queue(queue)["consumer_utilisation"] == 1.0
    queue.ready.append(message(), 0)
    server.advance(5)
    assert statistics.queue(queue)["consumer_utilisation"] == 0.5


def test_the_whole_is_the_sum_of_the_vhosts(server, queue, sampler):
    server.add_vhost("other")
    other = server.broker.vhosts["other"]
    second = other.new_queue("q", False, None, False, {})
    other.add_queue(second)
    for each in (queue, second, second):
        each.publish(message(), 0)
    server.advance(5)
    vhosts = list(server.broker.vhosts.values())
    statistics = Statistics(sampler)
    whole, part = totals_of(vhosts), totals_of([other])
    assert statistics.overview(vhosts, whole, True)["queue_totals"]["messages"] == 3
    assert statistics.overview(vhosts, whole, True) == statistics.overview(vhosts, whole, False)
    assert statistics.overview([other], part, False)["queue_totals"]["messages_ready"] == 2


def totals_of(vhosts):
    totals = Totals()
    for vhost in vhosts:
        for _ in totals.steps(vhost):
            pass
    return totals


def test_a_large_vhost_is_added_up_in_steps_and_what_goes_meanwhile_is_counted(server):
    vhost = server.broker.vhosts["/"]
    queues = [vhost.new_queue(f"q{number}", False, None, False, {}) for number in range(1500)]
    for queue in queues:
        vhost.add_queue(queue)
        queue.publish(message(), 0)
        queue.get_empty_count += 1
    totals = Totals()
    steps = totals.steps(vhost)
    next(steps)
    assert totals.lengths.ready == 500
    vhost.remove_queue(queues[-1])
    for _ in steps:
        pass
    assert totals.counts.get_empty == totals_of([vhost]).counts.get_empty == 1500
    assert totals_of([vhost]).messages() == 1499


def test_vhosts_add_up(server, queue):
    server.add_vhost("other")
    queue.publish(message(), 0)
    vhosts = list(server.broker.vhosts.values())
    added = Totals()
    for vhost in vhosts:
        added.add(totals_of([vhost]))
    assert added.numbers() == totals_of(vhosts).numbers()
