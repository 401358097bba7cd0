"""Says at the end how much was tried, and what was measured."""

import pytest

from crash import said, states


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if states.checked:
        terminalreporter.section("crash states")
        for name, count in states.checked.items():
            terminalreporter.line(f"{count:9,} {name}")
        terminalreporter.line(f"{sum(states.checked.values()):9,} states reopened and checked")
    for title, lines in said.sections.items():
        terminalreporter.section(title)
        for line in lines:
            terminalreporter.line(line)
