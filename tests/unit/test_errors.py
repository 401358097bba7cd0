"""Refusals as the peer reads them."""

import pytest

from leveret.errors import (
    ChannelError,
    ConnectionError,
    InternalError,
    NotFound,
    ReplyError,
)


def test_a_reply_text_is_the_name_and_the_explanation() -> None:
    assert NotFound("no queue 'q' in vhost '/'").reply_text == (
        "NOT_FOUND - no queue 'q' in vhost '/'"
    )
    assert InternalError("").reply_text == "INTERNAL_ERROR"


@pytest.mark.parametrize("letter", ["x", "ü", "世", "\U0001f407"])
def test_a_reply_text_is_cut_to_a_short_string_between_characters(letter: str) -> None:
    text = NotFound(letter * 300).reply_text
    octets = text.encode()
    assert 250 <= len(octets) <= 255
    assert text.endswith("...")
    assert ("NOT_FOUND - " + letter * 300).startswith(text[:-3])


def test_a_name_that_is_not_utf_8_can_be_told() -> None:
    assert NotFound("no queue '\udcff'").reply_text.encode()


@pytest.mark.parametrize(
    ("base", "codes"),
    [
        (ChannelError, {403, 404, 405, 406}),
        (ConnectionError, {320, 403, 501, 502, 503, 504, 505, 530, 540, 541}),
    ],
)
def test_each_code_has_its_class(base: type[ReplyError], codes: set[int]) -> None:
    assert {each.code for each in base.__subclasses__()} == codes
