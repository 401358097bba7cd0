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
# What it takes compiled on a machine that has time, `make bench-topic` tells: mostly less than
# 1 ms. A busy one may take much longer.
BOUND_SECONDS = 0.005 if topic.__file__.endswith((".so", ".pyd")) else 1.0


def any_of(words: list[str], count: int) -> str:
    """So many words, or as many of them as a key has room for."""
    key = ".".join(CHANCE.choice(words) for _ in range(count))
    return key if len(key) <= 255 else key[:255].rpartition(".")[0]


def keys_like(form: str, words: list[str] = WORDS) -> list[str]:
    """Ten thousand binding keys with words for the underscores."""
    parts = form.split("_")
    pieces = [[CHANCE.choice(words) for _ in parts[1:]] + [""] for _ in range(10_000)]
    return ["".join(a + b for a, b in zip(parts, each, strict=True)) for each in pieces]


def keys_of(words: list[str], count: int, first: str = "", last: str = "") -> list[str]:
    return [first + any_of(words, count) + last for _ in range(10_000)]


def parts_of(text: str, count: int) -> list[str]:
    """Binding keys that match this text: parts of so many of its words, or `*` for some."""
    words = text.split(".")
    keys: list[str] = []
    for _ in range(10_000):
        key = "#"
        at = 0
        while at + count <= len(words) and len(key) + 2 * count <= 250:
            part = [CHANCE.choice([word, "*"]) for word in words[at : at + count]]
            sure = CHANCE.randrange(count)
            part[sure] = words[at + sure]
            key += "." + ".".join(part) + ".#"
            at += count + CHANCE.choice([0, 0, 1])
        keys.append(key)
    return keys


DIFFERENT = ".".join(chr(code) for code in range(1, 128) if chr(code) not in ".*#")
FOLLOWERS = DIFFERENT.split(".")[:85]
TWICE = ".".join(DIFFERENT.split(".")[:62] * 2)
OF_EIGHT = any_of(DIFFERENT.split(".")[:8], 124)


def pairs_of(first: str, followers: list[str]) -> list[str]:
    """Binding keys of the word and some of the followers, in their order."""
    keys: list[str] = []
    for _ in range(10_000):
        key = "#"
        at = CHANCE.randrange(2)
        while at < len(followers) and len(key) <= 250:
            key += f".{first}.{followers[at]}.#"
            at += CHANCE.choice([2, 2, 1])
        keys.append(key)
    return keys


