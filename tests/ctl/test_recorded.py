"""Every verb against what rabbitmqctl 3.10.8 was recorded to do (see record)."""

import json
from pathlib import Path
from typing import Any

import pytest

from .chapters import ALONE, CHAPTERS, THE_END, Step, steps
from .conftest import Ctl, Served, serve
from .reading import read
from .world import world

RECORDED: dict[str, list[dict[str, Any]]] = json.loads(
    (Path(__file__).parent / "recorded.json").read_text()
)

# (chapter, step) where Leveret does something else, and why.
DEVIATIONS = {
    ("add_user", "add_user --formatter JSON mia secret"): "capitals make no difference",
    ("add_vhost", "list_vhosts name description"): "the first vhost has no description",
    ("purge_queue", "purge_queue -p course mine"): "an exclusive queue is its connection's alone",
    ("delete_queue", "delete_queue -p course mine"): "the same",
    ("delete_queue", "list_queues -p course"): "so it is still there",
    ("parameters", "list_parameters"): "limits that limit nothing are none",
    ("cluster", "await_online_nodes x"): "it is wrong usage",
    ("checks", "check_port_listener x"): "it is wrong usage",
}


def facts(ctl: Ctl, step: Step, node: str, connection: str = "") -> dict[str, Any]:
    """What a step comes to here, in the form of what was recorded."""
    arguments = [word.replace("{connection}", connection) for word in step.arguments]
    outcome = ctl(*arguments, stdin=step.stdin)
    assert outcome.exit_code == 0 or outcome.stderr.strip(), f"{step.line}: no sentence"
    found = read(step.arguments, outcome.stdout, node)
    return {"step": step.line, "exit": outcome.exit_code, **found}


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_a_verb_does_what_rabbitmqctl_does(chapter: str, served: Served, ctl: Ctl) -> None:
    node = served.node
    with world(ctl.run, served.port("amqp")):
        connection = ctl.run("-s", "list_connections", "pid").splitlines()[0]
        found = [facts(ctl, step, node, connection) for step in steps(CHAPTERS[chapter])]
    assert [entry["step"] for entry in found] == [entry["step"] for entry in RECORDED[chapter]]
    for here, there in zip(found, RECORDED[chapter], strict=True):
        if (chapter, here["step"]) not in DEVIATIONS:
            # As text, so that the order of a JSON row's columns counts.
            assert json.dumps(here, indent=1) == json.dumps(there, indent=1)


def test_without_a_broker_a_verb_does_what_rabbitmqctl_does(nobody: Ctl) -> None:
    found = [facts(nobody, step, f"leveret@{nobody.machine}") for step in steps(ALONE)]
    assert found == RECORDED["no broker"]


def test_stop_says_what_rabbitmqctl_says(tmp_path: Path) -> None:
    served = serve(tmp_path / "data")
    found = [facts(served.ctl, step, served.node) for step in steps(THE_END)]
    assert found == RECORDED["the end"]
    assert served.process.wait(timeout=0) == 0
