"""A model's Markdown in one shape: what is put around it, what cannot be seen, headings; and that twice is once."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from worker.text.markdown import cleaned, title_of

ARTICLE = "# Title\n\nText here."


@pytest.mark.parametrize(
    "text",
    [
        ARTICLE,
        f"```markdown\n{ARTICLE}\n```",
        f"\n\n```md  \n{ARTICLE}\n```\n\n",
        f"```\n{ARTICLE}\n```",
        f"~~~~markdown\n{ARTICLE}\n~~~~",
        f"```markdown\n{ARTICLE}",
        f"Here is your article:\n\n{ARTICLE}",
        f"Sure! Here's the blog post you asked for:\n\n```markdown\n{ARTICLE}\n```\n\nLet me know if you want changes!",
        f"Certainly!\n\nHere is a draft.\n\n---\n\n{ARTICLE}",
        f"**Here is your article:**\n{ARTICLE}",
        f"Hier ist Ihr Artikel:\n\n{ARTICLE}",
        f"Voici votre article :\n\n{ARTICLE}",
        f"```markdown\n```markdown\n{ARTICLE}\n```\n```",
        "Here is the article:\n\nTitle\n=====\n\nText here.",
    ],
)
def test_what_a_model_puts_around_an_article_goes(text: str) -> None:
    assert cleaned(text) == ARTICLE


@pytest.mark.parametrize(
    "text",
    [
        "Here are the best shoes:\n\n- one\n- two",
        "Here is the best post of the year:\n\n- a\n- b",
        "```python\nprint(1)\n```\n\nText.",
        "```\ncode\n```",
        "Sure, it rains.\n\nMore.",
        "# T\n\n```markdown\n# Not a heading of ours\n```\n\nEnd.",
        "---\ntitle: x\n---\n\ntext",
        "Great shoes!\n\nMore text.",
        "# T\n\n```\nkept   apart\n\n\n\n\nby blank lines\n```",
        "a\n\n\nb",
    ],
)
def test_what_may_be_the_articles_own_stays(text: str) -> None:
    assert cleaned(text) == text


def test_a_wrapped_article_keeps_the_code_in_it() -> None:
    inner = "# T\n\n```python\nx = 1\n```\n\nEnd."
    assert cleaned(f"```markdown\n{inner}\n```") == inner


def test_what_follows_a_wrapped_article_stays_where_it_is_long() -> None:
    assert cleaned(f"```markdown\n{ARTICLE}\n```\n\n## More\n\nof it") == f"{ARTICLE}\n\n## More\n\nof it"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a\r\nb\rc\u2028d\u0085e", "a\nb\nc\nd\ne"),
        ("\ufeffa\u200bb\u00adc\x00d\x1be\u202ef\ud800g\uffff", "abcdefg"),
        ("a  \t\nb\u00a0", "a\nb"),
        ("a\n\n\n\n\n\nb\n\n", "a\n\n\nb"),
        ("", ""),
        (" \n\t\n\u200b", ""),
        ("👩‍👩‍👧 می‌خواهم \u200fعربي", "👩‍👩‍👧 می‌خواهم \u200fعربي"),
    ],
)
def test_what_cannot_be_seen_goes_but_for_what_shapes_a_script(text: str, expected: str) -> None:
    assert cleaned(text) == expected


@pytest.mark.parametrize(
    ("levels", "expected"),
    [
        ([1, 2, 3, 2], [1, 2, 3, 2]),
        ([1, 1, 1], [1, 2, 2]),
        ([1, 2, 1, 2, 3], [1, 2, 2, 3, 4]),
        ([1, 3, 3, 5], [1, 2, 2, 3]),
        ([3, 2, 1], [2, 2, 1]),
        ([4, 4], [2, 2]),
        ([1, 2, 3, 4, 5, 6, 6], [1, 2, 3, 4, 5, 6, 6]),
        ([1, 1, 2, 3, 4, 5, 6], [1, 2, 3, 4, 5, 6, 6]),
    ],
)
def test_one_title_and_no_level_left_out(levels: list[int], expected: list[int]) -> None:
    def text(numbers: list[int]) -> str:
        return "\n\n".join(f"{'#' * number} H" for number in numbers)

    assert cleaned(text(levels)) == text(expected)


def test_underlined_titles_become_headings() -> None:
    assert cleaned("Title\n=====\n\nPart\n----\ntext\n\n- item\n---\n\nlong\nparagraph\n---") == (
        "# Title\n\n## Part\ntext\n\n- item\n---\n\nlong\nparagraph\n---"
    )


def test_code_and_indented_lines_are_no_headings() -> None:
    text = "# T\n\n    # indented\n\n#hashtag\n\n```\n# code\n```"
    assert cleaned(text) == text


LINES = st.sampled_from(
    [
        *("# A", "## B", "### C", "###### F", "#", "#x", "Title", "===", "---", "- item", "text  ", "", "", "    code"),
        *(
            "```",
            "```markdown",
            "```md",
            "~~~",
            "```python",
            "````",
            "Here is your article:",
            "Sure!",
            "***",
            "> quote",
        ),
        *("Let me know!", "Here's the post", "\u200b", "\r", "\t", "| a |", "Certainly, here is a draft."),
    ]
)


@settings(deadline=None, max_examples=1000)
@given(st.lists(LINES, max_size=14).map("\n".join))
@example("```markdown\n```\n# A\n```\nbye")
@example("Here's the post\n\n#x\n---")
def test_cleaning_twice_changes_nothing_more(text: str) -> None:
    assert cleaned(cleaned(text)) == cleaned(text)


@settings(deadline=None)
@given(st.text())
def test_cleaning_any_text_twice_changes_nothing_more(text: str) -> None:
    assert cleaned(cleaned(text)) == cleaned(text)
    cleaned(text).encode()


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("## Part\n\n# The *real* [title](https://x.org) #", "The real title"),
        ("## Part\n\ntext", "Part"),
        ("Title\n===\n", "Title"),
        ("```\n# code\n```\n# Learn C#", "Learn C#"),
        ("#\n\n# B", "B"),
        ("text", None),
        ("", None),
    ],
)
def test_the_title_is_the_first_heading_of_the_first_level(text: str, title: str | None) -> None:
    assert title_of(text) == title
