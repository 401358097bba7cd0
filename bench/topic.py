"""`make bench-topic`: what a topic exchange takes to route a message whose key is new to it.

For each set of binding keys that the tests have, about ten thousand of the worst kinds, printed are
the processor's time for the first message after they are bound, and of the 40 after it, each with
another routing key if the set has several, the median and the longest. Routing keys are of 127
words, or of as many as 255 octets have room for. The bar is for the median.
"""

import statistics
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "tests/unit/broker"))

from test_topic_bound import CASES, times

BAR_SECONDS = 0.001


def main() -> int:
    print(f"{'first':>8} {'median':>8} {'longest':>8}  ms")
    missed = 0
    for case, keys in CASES.items():
        first, *others = times(*keys, count=41)
        median = statistics.median(others)
        over = median > BAR_SECONDS
        missed += over
        shown = " ".join(f"{each * 1000:8.3f}" for each in (first, median, max(others)))
        print(f"{shown}  {case}{'  OVER THE BAR' if over else ''}", flush=True)
    print(f"{len(CASES) - missed} of {len(CASES)} below {BAR_SECONDS * 1000:g} ms")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
