"""The articles of the demo writer: length, words, shape, and always the same."""

from __future__ import annotations

import asyncio
import re
import sys
from asyncio.subprocess import PIPE
from collections import Counter
from datetime import timedelta
from random import Random
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from generator.answers import Answer
from generator.article import write_article
from generator.demo import DemoWriter
from generator.items import Mode, read_item
from generator.phrases import Phrases
from generator.sentences import count_words

T = TypeVar("T")

LENGTHS = [*range(50, 400, 13), 400, 555, 800, 1_200, 2_000, 3_500, 5_000, 7_777, 10_000]
TOPICS = [
    "Electric cars in winter",
    "how to choose running shoes",
    "10 tips for better sleep",
    "What is SEO?",
    "The many ways in which a small team can write a great deal more than it does now without any trouble",
    "Zimmerpflanzen",
]
TONES = ["professional", "casual", "friendly", "persuasive", "informative", "inspiring", "neutral", "grumpy"]
SOURCE = """# Small gardens

Many people think that a garden must be big. But a small garden is often easier to keep! It needs less water.

- Start with herbs because they forgive mistakes.
- Put every pot on wheels.

It is important to water in the evening, and [mulch](https://example.com/mulch) helps **a lot** in dry summers.
"""


def article(phrases: Phrases, mode: Mode = Mode.TOPIC, seed: int = 1, **fields: Any) -> str:
    return write_article(mode, read_item(mode, fields), phrases, Random(seed))


def sentences(text: str) -> list[str]:
    lines = (re.sub(r"^(#+|-|\d+\.) ", "", line) for line in text.splitlines())
    return [sentence for line in lines for sentence in re.split(r"(?<=[.!?]) ", line) if sentence]


def off_by(text: str, words: int) -> float:
    """The worse of two ways to count: words alone, and everything between spaces."""
    return max(abs(count_words(text) - words), abs(len(text.split()) - words)) / words


def some(cases: list[T], words: int) -> list[T]:
    """Fewer where the articles are long."""
    return cases if words < 3_000 else [cases[words % len(cases)]]


@pytest.mark.parametrize("words", LENGTHS)
def test_an_article_has_the_asked_length(phrases: Phrases, words: int) -> None:
    for seed, topic in enumerate(some(TOPICS, words)):
        text = article(phrases, seed=seed, topic=topic, word_count=words, tone=TONES[seed])
        assert off_by(text, words) <= 0.1, (topic, count_words(text))


@pytest.mark.parametrize("words", LENGTHS)
def test_keywords_links_and_context_leave_the_length_as_it_is(phrases: Phrases, words: int) -> None:
    extras = {
        "keywords": [f"keyword number {n}" for n in range(30)],
        "brand_voice": "Warm, plain, never pushy",
        "page_type": "product",
        "target_url": "https://example.com/plants",
        "context": SOURCE * 5,
        "region": "Lower Saxony",
    }
    for seed, mode in enumerate(some(list(Mode), words)):
        fields = {"topic": "office plants", "trend": "office plants", "source_text": SOURCE, **extras}
        text = article(phrases, mode, seed, word_count=words, **fields)
        assert off_by(text, words) <= 0.1, (mode, count_words(text))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    topic=st.text(min_size=1, max_size=200),
    source=st.text(max_size=400),
    words=st.integers(50, 300),
    seed=st.integers(0, 1_000),
)
def test_any_topic_and_source_make_an_article(phrases: Phrases, topic: str, source: str, words: int, seed: int) -> None:
    for mode in (Mode.TOPIC, Mode.SPIN):
        text = article(phrases, mode, seed, topic=f"x{topic}", source_text=f"x{source}", word_count=words)
        assert abs(count_words(text) - words) <= words * 0.1


@pytest.mark.parametrize("tone", TONES)
@pytest.mark.parametrize("words", [300, 800, 2_000])
def test_no_sentence_comes_twice(phrases: Phrases, words: int, tone: str) -> None:
    for seed in range(4):
        text = article(phrases, seed=seed, topic="indoor herb gardens", word_count=words, tone=tone)
        twice = [sentence for sentence, times in Counter(sentences(text)).items() if times > 1]
        assert not twice


def test_articles_about_different_topics_share_few_sentences(phrases: Phrases) -> None:
    texts = [article(phrases, seed=seed, topic=topic) for seed, topic in enumerate(TOPICS)]
    for text in texts[1:]:
        shared = set(sentences(text)) & set(sentences(texts[0]))
        assert len(shared) < len(sentences(text)) / 3


def test_an_article_has_a_title_sections_a_list_questions_and_a_conclusion(phrases: Phrases) -> None:
    text = article(phrases, topic="how to start a balcony garden", word_count=1_500, tone="neutral")
    headings = re.findall(r"^## (.+)$", text, re.MULTILINE)
    assert text.startswith("# How to start a balcony garden\n")
    assert len(headings) >= 6
    assert len(set(headings)) == len(headings)
    assert "Frequently asked questions" in headings
    assert headings[-1] in {"Conclusion", "Summary"}
    assert re.search(r"^(- |1\. )", text, re.MULTILINE)
    assert re.search(r"^### .+\?$", text, re.MULTILINE)


def test_headings_suit_the_topic(phrases: Phrases) -> None:
    text = article(phrases, topic="budget bathroom ideas", word_count=600)
    headings = re.findall(r"^##+ (.+)$", text, re.MULTILINE)
    assert any("udget" in heading for heading in headings[:2])


