"""A routing key that no route is kept for is matched in time, whatever the binding keys are."""

import random
import time
from itertools import product

import pytest

from leveret.broker.exchanges import topic
from leveret.broker.exchanges.topic import TopicExchange
from leveret.broker.seams import Binding
from leveret.testing.kits import Inert
from leveret.wire.properties import Properties

CHANCE = random.Random(7)
WORDS = [f"w{number}" for number in range(200)]
# What is promised is 1 ms compiled on a machine that has time; a busy one may take much longer.
COMPILED = topic.__file__.endswith((".so", ".pyd"))
BOUND_SECONDS = 0.01 if COMPILED else 0.05
# Ten thousand keys that all go on and on with words of the routing key are followed word by word.
EXTREME_SECONDS = 0.25 if COMPILED else 2.0


def any_of(words: list[str], count: int) -> str:
    return ".".join(CHANCE.choice(words) for _ in range(count))


def keys_like(form: str, words: list[str] = WORDS) -> list[str]:
    """Ten thousand binding keys with words for the underscores."""
    parts = form.split("_")
    pieces = [[CHANCE.choice(words) for _ in parts[1:]] + [""] for _ in range(10_000)]
    return ["".join(a + b for a, b in zip(parts, each, strict=True)) for each in pieces]


CASES = {
    "nothing but #": ([".".join("#" * count) for count in range(1, 128)], ["a"]),
    "# between equal words": (["#.a." * 25 + "#.b"], ["a"]),
    "# between two words": (["#." + ".#.".join(any_of(["a", "b"], 1) for _ in range(60))], ["a"]),
    "words anywhere": (keys_like("#._.#._.#"), WORDS),
    "words in order, the last one last": (keys_like("#._.#._"), WORDS),
    "three words in order": (keys_like("#._.#._.#._"), WORDS),
    "three words in order, anywhere": (keys_like("#._.#._.#._.#"), WORDS),
    "a gap of one word": (keys_like("#._.*._.#"), WORDS),
    "pairs of words": (keys_like("#._._.#._._.#"), WORDS),
    "sixty words in order": (keys_like("#" + "._.#" * 60), WORDS),
    "only wildcards": ([any_of(["#", "*"], 20) for _ in range(10_000)], ["a"]),
    "wildcards and words": ([any_of(["#", "*"] * 100 + WORDS, 6) for _ in range(10_000)], WORDS),
    "every choice of word and *": (
        ["#." + ".".join(choice) + ".x" for choice in product("a*", repeat=13)],
        ["a"],
    ),
    "every choice of word and *, anywhere": (
        ["#." + ".".join(choice) + ".#" for choice in product("a*", repeat=13)],
        ["a"],
    ),
    "Celery's native delayed delivery": (
        ["*." * place + f"{bit}.#" for place in range(28) for bit in (0, 1)],
        ["0", "1"],
    ),
}


EXTREMES = {
    "sixty of two words": (keys_like("#" + "._.#" * 60, ["a", "b"]), ["a", "b"]),
    "sixty of four words": (keys_like("#" + "._.#" * 60, list("abcd")), list("abcd")),
    "twenty of two words and wildcards": (
        [any_of(["#", "*", "a", "b"], 20) for _ in range(10_000)],
        ["a", "b"],
    ),
}


def fastest(binding_keys: list[str], words: list[str]) -> float:
    """The time of a route, in seconds of the processor: what else runs does not count."""
    exchange = TopicExchange("t", False, False, False, {})
    for number, key in enumerate(binding_keys):
        exchange.bind(Binding(exchange, Inert(f"{number}"), key, {}))
    times: list[float] = []
    for _ in range(5):
        routing_key = any_of(words, 127)
        started = time.thread_time()
        exchange.route(routing_key, Properties)
        times.append(time.thread_time() - started)
    return min(times)


@pytest.mark.parametrize("case", list(CASES))
def test_a_long_key_is_matched_in_time(case: str) -> None:
    assert fastest(*CASES[case]) < BOUND_SECONDS


@pytest.mark.parametrize("case", list(EXTREMES))
def test_the_worst_keys_there_are_cost_their_words_and_no_more(case: str) -> None:
    assert fastest(*EXTREMES[case]) < EXTREME_SECONDS
