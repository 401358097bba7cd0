"""`make bench-paired AGAINST=PYTHON`: this installation beside another of Leveret, by turns.

PYTHON is the interpreter of the other one, of an earlier commit for instance. Each round measures
both, one after the other, the first of them in turn; what is judged is the median of the rounds'
ratios, for the machine may be slower in one round than in another. Exit code 1 if a plain queue
costs more than 10 % more CPU per message than there.
"""

import statistics
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from brokers import A_WHILE, built_generator, leveret
from run import SCENARIOS, Report

ROUNDS = 7
BAR = 1.10


def main() -> int:
    if len(sys.argv) != 2:
        raise SystemExit("give the Python of the installation to compare with: AGAINST=PYTHON")
    report = Report()
    with ExitStack() as stack:
        generator = built_generator(Path(stack.enter_context(tempfile.TemporaryDirectory())))
        here = stack.enter_context(leveret())
        there = stack.enter_context(leveret("the other one", python=sys.argv[1]))
        print(f"µs of CPU per message here and there, and the ratio: medians of {ROUNDS} rounds")
        for what, options in SCENARIOS:
            costs: dict[str, list[float]] = {here.name: [], there.name: []}
            for place in range(ROUNDS):
                for broker in (here, there) if place % 2 else (there, here):
                    run = broker.load(generator, [*A_WHILE, *options])
                    costs[broker.name].append(run["broker_cpu_us_per_msg"])
            ours, theirs = costs.values()
            ratio = statistics.median(a / b for a, b in zip(ours, theirs, strict=True))
            both = f"{statistics.median(ours):8.3f} {statistics.median(theirs):8.3f} {ratio:8.3f}"
            report.line(what, both, ratio, BAR)
    return 0 if report.met else 1


if __name__ == "__main__":
    sys.exit(main())
