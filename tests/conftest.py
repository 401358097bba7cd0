"""What holds for all tests."""

from collections.abc import Generator
from typing import Any

import pytest


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, Any, Any]:
    """Reports travel between processes as UTF-8; the names that some tests log are not."""
    report = yield
    report.sections = [
        (title, content.encode(errors="backslashreplace").decode())
        for title, content in report.sections
    ]
    return report
