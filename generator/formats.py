"""The demo writer's formats: one text told as a thread, a script, a newsletter. The text is made elsewhere."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable, Mapping, Sequence

from generator.items import Item, identifier
from generator.parts import Parts
from generator.sources import first_sentences
from generator.wishes import Wishes

POST_LENGTH = 280
FEWEST_WORDS, FEWEST_WITH_QUESTIONS, MOST_WORDS = 150, 450, 10_000
SHORTER = frozenset({"low", "brief", "short", "concise", "minimal"})
LONGER = frozenset({"high", "detailed", "long", "verbose", "full", "comprehensive"})


def words_for(item: Item, wishes: Wishes) -> int:
    """The length of the text that the format is made from: what is asked, or what suits format and verbosity."""
    name = identifier(wishes.template)
    words = item.word_count if "word_count" in item.model_fields_set else WORDS.get(name, item.word_count)
    verbosity = identifier(wishes.verbosity)
    words = words // 2 if verbosity in SHORTER else words * 2 if verbosity in LONGER else words
    return max(FEWEST_WITH_QUESTIONS if name == "faq" else FEWEST_WORDS, min(words, MOST_WORDS))


def formatted(parts: Parts, item: Item, wishes: Wishes) -> str:
    """Markdown. A format that nobody knows is the whole text with the format's name before its title."""
    shape = SHAPES.get(identifier(wishes.template))
    return f"{shape(parts, item) if shape else _as_wished(parts, wishes.template)}\n"


def _summary(parts: Parts, _: Item) -> str:
    points = "\n".join(f"- {point}" for point in _points(parts))
    return f"# {parts.title}\n\n{parts.intro}\n\n{points}"


def _newsletter(parts: Parts, _: Item) -> str:
    told = "\n\n".join(parts.sections)
    return f"# {parts.title}\n\nDear readers,\n\n{parts.intro}\n\n{told}\n\nUntil next time!"


def _social_post(parts: Parts, item: Item) -> str:
    tags = " ".join(dict.fromkeys(f"#{re.sub(r'[^0-9a-zA-Z]', '', each)}" for each in item.keywords[:3]))
    room = POST_LENGTH - len(tags) - 2
    return f"{textwrap.shorten(' '.join(first_sentences(parts.intro, 3)), room, placeholder='…')}\n\n{tags}".strip()


def _thread(parts: Parts, _: Item) -> str:
    posts = [parts.title, *_points(parts)]
    return "\n\n".join(
        textwrap.shorten(f"{number}/{len(posts)} {post}", POST_LENGTH, placeholder="…")
        for number, post in enumerate(posts, 1)
    )


def _faq(parts: Parts, _: Item) -> str:
    return f"# {parts.title}\n\n{parts.faq}"


def _script(parts: Parts, _: Item) -> str:
    told = "\n\n".join([parts.intro, *parts.sections, parts.conclusion]).split("\n\n")
    lines = [f"*{block.lstrip('# ')}*" if block.startswith("#") else f"**Host:** {block}" for block in told]
    return "\n\n".join([f"# {parts.title}", *lines])


def _press_release(parts: Parts, _: Item) -> str:
    told = "\n\n".join([parts.intro, *parts.sections])
    return f"**For immediate release**\n\n# {parts.title}\n\n{told}\n\n###"


def _as_wished(parts: Parts, template: str) -> str:
    told = "\n\n".join([parts.intro, *parts.sections, parts.conclusion])
    return f"# {template}: {parts.title}\n\n{told}"


def _points(parts: Parts) -> Sequence[str]:
    """Each section in one sentence."""
    told = [section.partition("\n\n") for section in parts.sections]
    return [f"{heading.removeprefix('## ')}: {' '.join(first_sentences(text, 1))}" for heading, _, text in told]


SHAPES: Mapping[str, Callable[[Parts, Item], str]] = {
    "summary": _summary,
    "newsletter": _newsletter,
    "social_post": _social_post,
    "thread": _thread,
    "faq": _faq,
    "script": _script,
    "press_release": _press_release,
}
WORDS = {
    "summary": 300,
    "newsletter": 400,
    "social_post": 150,
    "thread": 800,
    "faq": 500,
    "script": 500,
    "press_release": 400,
}