@pytest.mark.parametrize("words", [200, 800])
def test_every_keyword_that_has_room_is_in_the_text(phrases: Phrases, words: int) -> None:
    keywords = ["low light", "watering", "humidity tray", "repotting in spring", "pet-safe plants", "LED lamps"]
    text = article(phrases, topic="office plants", keywords=keywords, word_count=words)
    assert [keyword for keyword in keywords if keyword not in text] == []


def test_keywords_make_an_article_of_their_own(phrases: Phrases) -> None:
    text = article(phrases, Mode.KEYWORDS, keywords="standing desks, monitor arms,, monitor arms ", word_count=300)
    assert text.startswith("# Standing desks: ")
    assert "monitor arms" in text


def test_a_trend_is_told_with_its_region(phrases: Phrases) -> None:
    text = article(phrases, Mode.TRENDS, trend="Dopamine decor", region="Portugal")
    assert text.startswith("# Dopamine decor: ")
    assert "Portugal" in text


def test_a_source_is_told_in_other_words(phrases: Phrases) -> None:
    text = article(phrases, Mode.SPIN, source_text=SOURCE, word_count=400)
    assert text.startswith("# Small gardens")
    assert "Many people think that a garden must be large." in text
    assert "Start with herbs since they forgive mistakes." in text
    assert "and mulch helps a lot in dry summers." in text


def test_a_source_url_gives_the_topic(phrases: Phrases) -> None:
    text = article(phrases, Mode.SPIN, source_url="https://example.com/blog/best-hiking-trails.html?x=1")
    assert text.startswith("# Best hiking trails")


def test_the_context_is_used_and_may_be_an_object(phrases: Phrases) -> None:
    context = {"facts": ["The lamp was built in Kassel in 1954."], "score": 3}
    assert "The lamp was built in Kassel in 1954." in article(phrases, topic="desk lamps", context=context)


def test_brand_voice_page_type_and_link_show(phrases: Phrases) -> None:
    text = article(
        phrases,
        topic="desk lamps",
        brand_voice="Warm, plain, never pushy.",
        page_type="category",
        target_url="https://example.com/lamps_(all)",
    )
    assert "Warm, plain, never pushy." in text
    assert "This page gives an overview of the range" in text
    assert text.endswith("[Browse the range](<https://example.com/lamps_(all)>)\n")


def test_tones_sound_different_and_an_unknown_one_is_neutral(phrases: Phrases) -> None:
    texts = {tone: article(phrases, topic="desk lamps", tone=tone) for tone in TONES}
    assert texts["grumpy"] == texts["neutral"]
    assert texts["casual"] == texts["friendly"]
    assert len(set(texts.values())) == len(TONES) - 2


def test_nothing_is_left_to_fill_in(phrases: Phrases) -> None:
    for seed, topic in enumerate(TOPICS):
        text = article(phrases, seed=seed, topic=topic, word_count=5_000, tone=TONES[seed])
        assert not re.search(r"[{}\[\]]|TODO|lorem|  |\.\.|,,| ,| \.", text)
        assert all(sentence[0].isupper() or not sentence[0].isalpha() for sentence in sentences(text))


def test_braces_in_a_topic_are_only_text(phrases: Phrases) -> None:
    assert "{focus} and {x!r}" in article(phrases, topic="{focus} and {x!r}", word_count=300)


async def test_the_same_item_gives_the_same_text_and_another_item_another(phrases: Phrases) -> None:
    writer = DemoWriter(phrases, timedelta(0), 0, price_input=3, price_output=15)
    item = read_item(Mode.TOPIC, {"topic": "desk lamps", "job_id": "1", "user_id": "2"})
    again = read_item(Mode.TOPIC, {"topic": " desk  lamps", "job_id": "3", "metadata": {"sku_count": 4}})
    other = read_item(Mode.TOPIC, {"topic": "desk lamps", "language": "de"})
    first = await writer.write(Mode.TOPIC, item)
    assert await writer.write(Mode.TOPIC, again) == first
    assert await writer.write(Mode.TOPIC, other) != first


async def test_the_text_is_the_same_in_every_process(phrases: Phrases) -> None:
    script = (
        "import asyncio, datetime, generator.demo as d, generator.items as i, generator.phrases as p\n"
        "writer = d.DemoWriter(p.load_phrases(), datetime.timedelta(0), 0, 3, 15)\n"
        "item = i.read_item(i.Mode.TOPIC, {'topic': 'desk lamps'})\n"
        "print(asyncio.run(writer.write(i.Mode.TOPIC, item)).model_dump_json())\n"
    )
    writer = DemoWriter(phrases, timedelta(0), 0, price_input=3, price_output=15)
    answer = await writer.write(Mode.TOPIC, read_item(Mode.TOPIC, {"topic": "desk lamps"}))
    other = await asyncio.create_subprocess_exec(sys.executable, "-c", script, stdout=PIPE)
    assert Answer.model_validate_json((await other.communicate())[0]) == answer


async def test_usage_follows_from_the_text_and_the_prices(phrases: Phrases) -> None:
    writer = DemoWriter(phrases, timedelta(0), 0, price_input=0, price_output=1_000_000)
    answer = await writer.write(Mode.TOPIC, read_item(Mode.TOPIC, {"topic": "desk lamps"}))
    assert answer.usage is not None
    assert answer.usage.input_tokens > 0
    assert answer.usage.output_tokens == -(-len(answer.content) // 4)
    assert answer.usage.cost == answer.usage.output_tokens
