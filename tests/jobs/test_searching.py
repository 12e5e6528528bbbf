"""The words of a name, and how what a person types is compared with them."""

from __future__ import annotations

import pytest

from jobs.searching import LONGEST_WORD, MOST_WORDS, words_of


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (None, []),
        ("", []),
        (" -- !?", []),
        ("Hiking Boots, boots", ["hiking", "boots"]),
        ("Café-Tables_2", ["cafe", "tables", "2"]),
        ("Größe", ["grosse"]),
        ("ÉTÉ İstanbul", ["ete", "istanbul"]),
        ("Тёплые", ["теплые"]),
        ("ﬁne", ["fine"]),
        ("自転車 boots", ["自", "転", "車", "boots"]),
        (":pipeline:blog", ["pipeline", "blog"]),
        (".* ^a$", ["a"]),
    ],
)
def test_words_are_without_case_accents_and_signs(text: str | None, words: list[str]) -> None:
    assert words_of(text) == words


def test_what_is_stored_of_a_very_long_name_is_bounded() -> None:
    words = words_of(" ".join(f"{number}{'x' * 100}" for number in range(100)))
    assert len(words) == MOST_WORDS
    assert {len(word) for word in words} == {LONGEST_WORD}
