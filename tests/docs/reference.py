"""Writes the reference: pages of `docs/reference` that are made of the code. `scripts/docs --reference` calls it.

A test holds what is committed equal to what is made here, so no page of these may be written by hand.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from tests.docs.api_pages import bodies_page, http_page
from tests.docs.commands_page import commands_page
from tests.docs.events_page import events_page
from tests.docs.settings_page import settings_page

FOLDER = Path(__file__).parent.parent.parent / "docs" / "reference"
PAGES: Mapping[str, Callable[[], str]] = {
    "settings": settings_page,
    "commands": commands_page,
    "http": http_page,
    "bodies": bodies_page,
    "events": events_page,
}

if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name, made in PAGES.items():
        (FOLDER / f"{name}.md").write_text(made())
