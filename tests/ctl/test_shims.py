"""RabbitMQ's commands as processes, and the completion of shells."""

import os
import subprocess
import sys
from pathlib import Path

from .conftest import CLEAN, Served, leveret


def run(command: Path, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [command, *arguments], capture_output=True, text=True, timeout=20, env=CLEAN | more
    )


def test_the_commands_speak_to_the_broker(tmp_path: Path, served: Served) -> None:
    assert leveret("install-shims", str(tmp_path)).returncode == 0
    data = {"LEVERET_DATA_DIR": str(served.data)}
    assert run(tmp_path / "rabbitmq-diagnostics", "-q", "ping", **data).stdout == "Ping succeeded\n"
    assert run(tmp_path / "rabbitmqctl", "-s", "list_users", **data).returncode == 0
    enabled = run(tmp_path / "rabbitmq-plugins", "enable", "--offline", "rabbitmq_management")
    assert enabled.returncode == 0
    assert run(tmp_path / "rabbitmq-plugins", "enable", "nonsense").returncode == 69
    # The settings of RabbitMQ's variables are the server's.
    served_not = run(tmp_path / "rabbitmq-server", RABBITMQ_NODE_PORT="nonsense")
    assert (served_not.returncode, "RABBITMQ_NODE_PORT" in served_not.stderr) == (1, True)


def test_files_of_others_stay(tmp_path: Path) -> None:
    foreign = tmp_path / "rabbitmqctl"
    foreign.write_text("theirs")
    assert leveret("install-shims", str(tmp_path)).returncode == 1
    assert os.listdir(tmp_path) == ["rabbitmqctl"]
    assert foreign.read_text() == "theirs"
    assert leveret("install-shims", str(tmp_path), "--force").returncode == 0
    assert leveret("install-shims", str(tmp_path)).returncode == 0


def test_bash_completes_a_verb(tmp_path: Path) -> None:
    script = leveret("completion", "bash").stdout
    # The command as it is installed.
    command = tmp_path / "leveret"
    command.write_text(
        f"#!{sys.executable}\nfrom leveret.cli import main\nmain(prog_name='leveret')\n"
    )
    command.chmod(0o755)
    asked = "COMP_WORDS=(leveret ctl list_q); COMP_CWORD=2; _leveret_completion leveret; "
    done = subprocess.run(
        ["bash", "-c", script + asked + 'echo "${COMPREPLY[@]}"'],
        capture_output=True,
        text=True,
        timeout=20,
        env=CLEAN | {"PATH": f"{tmp_path}:{os.environ['PATH']}"},
    )
    assert (done.stdout, done.stderr) == ("list_queues\n", "")
