"""How long a supervisor waits, and what it says of an end."""

import pytest

from leveret.lab.supervise import HEALTHY_SECONDS, Pauses, ending, exit_code


def test_pauses_double_up_to_half_a_minute() -> None:
    pauses = Pauses(1)
    assert [pauses.after(0) for _ in range(8)] == [1, 2, 4, 8, 16, 30, 30, 30]


def test_a_worker_that_lived_for_a_while_starts_over() -> None:
    pauses = Pauses(1)
    lives = (0, 0, HEALTHY_SECONDS - 0.1, HEALTHY_SECONDS, 0)
    assert [pauses.after(seconds) for seconds in lives] == [1, 2, 4, 1, 2]


@pytest.mark.parametrize("first", [1000, float("inf"), float("nan")])
def test_no_pause_is_longer_than_half_a_minute(first: float) -> None:
    pauses = Pauses(first)
    assert [pauses.after(0), pauses.after(0)] == [30, 30]


@pytest.mark.parametrize(
    ("code", "sentence", "code_of_a_shell"),
    [
        (1, "with exit code 1", 1),
        (-9, "by SIGKILL", 137),
        (-15, "by SIGTERM", 143),
        (-40, "by signal 40", 168),
    ],
)
def test_an_end_is_named_and_has_a_code(code: int, sentence: str, code_of_a_shell: int) -> None:
    assert (ending(code), exit_code(code)) == (sentence, code_of_a_shell)
