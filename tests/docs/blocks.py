"""Finds the code that a page shows, so that tests may run it. Nothing is run here."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent


def shown(page: str, language: str) -> list[str]:
    """The fenced blocks of a language, in order; `page` as in `docs/webhooks.md`."""
    text = (ROOT / page).read_text()
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
