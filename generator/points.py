"""What an article has to say in any case: its keywords and the points of the texts handed in with it.

Where they go is the article's plan and not decided here.
"""

from __future__ import annotations

from generator.items import Item, Mode
from generator.sentences import Scribe, count_words
from generator.sources import first_sentences, reworded

SHARE = 0.6
KEYWORD_SHARE = 0.3
SPIN_SHARE = 0.4
CONTEXT_SHARE = 0.2
MOST_POINTS = 120


def points_of(mode: Mode, item: Item, scribe: Scribe, *, parts: int) -> list[str]:
    """Whole sentences, at most about six tenths of the article's words, for an article of so many parts."""
    said = _keyword_sentences(item, scribe, parts)
    room = int(item.word_count * SHARE) - count_words(" ".join(said))
    told = _told(mode, item, scribe, room)
    return _mixed(said, told)


def _keyword_sentences(item: Item, scribe: Scribe, parts: int) -> list[str]:
    room = int(item.word_count * KEYWORD_SHARE)
    kept: list[str] = []
    for keyword in item.keywords:
        if keyword.casefold() == scribe.values["subject"].casefold():
            continue
        room -= count_words(keyword)
        if room < 0:
            break
        kept.append(keyword)
    group = -(-len(kept) // (2 * parts)) or 1
    return [_keyword_sentence(kept[at : at + group], scribe) for at in range(0, len(kept), group)]


def _keyword_sentence(keywords: list[str], scribe: Scribe) -> str:
    *most, last = keywords
    if not most:
        return scribe.phrase(scribe.phrases.sentences.keyword, keyword=last)
    return scribe.phrase(scribe.phrases.sentences.keyword_groups, keyword=f"{', '.join(most)} and {last}")


def _told(mode: Mode, item: Item, scribe: Scribe, room: int) -> list[str]:
    share = SPIN_SHARE if mode is Mode.SPIN else CONTEXT_SHARE
    room = min(room, int(item.word_count * share))
    found: list[str] = []
    for sentence in first_sentences(f"{item.source_text}\n\n{item.context}", MOST_POINTS):
        point = reworded(sentence) if mode is Mode.SPIN else sentence
        room -= count_words(point)
        if room < 0:
            break
        if scribe.adopt(point):
            found.append(point)
    return found


def _mixed(few: list[str], told: list[str]) -> list[str]:
    """Both in their order, spread evenly over one another."""
    places = [((n + 0.5) / len(group), point) for group in (few, told) for n, point in enumerate(group)]
    return [point for _, point in sorted(places, key=lambda place: place[0])]