def text_of(base: str, every: int, others: list[str]) -> str:
    """A routing key of as many words as it has room for, each so many-th another one."""
    words: list[str] = []
    while True:
        other = others[len(words) // every % len(others)]
        words.append(other if len(words) % every == every - 1 else base)
        if len(".".join(words)) > 255:
            return ".".join(words[:-1])


def in_runs(words: list[str]) -> str:
    """A routing key of 127 words, many of which are as the one before."""
    run: list[str] = []
    while len(run) < 127:
        run += [CHANCE.choice(words)] * CHANCE.choice([1, 2, 4, 8])
    return ".".join(run[:127])


def long_parts_of(text: str, sizes: range, gaps: list[int], wild: int = 1) -> list[str]:
    """Binding keys that match this text: parts of many of its words, or `*` for half of them, or
    for so many times as many as not."""
    words = text.split(".")
    keys: list[str] = []
    for _ in range(10_000):
        key = "#"
        at = CHANCE.choice(gaps)
        while at + (size := CHANCE.choice(sizes)) <= len(words):
            others = words[at + 1 : at + size]
            part = [words[at], *(CHANCE.choice([word] + ["*"] * wild) for word in others)]
            longer = key + "." + ".".join(part) + ".#"
            if len(longer) > 255:
                break
            key = longer
            at += size + CHANCE.choice(gaps)
        keys.append(key)
    return keys


LETTERS = DIFFERENT.split(".")[:60]
MOSTLY_A = text_of("a", 12, LETTERS[:15])
MOSTLY_EMPTY = text_of("", 9, LETTERS)

# Binding keys, and the words of the routing keys, which have 127 of them, or the one routing key.
CASES: dict[str, tuple[list[str], list[str] | str]] = {
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
    "sixty of four words in order": (keys_like("#" + "._.#" * 60, list("abcd")), list("abcd")),
    "sixty of two words in order": (keys_like("#" + "._.#" * 60, ["a", "b"]), ["a", "b"]),
    "only wildcards": (keys_of(["#", "*"], 20), ["a"]),
    "wildcards and words": (keys_of(["#", "*"] * 100 + WORDS, 6), WORDS),
    "wildcards and two words": (keys_of(["#", "*", "a", "b"], 20), ["a", "b"]),
    "many wildcards and two words": (keys_of(["#", "*", "*", "*", "a", "b"], 60), ["a", "b"]),
    "as many wildcards and words as there is room for": (keys_of(["#", "*", "a"], 127), ["a"]),
    "# and a word": (keys_of(["#", "a"], 127), ["a"]),
    "# and a word, and few others": (keys_of(["#", "a"], 127), ["a"] * 9 + ["b"]),
    "every choice of word and *": (
        ["#." + ".".join(choice) + ".x" for choice in product("a*", repeat=13)],
        ["a"],
    ),
    "every choice of word and *, anywhere": (
        ["#." + ".".join(choice) + ".#" for choice in product("a*", repeat=13)],
        ["a"],
    ),
    "a word or * at every place": (keys_of(["a", "*"], 127), ["a"]),
    "a long part anywhere": (keys_of(["a", "*"], 120, "#.a.", ".#"), ["a"]),
    "a long part that is hardly anywhere": (
        keys_of(["a", "*"], 120, "#.a.", ".#"),
        ["a"] * 15 + ["b"],
    ),
    "parts of six words of the routing key": (parts_of(DIFFERENT, 6), DIFFERENT),
    "parts of twelve words of the routing key": (parts_of(DIFFERENT, 12), DIFFERENT),
    "parts of two words of the routing key": (parts_of(DIFFERENT, 2), DIFFERENT),
    "parts of forty words of the routing key": (parts_of(DIFFERENT, 40), DIFFERENT),
    "parts of six words, all there twice": (parts_of(TWICE, 6), TWICE),
    "parts of six words, of eight in all": (parts_of(OF_EIGHT, 6), OF_EIGHT),
    "pairs of one word and 85 others": (
        pairs_of("", FOLLOWERS),
        ".".join(f".{follower}" for follower in FOLLOWERS),
    ),
    "124 words or *, last": (
        [
            "#." + ".".join(CHANCE.choice([word, "*"]) for word in DIFFERENT.split("."))
            for _ in range(10_000)
        ],
        "x." + DIFFERENT,
    ),
    "long parts of a routing key of one word, and another each 12th": (
        long_parts_of(MOSTLY_A, range(6, 13), [1, 2]),
        MOSTLY_A,
    ),
    "Celery's native delayed delivery": (
        ["*." * place + f"{bit}.#" for place in range(28) for bit in (0, 1)],
        ["0", "1"],
    ),
}

IN_RUNS = in_runs(LETTERS[:20])
# What a search for the worst has found beyond that: routing keys of more words, and binding keys
# most of whose parts also begin, and go on for a while, where they are not.
BEYOND: dict[str, tuple[list[str], list[str] | str]] = {
    "long parts of 231 words, all but each 9th empty": (
        long_parts_of(MOSTLY_EMPTY, range(13, 20), [1, 2]),
        MOSTLY_EMPTY,
    ),
    "parts of twelve words, a third sure, of words in runs": (
        long_parts_of(IN_RUNS, range(12, 13), [1, 2], wild=2),
        IN_RUNS,
    ),
    "parts of up to 21 words, half sure, of words in runs": (
        long_parts_of(IN_RUNS, range(1, 22), [0, 1, 2, 3, 4]),
        IN_RUNS,
    ),
}


def bound(binding_keys: list[str]) -> TopicExchange:
    exchange = TopicExchange("t", False, False, False, {})
    for number, key in enumerate(binding_keys):
        exchange.bind(Binding(exchange, Inert(f"{number}"), key, {}))
    return exchange


def times(exchange: TopicExchange, words: list[str] | str, count: int = 5) -> list[float]:
    """Of so many routes, in seconds of the processor: what else runs does not count."""
    each: list[float] = []
    for _ in range(count):
        routing_key = words if isinstance(words, str) else any_of(words, 127)
        started = time.thread_time()
        exchange.route(routing_key, Properties)
        each.append(time.thread_time() - started)
    return each


@pytest.mark.parametrize("case", [*CASES, *BEYOND])
def test_a_long_key_is_matched_in_time(case: str) -> None:
    binding_keys, words = (CASES | BEYOND)[case]
    assert min(times(bound(binding_keys), words)) < BOUND_SECONDS
