"""The reference that is committed is what the code says now."""

from __future__ import annotations

import pytest

from jobs.events import EventType
from service.live.events import EventKind
from tests.docs.events_page import STREAMS, TELLS
from tests.docs.reference import FOLDER, PAGES
from tests.docs.settings_page import settings_page


@pytest.mark.parametrize("name", PAGES)
def test_the_committed_page_is_what_the_code_makes(name: str) -> None:
    committed = (FOLDER / f"{name}.md").read_text()
    assert committed == PAGES[name](), "the code has changed: scripts/docs --reference makes the page anew"


def test_nothing_else_stands_among_the_pages_that_are_made() -> None:
    assert {page.stem for page in FOLDER.iterdir()} == PAGES.keys()


def test_every_setting_is_explained() -> None:
    assert [row for row in settings_page().splitlines() if row.endswith("|  |")] == []


def test_every_event_has_its_example() -> None:
    assert TELLS.keys() == set(EventType)
    assert {kind for _, kinds in STREAMS.values() for kind in kinds} == set(EventKind)
