"""What an article is about: a title and a noun phrase, made from the item. No sentence is written here."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from urllib.parse import unquote

from generator.items import Item, Mode
from generator.sources import first_heading, first_sentences

TITLE_WORDS = 14
PHRASE_WORDS = 9
TOO_LONG = "this subject"
NO_THINGS = ("how ", "why ", "what ", "when ", "where ", "who ", "which ")

DOUBLED = (
    "begin cut dig fit get grab jog log map pin plan put quit run set ship shop sit skip spot step stop swim tag "
    "trim win wrap"
)
LOWERED = (
    "a an the how why what when where which who best top better healthy easy simple good great modern new free "
    "online local small digital sustainable affordable cheap everyday common essential electric natural organic "
    "remote indoor outdoor smart vegan vintage wooden personal professional effective creative wireless mobile "
    "office home house kitchen bathroom bedroom living garden balcony car bicycle bike coffee tea bread wine food "
    "meal water solar energy heat battery winter summer spring autumn holiday travel city family kids baby dog cat "
    "pet plant plants flower skin hair health fitness yoga sleep stress mental team project time money tax budget "
    "email content website search social data software cloud customer product business company employee career "
    "job school language book music photo video fashion shoes clothes furniture lighting storage packaging"
)
LISTICLE = re.compile(
    r"(?:the )?(?:top |best )?\d+ (?:[\w-]+ ){0,2}?"
    r"(?:tips|ways|reasons|ideas|things|steps|facts|mistakes|tricks|secrets|rules) (to|for|about|of|on|in) (.+)",
    re.IGNORECASE,
)
GUIDE = re.compile(r"(?:an? |the |your )?(?:[\w'-]+ ){0,2}?(?:guide|introduction) (?:to|for) (.+)", re.IGNORECASE)


@dataclass(frozen=True)
class Subject:
    """`title` heads the article, `phrase` stands after a preposition.

    `complete` titles want nothing added; headings name only what is a `thing` and short.
    """

    title: str
    phrase: str
    complete: bool
    thing: bool


def subject_of(mode: Mode, item: Item) -> Subject:
    match mode:
        case Mode.TOPIC:
            return _subject(item.topic)
        case Mode.KEYWORDS:
            return _subject(item.topic or item.keywords[0])
        case Mode.TRENDS:
            return _subject(item.trend)
        case Mode.SPIN:
            return _subject(item.topic or _from_source(item))


def capitalised(text: str) -> str:
    return text[:1].upper() + text[1:]


def _subject(topic: str) -> Subject:
    words = topic.split()
    phrase = _phrase(topic)
    length = len(phrase.split())
    return Subject(
        title=capitalised(" ".join(words[:TITLE_WORDS])).rstrip(" ,;:."),
        phrase=phrase if length <= PHRASE_WORDS else TOO_LONG,
        complete=len(words) > 6 or phrase.casefold() != topic.casefold(),
        thing=length <= 5 and phrase.casefold() in topic.casefold() and not phrase.startswith(NO_THINGS),
    )


def _phrase(topic: str) -> str:
    text = topic.strip(" .!:;,")
    if found := LISTICLE.fullmatch(text):
        return _gerund(found[2]) if found[1].lower() == "to" else _lowered(found[2])
    if found := GUIDE.fullmatch(text):
        return _phrase(found[1])
    if found := re.fullmatch(r"how to (.+?)\??", text, re.IGNORECASE):
        return _gerund(found[1])
    if text.endswith("?"):
        return f'the question "{text}"'
    head, colon, _ = text.partition(": ")
    return _lowered(head if colon else text)


def _gerund(text: str) -> str:
    verb, _, rest = text.partition(" ")
    stem = verb.lower()
    if stem in DOUBLED.split():
        stem += stem[-1]
    elif stem.endswith("ie"):
        stem = stem[:-2] + "y"
    elif stem.endswith("e") and not stem.endswith(("ee", "oe", "ye")) and stem != "be":
        stem = stem[:-1]
    return f"{stem}ing {rest}".strip()


def _lowered(text: str) -> str:
    first, *rest = text.split()
    plain = first[1:] == first[1:].lower() and len(first) > 1
    in_title_case = bool(rest) and all(word[0].isupper() for word in rest if len(word) > 3)
    known = first.lower() in LOWERED.split()
    if plain and (known or (first.endswith("ing") and not in_title_case)):
        return text[0].lower() + text[1:]
    return text


def _from_source(item: Item) -> str:
    if not item.source_text.strip():
        return _from_url(item.source_url)
    if heading := first_heading(item.source_text):
        return heading
    if (opening := first_sentences(item.source_text, 1)) and len(opening[0].split()) <= PHRASE_WORDS:
        return opening[0].rstrip(".!")
    terms = re.findall(r"[^\W\d_]{5,}", item.source_text.lower())
    return " and ".join(term for term, _ in Counter(terms).most_common(2)) or "the source"


def _from_url(url: str) -> str:
    host, *folders = re.sub(r"^[a-z]+://|[?#].*$", "", url).rstrip("/").split("/")
    slug = unquote(folders[-1]).partition(".")[0] if folders else ""
    words = [word for word in re.split(r"[-_+\s]+", slug) if word.isalpha()]
    return " ".join(words) or host or "the source"
