"""Says at the end how many points were explored, over all test processes."""

from __future__ import annotations

from collections import Counter

import pytest

EXPLORED = "explored: "


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    explored: Counter[str] = Counter()
    for reports in terminalreporter.stats.values():
        for report in reports:
            for name, count in getattr(report, "user_properties", ()):
                if name.startswith(EXPLORED):
                    explored[name.removeprefix(EXPLORED)] += count
    for what, count in sorted(explored.items()):
        terminalreporter.write_line(f"explored {count:7,} {what}")
