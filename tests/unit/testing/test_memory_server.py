"""The broker in memory that tests of programs drive."""

import pytest

from leveret.testing.memory_server import MemoryServer


def test_a_limit_is_what_was_asked_for() -> None:
    assert MemoryServer(channel_max=7).limits.channel_max == 7


def test_a_limit_of_another_name_is_refused() -> None:
    with pytest.raises(TypeError, match="'chanel_max' is no limit"):
        MemoryServer(chanel_max=7)
