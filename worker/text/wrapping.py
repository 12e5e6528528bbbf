"""Takes an article out of what a model puts around it: a greeting before it, one code fence about all of it.

What could be the article's own is left alone; nothing inside the article is changed here.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from worker.text.blocks import FENCE, HEADING, LIST_ITEM, closes

_LANGUAGES = frozenset({"markdown", "md", "mdx", "gfm"})
MOST_AFTERWORD = 300
MOST_PREAMBLE = 300
MOST_LAYERS = 5
_SURE = (
    r"(?:(?:sure|certainly|of course|absolutely|great|okay|ok|natürlich|gerne|klar|bien sûr|claro|certo)"
    r"\b[^:\n]{0,40}[,!.–—-])"
)
_HERE = (
    r"here(?:['’]s| is| are|\s+you go)|below (?:is|you)|i(?:['’]ve| have) (?:written|prepared|created)|"
    r"this is (?:the|your)|hier (?:ist|sind|kommt|is)|"
    r"nachfolgend|voici|ci-dessous|aquí (?:tienes|está|tiene)|a continuación|ecco|"
    r"aqui está|segue|här är|her er|oto|poniżej"
)
_ARTICLE = r"article|blog|post|text|draft|content|copy|markdown|artikel|beitrag|artículo|articolo|artigo|description"
_GREETING = re.compile(rf"\W{{0,3}}(?:{_SURE}\s?)?(?:{_HERE})\b.{{0,{MOST_PREAMBLE}}}$", re.IGNORECASE)
_SURE_ALONE = re.compile(rf"\W{{0,3}}{_SURE}\W{{0,3}}$", re.IGNORECASE)
_OF_ARTICLE = re.compile(rf"\b(?:{_ARTICLE})\b", re.IGNORECASE)
_RULE = re.compile(r" {0,3}([-*_=])(?:[ \t]*\1){2,}[ \t]*$")
_UNDERLINE = re.compile(r" {0,3}(?:={2,}+|-{2,}+)$")


def unwrapped(lines: Sequence[str]) -> list[str]:
    """The lines of the article, without blank ones about it. Doing it again changes nothing more, for all but absurdly
    deep wrappings."""
    kept = _peeled(lines)
    for _ in range(MOST_LAYERS):
        before, kept = kept, _peeled(kept)
        if len(kept) == len(before):
            break
    return kept


def _peeled(lines: Sequence[str]) -> list[str]:
    start, end = 0, len(lines)
    while end and not lines[end - 1].strip():
        end -= 1
    fences: list[str] = []
    greeted = False
    while start < end:
        if lines[start].strip():
            following = _next_filled(lines, start + 1, end)
            if opening := _wrapper(lines, start, end, following):
                fences.append(opening)
            elif _greets(lines, start, end, following):
                greeted = True
            elif not (greeted and _RULE.match(lines[start])):
                break
        start += 1
    kept = _without_closings(lines[start:end], fences) if fences else list(lines[start:end])
    while kept and not kept[-1].strip():
        kept.pop()
    return kept


def _next_filled(lines: Sequence[str], at: int, end: int) -> int:
    while at < end and not lines[at].strip():
        at += 1
    return at


def _wrapper(lines: Sequence[str], at: int, end: int, following: int) -> str:
    """The marks of a fence that is about the whole article; empty for any other line."""
    opening = FENCE.match(lines[at])
    if opening is None:
        return ""
    info = opening["info"].strip().lower()
    about_all = (
        not info and following < end and HEADING.match(lines[following]) and closes(lines[end - 1], opening["marks"])
    )
    return opening["marks"] if info in _LANGUAGES or about_all else ""


def _greets(lines: Sequence[str], at: int, end: int, following: int) -> bool:
    line = lines[at].strip()
    if following >= end or len(line) > MOST_PREAMBLE:
        return False
    begins = HEADING.match(lines[following]) or FENCE.match(lines[following]) or _RULE.match(lines[following])
    titled = following + 1 < end and _UNDERLINE.match(lines[following + 1])
    if _SURE_ALONE.match(line):
        return bool(begins or titled or _GREETING.match(lines[following].strip()))
    announced = line.endswith(":") and _OF_ARTICLE.search(line) and not LIST_ITEM.match(lines[following])
    return bool(_GREETING.match(line) and (begins or titled or announced))


def _without_closings(lines: Sequence[str], fences: Sequence[str]) -> list[str]:
    """Without the fences that close the wrappers, and without a short remark after the outermost of them."""
    kept: list[str] = []
    left = list(fences)
    inner = ""
    for at, line in enumerate(lines):
        if not left:
            return kept + _afterword(lines[at:])
        if inner:
            inner = "" if closes(line, inner) else inner
        elif closes(line, left[-1]):
            left.pop()
            continue
        elif opening := FENCE.match(line):
            inner = opening["marks"]
        kept.append(line)
    return kept


def _afterword(lines: Sequence[str]) -> list[str]:
    text = "\n".join(lines)
    remark = len(text) <= MOST_AFTERWORD and not any(HEADING.match(line) or FENCE.match(line) for line in lines)
    return [] if remark else list(lines)
