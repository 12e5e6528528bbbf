"""What the demo writer makes beside articles: components, mended texts, chosen ideas, formats."""

from __future__ import annotations

import hashlib
import re
from datetime import timedelta
from typing import Any

import pytest

from generator.demo import DemoWriter
from generator.items import Mode, read_item
from generator.phrases import Phrases
from generator.sentences import count_words
from generator.wishes import Component, read_wishes

KEYWORDS = ["led lamp", "warm light", "cable length"]
LAMPS: dict[str, Any] = {"topic": "desk lamps", "keywords": KEYWORDS, "target_url": "https://example.com/lamps"}


async def text(phrases: Phrases, mode: Mode = Mode.TOPIC, **fields: Any) -> str:
    writer = DemoWriter(phrases, timedelta(0), 0, price_input=3, price_output=15)
    content = (await writer.write(mode, read_item(mode, fields), read_wishes(fields))).content
    assert isinstance(content, str)
    return content


@pytest.mark.parametrize(
    ("mode", "fields", "expected"),
    [
        (Mode.TOPIC, {"topic": "desk lamps"}, "698cce8975d5ecaa"),
        (Mode.KEYWORDS, {"keywords": "a lamp, b lamp", "word_count": 300, "tone": "friendly"}, "24fbf63eeb8bdc70"),
        (Mode.TRENDS, {"trend": "Dopamine decor", "region": "Portugal"}, "39faf0d463cdb796"),
        (
            Mode.SPIN,
            {"source_text": "Many people think that a garden must be big.", "word_count": 120},
            "4d3e4e53876bd8d4",
        ),
    ],
)
async def test_an_order_without_wishes_has_the_text_that_it_always_had(
    phrases: Phrases, mode: Mode, fields: dict[str, Any], expected: str
) -> None:
    content = await text(phrases, mode, **fields)
    assert hashlib.sha256(content.encode()).hexdigest()[:16] == expected


async def test_components_are_the_parts_of_the_whole_article(phrases: Phrases) -> None:
    whole = await text(phrases, **LAMPS)
    parts = {component: await text(phrases, component=component, **LAMPS) for component in Component}
    assert whole.startswith(f"# {parts[Component.TITLE]}\n\n{parts[Component.INTRO]}\n\n{parts[Component.SECTIONS]}")
    assert f"## Frequently asked questions\n\n{parts[Component.FAQ]}\n\n{parts[Component.CONCLUSION]}" in whole
    assert parts[Component.CONCLUSION].endswith("(https://example.com/lamps)")


@pytest.mark.parametrize("words", [50, 150, 300, 449, 800, 5_000])
async def test_every_component_is_there_at_any_length(phrases: Phrases, words: int) -> None:
    parts = {each: await text(phrases, topic="desk lamps", word_count=words, component=each) for each in Component}
    assert all(part.strip() for part in parts.values())
    assert re.match(r"### .+\?\n\n\w", parts[Component.FAQ])
    assert parts[Component.SECTIONS].startswith("## ")
    assert not re.search(r"^#", parts[Component.INTRO] + parts[Component.TITLE], re.MULTILINE)
    assert 20 < len(parts[Component.META_DESCRIPTION]) <= 155


async def test_a_description_is_cut_where_the_first_sentence_is_too_long(phrases: Phrases) -> None:
    topic = (
        "the question whether a very small team can really write a great deal more than it does now, and why it should"
    )
    description = await text(phrases, topic=topic, component="meta_description")
    assert len(description) <= 155


async def test_findings_are_mended_by_another_text_of_the_same_length_and_keywords(phrases: Phrases) -> None:
    first = await text(phrases, **LAMPS)
    mended = await text(phrases, findings=["The text has 12 words, 800 were asked for."], **LAMPS)
    again = await text(phrases, findings=["Two sentences are the same."], **LAMPS)
    assert len({first, mended, again}) == 3
    for content in (mended, again):
        assert count_words(content) == pytest.approx(800, rel=0.05)
        assert [keyword for keyword in KEYWORDS if keyword not in content] == []


async def test_no_findings_change_nothing(phrases: Phrases) -> None:
    assert await text(phrases, findings=[], template="", idea=None, **LAMPS) == await text(phrases, **LAMPS)


@pytest.mark.parametrize("mode", list(Mode))
async def test_a_chosen_idea_is_the_subject_in_every_mode(phrases: Phrases, mode: Mode) -> None:
    idea = {"title": "Lamps in small rooms", "summary": "Small rooms want small lamps, says the baker.", "angle": None}
    fields = {"topic": "desk lamps", "trend": "desk lamps", "keywords": "lamps", "source_text": "A lamp gives light."}
    content = await text(phrases, mode, idea=idea, **fields)
    assert content.startswith("# Lamps in small rooms")
    assert "small lamps, says the baker" in content


async def test_an_idea_may_be_a_bare_title(phrases: Phrases) -> None:
    assert (await text(phrases, topic="desk lamps", idea="Lamps and cats")).startswith("# Lamps and cats")


async def test_a_thread_is_numbered_posts_that_fit(phrases: Phrases) -> None:
    posts = (await text(phrases, template="thread", **LAMPS)).strip().split("\n\n")
    assert len(posts) >= 3
    assert [post.split(" ", 1)[0] for post in posts] == [
        f"{number}/{len(posts)}" for number in range(1, len(posts) + 1)
    ]
    assert all(len(post) <= 280 for post in posts)


async def test_a_post_fits_and_carries_the_keywords(phrases: Phrases) -> None:
    post = await text(phrases, template="Social Post", **LAMPS)
    assert len(post) <= 281
    assert "#ledlamp #warmlight #cablelength" in post


@pytest.mark.parametrize(
    ("template", "mark"),
    [
        ("summary", "\n- "),
        ("newsletter", "Dear readers,"),
        ("faq", "\n\n### "),
        ("script", "\n\n**Host:** "),
        ("press-release", "**For immediate release**"),
        ("Letter to an aunt", "# Letter to an aunt: "),
    ],
)
async def test_each_format_has_its_shape(phrases: Phrases, template: str, mark: str) -> None:
    assert mark in await text(phrases, template=template, **LAMPS)


@pytest.mark.parametrize("template", ["summary", "newsletter", "faq", "script", "press_release", "a wish"])
async def test_verbosity_makes_a_format_longer_or_shorter(phrases: Phrases, template: str) -> None:
    lengths = [
        count_words(await text(phrases, template=template, verbosity=verbosity, **LAMPS))
        for verbosity in ("brief", "standard", "detailed")
    ]
    assert lengths[0] <= lengths[1] < lengths[2]


async def test_ideas_are_different_and_the_same_each_time(phrases: Phrases) -> None:
    writer = DemoWriter(phrases, timedelta(0), 0, price_input=3, price_output=15)
    for topic in ("desk lamps", "How can a small office be lit without spending a fortune on it?"):
        item = read_item(Mode.TOPIC, {"topic": topic})
        first, again = [await writer.think_up(Mode.TOPIC, item, 10) for _ in range(2)]
        assert first == again
        assert isinstance(first.content, dict)
        titles = [idea["title"] for idea in first.content["ideas"]]
        assert len(set(titles)) == 10
        assert not [
            idea for idea in first.content["ideas"] if "{" in f"{idea['title']}{idea['summary']}{idea['angle']}"
        ]
