"""No text makes the work on it slow: what is made to be slow takes time in proportion to its length.

Processor time, so that a busy machine changes nothing. At this length anything quadratic takes minutes.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from jobs.languages import normalised
from worker.text.html_text import text_of_html
from worker.text.languages import guess
from worker.text.markdown import cleaned, title_of
from worker.text.measures import reading_ease, sentences, word_count
from worker.text.quality import Sibling, Wanted, check
from worker.text.safe_html import safe_html
from worker.text.shingles import sketch

LENGTH = 100_000
MOST_SECONDS = 5.0
WANTED = Wanted(
    word_count=800,
    keywords=["garden hose", "a", "保护壳", "the running shoes", *(f"keyword {at}" for at in range(50))],
    siblings=[Sibling(at, list(range(at, at + 128))) for at in range(100)],
    components=("title", "intro", "sections", "faq"),
)
WORK: list[Callable[[str], object]] = [
    cleaned,
    title_of,
    word_count,
    sentences,
    lambda text: reading_ease(text, "en"),
    sketch,
    guess,
    normalised,
    safe_html,
    text_of_html,
    lambda text: check(text, WANTED),
]
UNITS = [
    *(
        "The garden hose is long. ",
        "人人生而自由。",
        "مرحبا ",
        "😀",
        "e\u0301",
        "x ",
        "a.",
        "A. ",
        "www.",
        "http://",
        "\\",
    ),
    *(
        "[",
        "![",
        "[](",
        '[a](b "',
        "(",
        "<a ",
        '<a "',
        "<!--",
        "<div>",
        "<nav>",
        "<main>",
        "<li><p>",
        "<script>",
        "&amp;",
    ),
    *(
        "```\n",
        "```markdown\n",
        "`",
        "~",
        "*a **a ",
        "_",
        "__a",
        "# a\n",
        "#",
        "a\n===\n",
        "---\n",
        "| a |\n",
        "> ",
        "- ",
    ),
    *(
        "[insert ",
        "{{",
        "${",
        "<your ",
        "XXX",
        " ",
        "\t",
        "\n",
        "\u200b",
        "\ud800",
        "Here is your article:\n",
        "Sure!\n\n\n",
    ),
]
ODD = {
    "spaces before a word": " " * LENGTH + "x",
    "a fence and spaces": "```" + " " * LENGTH + "`",
    "a heading and spaces": "# a" + " " * LENGTH + "#x",
    "ticks of every number": "".join("e" + "`" * number for number in range(600)),
    "a greeting and nothing": "Here is your article:\n" + "\n" * LENGTH,
    "every word another": " ".join(f"w{number:x}" for number in range(LENGTH // 6)),
}


@pytest.mark.parametrize(
    "text", [*(unit * (LENGTH // len(unit)) for unit in UNITS), *ODD.values()], ids=[*map(repr, UNITS), *ODD]
)
def test_no_text_is_slow(text: str) -> None:
    for work in WORK:
        begun = time.process_time()
        work(text)
        assert time.process_time() - begun < MOST_SECONDS, work


def test_two_megabytes_of_prose_take_seconds_at_most() -> None:
    text = "\n\n".join(f"Sentence {number} of the garden hose is about {number * 7919}." for number in range(40_000))
    for work in WORK:
        begun = time.process_time()
        work(text)
        assert time.process_time() - begun < MOST_SECONDS, work
