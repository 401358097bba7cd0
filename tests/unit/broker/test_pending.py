"""An answer that may come later."""

import pytest

from leveret.broker.seams import Pending


@pytest.fixture
def heard() -> list[object]:
    return []


def test_an_answer_that_is_there_is_told_at_once(heard: list[object]) -> None:
    Pending.of(1).then(heard.append)
    assert heard == [1]


def test_an_answer_that_comes_later_is_told_later(heard: list[object]) -> None:
    pending = Pending()
    pending.then(heard.append)
    assert heard == []
    pending.complete(None)
    assert heard == [None]


def test_an_answer_that_came_before_anybody_asked_is_kept(heard: list[object]) -> None:
    pending = Pending()
    pending.complete(1)
    pending.then(heard.append)
    assert heard == [1]


def test_an_error_is_told_to_who_listens_for_errors(heard: list[object]) -> None:
    error = OSError("no")
    for early in (True, False):
        pending = Pending()
        if early:
            pending.fail(error)
        pending.then(lambda value: heard.append("value"), heard.append)
        if not early:
            pending.fail(error)
    assert heard == [error, error]


def test_an_error_nobody_listens_for_is_kept() -> None:
    pending = Pending()
    pending.then(lambda value: None)
    pending.fail(OSError("no"))
    assert pending.done
    assert isinstance(pending.error, OSError)


def test_only_the_first_answer_counts(heard: list[object]) -> None:
    pending = Pending()
    pending.then(heard.append, heard.append)
    pending.complete(1)
    pending.complete(2)
    pending.fail(OSError("no"))
    assert heard == [1]
    assert (pending.value, pending.error) == (1, None)
