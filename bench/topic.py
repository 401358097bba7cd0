"""`make bench-topic`: what a topic exchange takes to route a message whose key is new to it.

For each set of binding keys that the tests have, about ten thousand of the worst kinds, printed are
the processor's time for the first message after they are bound, and of the 40 after it, each with
another routing key if the set has several, the median and the longest. Routing keys are of 127
words, or of as many as 255 octets have room for. A machine that others use too takes up to twice as
long now and then: so each set is measured in three rounds, and its quietest one counts. The bar is
for its median, and for that of the sets that a search for the worst has found, counted apart.
"""

import statistics
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "tests/unit/broker"))

from test_topic_bound import BEYOND, CASES, times

BAR_SECONDS = 0.001
ROUNDS = 3


def main() -> int:
    rounds: dict[str, list[tuple[float, float, float]]] = {}
    for _ in range(ROUNDS):
        for case, keys in (CASES | BEYOND).items():
            first, *others = times(*keys, count=41)
            measured = (statistics.median(others), first, max(others))
            rounds.setdefault(case, []).append(measured)
    print(f"{'first':>8} {'median':>8} {'longest':>8}  ms")
    over: set[str] = set()
    for case, measured_rounds in rounds.items():
        median, first, longest = min(measured_rounds)
        if median > BAR_SECONDS:
            over.add(case)
        note = "  OVER THE BAR" if case in over else ""
        shown = " ".join(f"{each * 1000:8.3f}" for each in (first, median, longest))
        print(f"{shown}  {case}{note}")
    for what, cases in (("", CASES), (" that a search has found", BEYOND)):
        below = sum(case not in over for case in cases)
        print(f"{below} of {len(cases)}{what} below {BAR_SECONDS * 1000:g} ms")
    return 1 if over else 0


if __name__ == "__main__":
    sys.exit(main())
