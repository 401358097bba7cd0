"""`make bench-topic`: what a topic exchange takes to route a message whose key is new to it.

For each set of binding keys that the tests have, about ten thousand of the worst kinds, printed are
the processor's time for the first message after they are bound, and of 40 others, each with another
routing key if the set has several, the median and the longest. Routing keys are of 127 words, or of
as many as 255 octets have room for. A machine that others use too takes up to twice as long, for
seconds now and then: so the 40 are of the quietest round, of twenty through all sets. The bar is
for the median, and for that of the sets that a search for the worst has found, counted apart.
"""

import statistics
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "tests/unit/broker"))

from test_topic_bound import BEYOND, CASES, bound, times

BAR_SECONDS = 0.001
ROUNDS = 20


def main() -> int:
    cases = CASES | BEYOND
    exchanges = {case: bound(binding_keys) for case, (binding_keys, _) in cases.items()}
    first = {case: times(exchanges[case], words, 1)[0] for case, (_, words) in cases.items()}
    rounds: dict[str, list[tuple[float, float]]] = {case: [] for case in cases}
    for _ in range(ROUNDS):
        for case, (_, words) in cases.items():
            each = times(exchanges[case], words, 40)
            rounds[case].append((statistics.median(each), max(each)))
    print(f"{'first':>8} {'median':>8} {'longest':>8}  ms")
    over: set[str] = set()
    for case, measured_rounds in rounds.items():
        median, longest = min(measured_rounds)
        if median > BAR_SECONDS:
            over.add(case)
        note = "  OVER THE BAR" if case in over else ""
        shown = " ".join(f"{each * 1000:8.3f}" for each in (first[case], median, longest))
        print(f"{shown}  {case}{note}")
    for what, counted in (("", CASES), (" that a search has found", BEYOND)):
        below = sum(case not in over for case in counted)
        print(f"{below} of {len(counted)}{what} below {BAR_SECONDS * 1000:g} ms")
    return 1 if over else 0


if __name__ == "__main__":
    sys.exit(main())
