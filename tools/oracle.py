"""Asks RabbitMQ 3.10.8 whether the conversations are its own.

Installs Debian's package where that is allowed, runs it on ports and a folder of its own, holds the
conversations of tests/conversations with it, replays the recorded ones, and stops it. With `record`
the conversations are written down anew instead, twice: what differs between the two is named.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import tomllib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "bench"))

from brokers import RABBITMQ, rabbitmq  # type: ignore[import-not-found]  # noqa: E402

RECORDED = ROOT / "tests/conformance/recorded"
PACKAGE = "rabbitmq-server"
PLUGINS = ",".join(
    f"rabbitmq_{name}"
    for name in (
        "consistent_hash_exchange",
        "random_exchange",
        "recent_history_exchange",
        "sharding",
    )
)


def install() -> None:
    """Ends the program where RabbitMQ is not installed and cannot be."""
    if RABBITMQ.exists():
        return
    apt = shutil.which("apt-get")
    if apt is None or os.geteuid() != 0:
        raise SystemExit(
            f"RabbitMQ is not installed; as root on Debian 12: apt-get install {PACKAGE}"
        )
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}
    subprocess.run([apt, "install", "-y", PACKAGE], env=environment, check=True)


def test(*arguments: str, **environment: str) -> int:
    """pytest with a fresh RabbitMQ to talk to: its exit status."""
    with tempfile.TemporaryDirectory() as folder, rabbitmq(folder, PLUGINS) as broker:
        found = {
            "LEVERET_TEST_SERVER": f"127.0.0.1:{broker.port}",
            "LEVERET_TEST_RABBITMQCTL": broker.control,
        }
        command = [sys.executable, "-m", "pytest", "--timeout=600", "-p", "no:randomly", *arguments]
        with subprocess.Popen(command, cwd=ROOT, env=os.environ | found | environment) as pytest:
            try:
                return pytest.wait()
            except SystemExit:
                # As by Ctrl-C: then it stops the servers that it has started itself.
                pytest.send_signal(signal.SIGINT)
                raise


def conversations_written_to(folder: Path) -> int:
    return test("-q", "tests/conversations", LEVERET_RECORD=str(folder))


def record() -> int:
    """Two recordings; the first is kept. Not 0 if a test failed, which is then not recorded, or if
    the two differ: that conversation belongs in tests/conformance/chance.toml."""
    with tempfile.TemporaryDirectory() as folder:
        takes = [Path(folder) / "1", Path(folder) / "2"]
        with ThreadPoolExecutor() as both:
            statuses = list(both.map(conversations_written_to, takes))
        shutil.rmtree(RECORDED)
        shutil.copytree(takes[0], RECORDED)
        difference = subprocess.run(["diff", "-ru", *takes], check=False).returncode
        return max(*statuses, difference)


def summary() -> str:
    """How many conversations there are, and in how many of them Leveret deviates."""
    files = list(RECORDED.glob("test_*.json"))
    recorded = sum(len(json.loads(path.read_text())) for path in files)
    deviations, chance = (
        len(tomllib.loads((RECORDED.parent / name).read_text()))
        for name in ("deviations.toml", "chance.toml")
    )
    return (
        f"{recorded} recorded conversations in {len(files)} files; Leveret deviates in "
        f"{deviations}; {chance} more are not recorded, for RabbitMQ says now this and now that"
    )


def main() -> int:
    install()
    # Who is asked to end stops RabbitMQ first.
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    if sys.argv[1:] == ["record"]:
        status = record()
    else:
        folders = ("tests/conversations", "tests/conformance", "tests/oracle")
        status = max(test("-q", folder) for folder in folders)
    print(summary())
    return status


if __name__ == "__main__":
    sys.exit(main())
