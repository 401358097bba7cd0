"""RabbitMQ's commands as processes, and the completion of shells."""

import os
import subprocess
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


def test_bash_completes_a_verb() -> None:
    script = leveret("completion", "bash").stdout
    asked = "COMP_WORDS=(leveret ctl list_q); COMP_CWORD=2; _leveret_completion leveret; "
    done = subprocess.run(
        ["bash", "-c", script + asked + 'echo "${COMPREPLY[@]}"'],
        capture_output=True,
        text=True,
        timeout=20,
        env=CLEAN | {"PATH": os.environ["PATH"]},
    )
    assert "_LEVERET_COMPLETE=bash_complete" in script
    # The command that the script runs may not be in the path here: it is asked by itself.
    found = leveret(
        _LEVERET_COMPLETE="bash_complete", COMP_WORDS="leveret ctl list_q", COMP_CWORD="2"
    )
    assert done.stderr == "" or "leveret" in done.stderr
    assert "list_queues" in found.stdout + done.stdout
