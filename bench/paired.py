"""`make bench-paired BEFORE=REVISION`: this installation beside one of an earlier commit, by turns.

The revision of git is installed beside, and both brokers keep what they keep in folders on one
disk. Each round starts both anew, for one and the same broker may cost a fifth more in one process
than in the next, and measures both, now the one first and now the other; what is judged is the
median of the rounds' ratios, for the machine may be slower in one round than in another. Exit code
1 if a plain queue costs over 10 % more CPU per message than it did.
"""

import statistics
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from brokers import A_WHILE, ROOT, built_generator, leveret
from run import SCENARIOS, Report

ROUNDS = 7
BAR = 1.10


def installed(revision: str, folder: Path) -> str:
    """The Python of an environment with this revision installed, compiled."""
    sources, environment = folder / "sources", folder / "environment"
    sources.mkdir()
    archive = subprocess.run(
        ["git", "-C", str(ROOT), "archive", revision], capture_output=True, check=True
    )
    subprocess.run(["tar", "-x", "-C", str(sources)], input=archive.stdout, check=True)
    subprocess.run([sys.executable, "-m", "venv", str(environment)], check=True)
    python = str(environment / "bin/python")
    subprocess.run([python, "-m", "pip", "install", "--quiet", str(sources)], check=True)
    return python


def main() -> int:
    if len(sys.argv) != 2:
        raise SystemExit("which revision to compare with? BEFORE=REVISION")
    revision = sys.argv[1]
    report = Report()
    build = ROOT / "build"
    build.mkdir(exist_ok=True)
    with ExitStack() as stack:
        name = stack.enter_context(
            tempfile.TemporaryDirectory(dir=build, ignore_cleanup_errors=True)
        )
        folder = Path(name)
        generator = built_generator(folder)
        python = installed(revision, folder)
        costs: dict[str, tuple[list[float], list[float]]] = {
            what: ([], []) for what, _ in SCENARIOS
        }
        for place in range(ROUNDS):
            with (
                leveret(data=folder / f"now-{place}") as now,
                leveret(revision, data=folder / f"before-{place}", python=python) as before,
            ):
                for what, options in SCENARIOS:
                    pair = list(zip((now, before), costs[what], strict=True))
                    for broker, its_costs in pair if place % 2 else reversed(pair):
                        run = broker.load(generator, [*A_WHILE, *options])
                        its_costs.append(run["broker_cpu_us_per_msg"])
    print(f"µs of CPU per message now and before, and the ratio: medians of {ROUNDS} rounds")
    for what, (ours, theirs) in costs.items():
        ratio = statistics.median(a / b for a, b in zip(ours, theirs, strict=True))
        both = f"{statistics.median(ours):8.3f} {statistics.median(theirs):8.3f} {ratio:8.3f}"
        report.line(what, both, ratio, BAR)
    return 0 if report.met else 1


if __name__ == "__main__":
    sys.exit(main())
