"""What holds for all tests."""

from collections.abc import Generator
from typing import Any

import pytest

from effort import effort


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, Any, Any]:
    """Reports travel between processes as UTF-8; the names that some tests log are not."""
    report = yield
    report.sections = [
        (title, content.encode(errors="backslashreplace").decode())
        for title, content in report.sections
    ]
    return report


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """What tries more has more time, unless it says itself how much."""
    seconds = effort(int(config.getini("timeout")))
    for item in items:
        if item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(seconds))
