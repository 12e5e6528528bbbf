"""One finding of `pressrun check`, as it is printed."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """`ok` is false only for what has to be mended; `sentence` says what it is."""

    what: str
    ok: bool
    sentence: str
