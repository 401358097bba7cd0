"""What the tests that crash things share, and what they say."""

from collections.abc import Callable

import pytest

from crash import states


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if states.checked:
        terminalreporter.section("crash states")
        for name, count in states.checked.items():
            terminalreporter.line(f"{count:9,} {name}")
        terminalreporter.line(f"{sum(states.checked.values()):9,} states reopened and checked")


@pytest.fixture
def say(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Prints a line although the test passes: counts and curves are results of their own."""
    reporter = request.config.pluginmanager.getplugin("terminalreporter")
    capture = request.config.pluginmanager.getplugin("capturemanager")

    def line(text: str) -> None:
        with capture.global_and_fixture_disabled():
            reporter.ensure_newline()
            reporter.write_line(text)

    return line
