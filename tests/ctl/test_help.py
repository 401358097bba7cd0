"""Help, the documentation, and what loading the command costs."""

import re
import shlex
import subprocess
import sys

import pytest

from leveret.cli.ctl.examples import EXAMPLES
from leveret.cli.ctl.group import VERBS

from .conftest import CLEAN, Ctl, Served, leveret

ALL_EXAMPLES = [(verb, example) for verb, few in EXAMPLES.items() for example in few]

NEED_NO_BROKER = {"version", "enable", "disable", "is_enabled", "list"}


def test_every_verb_has_an_example_or_a_few() -> None:
    assert EXAMPLES.keys() == VERBS.keys()
    assert {len(few) for few in EXAMPLES.values()} == {1, 2}


@pytest.mark.parametrize("verb", VERBS)
def test_the_help_of_a_verb_shows_its_examples(verb: str, nobody: Ctl) -> None:
    lines = [f"  leveret ctl {example}" for example in EXAMPLES[verb]]
    assert "\n".join(["Examples:", *lines]) in nobody.run("help", verb)


@pytest.mark.parametrize(("verb", "example"), ALL_EXAMPLES)
def test_an_example_uses_its_verb_as_it_must_be_used(verb: str, example: str, nobody: Ctl) -> None:
    # What a shell reads from is not the command's.
    arguments = shlex.split(example.partition(" < ")[0])
    assert arguments[0] == verb
    waits_not = ["-t", "0"] if verb == "await_startup" else []
    expected = 0 if verb in NEED_NO_BROKER else 69
    assert nobody(*arguments, *waits_not, stdin="secret\n").exit_code == expected


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("asking", [("help", "VERB"), ("VERB", "--help"), ("VERB", "-h")])
def test_a_verb_has_help(verb: str, asking: tuple[str, ...], nobody: Ctl) -> None:
    outcome = nobody(*(word.replace("VERB", verb) for word in asking))
    assert outcome.exit_code == 0
    assert outcome.stdout.startswith(f"Usage: leveret ctl {verb} ".replace("leveret", "main"))


def test_the_help_of_a_listing_names_its_columns(nobody: Ctl) -> None:
    text = " ".join(nobody.run("help", "list_exchanges").split())
    assert text.endswith(
        "A COLUMN is one of arguments, auto_delete, durable, internal, name, policy, type."
    )


def test_help_without_a_verb_lists_the_verbs(nobody: Ctl) -> None:
    listed = nobody.run("help")
    assert set(VERBS) <= set(re.findall(r"^  (\w+)", listed, re.MULTILINE))


@pytest.mark.parametrize("word", ["list_queus", "frobnicate", "../x", "žába", ""])
def test_a_word_that_is_no_verb_is_refused(word: str, nobody: Ctl) -> None:
    for arguments in ([word], ["help", word]):
        outcome = nobody(*arguments)
        assert outcome.exit_code == 64
        assert f"there is no verb '{word}'" in outcome.stderr


def test_a_verb_that_was_mistyped_is_guessed(nobody: Ctl) -> None:
    assert "did you mean 'list_queues'?" in nobody("list_queus").stderr


def imported_by(*arguments: str) -> tuple[int, set[str]]:
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "leveret", *arguments],
        capture_output=True,
        text=True,
        env=CLEAN,
    )
    return done.returncode, set(re.findall(r"\|\s+([\w.]+)$", done.stderr, re.MULTILINE))


def test_ctl_loads_nothing_of_the_broker(served: Served) -> None:
    exit_code, modules = imported_by("ctl", "--data", str(served.data), "ping")
    assert exit_code == 0
    heavy = {"asyncio", "starlette", "uvicorn", "msgspec", "leveret.broker", "leveret.app"}
    assert modules & heavy == set()


def test_other_commands_do_not_load_ctl() -> None:
    exit_code, modules = imported_by("--version")
    assert exit_code == 0
    assert "leveret.cli.ctl" not in modules


def test_the_commands_of_the_group_are_listed() -> None:
    listed = leveret("--help").stdout
    assert all(f"\n  {command} " in listed for command in ("ctl", "lab", "serve"))
