"""Finds what a writer left to be filled in. What stands in code is not looked at, and nothing is filled in here."""

from __future__ import annotations

import re

from worker.text.plain import without_code

MOST = 5
_TO_FILL = (
    r"insert|your|add|enter|fill|placeholder|replace|todo|tbd|xx+|company|brand|client|einfügen|firmen|ihr|ihre|"
    r"insérer|votre|insertar|inserir|inserire|su nombre|seu nome|invoegen|uw|wstaw"
)
_NAMED = r"name|company|brand|city|date|year|number|address|phone|e-?mail|url|link|here|image|photo"
_PATTERNS = (
    # Not the text of a link, nor a task in a list.
    re.compile(rf"\[(?:{_TO_FILL})\b[^\[\]\n]{{0,120}}\](?![(\[:])", re.IGNORECASE),
    re.compile(rf"\[[^\[\]\n]{{0,60}}\b(?:{_NAMED})\](?![(\[:])", re.IGNORECASE),
    re.compile(r"\{\{[^{}\n]{0,120}\}\}|\{%[^%\n]{0,120}%\}|\$\{[^{}\n]{0,120}\}"),
    re.compile(rf"<(?:{_TO_FILL})\b[^<>\n]{{0,120}}>", re.IGNORECASE),
    re.compile(r"\b(?:TBD|FIXME|X{3,10})\b|\bTODO(?=:|\()"),
    re.compile(r"\blorem ipsum\b", re.IGNORECASE),
)
_TODO = re.compile(r"\bTODO\b")
_ALL_IS_TODO = {"es", "gl", "it", "pt"}


def placeholders(markdown: str, language: str) -> list[str]:
    """As they stand, once each, at most five in the order of their kind. "TODO" is a word in Spanish and its kin."""
    text = without_code(markdown)
    patterns = _PATTERNS if language in _ALL_IS_TODO else (*_PATTERNS, _TODO)
    found = dict.fromkeys(match[0] for pattern in patterns for match in pattern.finditer(text))
    return list(found)[:MOST]
