"""Takes from text what could steer the terminal it is shown on. Nothing else is changed."""

from __future__ import annotations

import re

_CONTROL_CHARACTERS = re.compile(r"[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]+")


def clean(text: object) -> str:
    """One line, without control characters and changes of direction; nothing for None."""
    return _CONTROL_CHARACTERS.sub(" ", "" if text is None else str(text)).strip()
