"""What RabbitMQ 3.10.8 answered, said again by whoever is asked.

Each deviation is one line, with its reason, in deviations.toml; one that is not needed any more is
a failure like one that is missing.
"""

import os
import tomllib
from pathlib import Path

import pytest

from conformance.conversation import load, plain
from conformance.replaying import Deviation

CONVERSATIONS = load()
DEVIATIONS = tomllib.loads(Path(__file__).with_name("deviations.toml").read_text())
ADDRESS = os.environ.get("LEVERET_TEST_SERVER", "")


def deviates(name: str) -> bool:
    """By its own name, or by its test's, if that holds for every parameter."""
    return bool({plain(name), plain(name).split("[")[0]} & set(DEVIATIONS))


@pytest.mark.parametrize("name", CONVERSATIONS, ids=plain)
def test_the_answers_are_those_of_rabbitmq(replay, name):
    if ADDRESS or not deviates(name):
        replay(CONVERSATIONS[name])
        return
    with pytest.raises(Deviation):
        replay(CONVERSATIONS[name])


def test_every_deviation_names_a_conversation_and_gives_a_reason():
    names = {plain(name) for name in CONVERSATIONS}
    assert set(DEVIATIONS) <= names | {name.split("[")[0] for name in names}
    assert all(reason.endswith(".") for reason in DEVIATIONS.values())


def test_every_conversation_says_which_row_it_is_about():
    assert [name for name in CONVERSATIONS if plain(name) == name] == []


def test_there_are_at_least_three_hundred_of_them():
    assert len(CONVERSATIONS) >= 300
