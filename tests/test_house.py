"""Rules about the house itself: sizes of files, the drawn state machine, and that deployments fit the settings."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from jobs.states import BULK_MOVES, JOB_MOVES

ROOT = Path(__file__).parent.parent
MAX_LINES = 300
CODE = [
    path
    for folder in ("jobs", "outbound", "service", "worker", "generator", "pressrun", "tests", "benchmarks", "scripts")
    for path in (ROOT / folder).rglob("*")
    if path.suffix in {".py", ".js", ".css", ".html", ".ts"} and "vendor" not in path.parts
]


def test_no_file_is_longer_than_a_reader_can_hold() -> None:
    long = {str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path in CODE}
    assert {name: lines for name, lines in long.items() if lines > MAX_LINES} == {}


@pytest.mark.parametrize(("heading", "moves"), [("Bulk", BULK_MOVES), ("Job", JOB_MOVES)])
def test_the_drawn_state_machine_is_the_one_in_the_code(heading: str, moves: dict[str, frozenset[str]]) -> None:
    text = (ROOT / "docs" / "state_machine.md").read_text()
    diagram = text.split(f"## {heading}\n")[1].split("```mermaid")[1].split("```")[0]
    drawn = {(before, after) for before, after in re.findall(r"^ *(\w+) --> (\w+)", diagram, re.MULTILINE)}
    assert drawn == {(str(before), str(after)) for before, targets in moves.items() for after in targets}


def test_the_workers_grace_in_compose_is_longer_than_its_shutdown_grace() -> None:
    from jobs.configuration.process_sections import Worker

    compose = (ROOT / "docker-compose.yml").read_text()
    graces = [int(seconds) for seconds in re.findall(r"stop_grace_period: (\d+)s", compose)]
    assert max(graces) > Worker().shutdown_grace_seconds
