"""Pieces of Markdown that generated pages are made of. Nothing of Pressrun is known here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def table(heading: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Empty where there are no rows."""
    lines = [_row(row) for row in rows]
    return "\n".join([_row(heading), _row(["---"] * len(heading)), *lines]) if lines else ""


def code(text: str) -> str:
    return f"`{text}`"


def block(text: str, language: str) -> str:
    return f"```{language}\n{text}\n```"


def page(*parts: str) -> str:
    """One blank line between parts; empty ones are left out."""
    return "\n\n".join(part for part in parts if part) + "\n"


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(" ".join(cell.split()).replace("|", "\\|") for cell in cells) + " |"
