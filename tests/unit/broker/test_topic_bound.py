"""A routing key that no route is kept for is matched in time, whatever the binding keys are."""

import random
import time
from itertools import product

import pytest

from leveret.broker.exchanges.topic import TopicExchange
from leveret.broker.seams import Binding
from leveret.testing.kits import Inert
from leveret.wire.properties import Properties

CHANCE = random.Random(7)
WORDS = [f"w{number}" for number in range(200)]
# What is promised compiled is 1 ms; plain Python on a busy machine may take much longer.
BOUND_SECONDS = 0.05


def any_of(words: list[str], count: int) -> str:
    return ".".join(CHANCE.choice(words) for _ in range(count))


def keys_like(form: str) -> list[str]:
    """Ten thousand binding keys with words for the underscores."""
    parts = form.split("_")
    pieces = [[CHANCE.choice(WORDS) for _ in parts[1:]] + [""] for _ in range(10_000)]
    return ["".join(a + b for a, b in zip(parts, words, strict=True)) for words in pieces]


CASES = {
    "nothing but #": ([".".join("#" * count) for count in range(1, 128)], ["a"]),
    "# between equal words": (["#.a." * 25 + "#.b"], ["a"]),
    "# between two words": (["#." + ".#.".join(any_of(["a", "b"], 1) for _ in range(60))], ["a"]),
    "words anywhere": (keys_like("#._.#._.#"), WORDS),
    "words in order, the last one last": (keys_like("#._.#._"), WORDS),
    "three words in order": (keys_like("#._.#._.#._"), WORDS),
    "a gap of one word": (keys_like("#._.*._.#"), WORDS),
    "every choice of word and *": (
        ["#." + ".".join(choice) + ".x" for choice in product("a*", repeat=13)],
        ["a"],
    ),
    "Celery's native delayed delivery": (
        ["*." * place + f"{bit}.#" for place in range(28) for bit in (0, 1)],
        ["0", "1"],
    ),
}


@pytest.mark.parametrize("case", list(CASES))
def test_a_long_key_is_matched_in_time(case: str) -> None:
    binding_keys, words = CASES[case]
    exchange = TopicExchange("t", False, False, False, {})
    for number, key in enumerate(binding_keys):
        exchange.bind(Binding(exchange, Inert(f"{number}"), key, {}))
    fastest = BOUND_SECONDS
    for _ in range(5):
        routing_key = any_of(words, 127)
        started = time.perf_counter()
        exchange.route(routing_key, Properties)
        fastest = min(fastest, time.perf_counter() - started)
    assert fastest < BOUND_SECONDS
