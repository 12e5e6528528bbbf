"""The word lists fit the grammar that the sentences expect of them."""

from __future__ import annotations

import re

from generator.phrases import Phrases, Theme, Words

SLOTS = {"subject", "focus", "focus2", "act", "act2", "gain", "risk", "people", "when", "often"}


def slots(sentences: Words) -> set[str]:
    return {name for sentence in sentences for name in re.findall(r"\{(\w*)\}", sentence)}


def test_every_theme_has_a_heading_with_the_subject_and_one_without(phrases: Phrases) -> None:
    for theme in phrases.themes:
        assert {"{subject}" in heading for heading in theme.headings} == {True, False}, theme.name


def test_every_theme_has_enough_to_say(phrases: Phrases) -> None:
    for theme in (*phrases.themes, phrases.sentences.whole):
        assert min(len(theme.focus), len(theme.act), len(theme.gain), len(theme.risk)) >= 6, theme.name
        assert len(theme.notes) >= 5, theme.name


def test_no_phrase_is_listed_twice(phrases: Phrases) -> None:
    for pick in ("headings", "notes", "act"):
        listed = [phrase for theme in phrases.themes for phrase in getattr(theme, pick)]
        assert len(set(listed)) == len(listed), pick


def test_sentences_name_only_slots_that_can_be_filled(phrases: Phrases) -> None:
    for tone in phrases.tones.values():
        assert slots(phrases.sentences.body + tone.body) <= SLOTS
        assert slots(tone.intro + tone.closing + tone.conclusion + tone.openers) <= {"subject"}
    for theme in phrases.themes:
        assert slots(theme.headings + theme.notes + (theme.question, theme.answer)) <= {"subject"}


def test_what_is_listed_page_types_prefer_exists(phrases: Phrases) -> None:
    names = {theme.name for theme in phrases.themes}
    assert set(phrases.sentences.page_types) == {"product", "category", "brand", "inspire", "engage"}
    for page_type in phrases.sentences.page_types.values():
        assert set(page_type.themes) <= names


def test_phrases_that_go_inside_a_sentence_carry_no_end_and_no_capital(phrases: Phrases) -> None:
    for theme in phrases.themes:
        for phrase in _inside(theme):
            assert phrase[0].islower(), phrase
            assert phrase[-1] not in ".!?,:", phrase


def _inside(theme: Theme) -> Words:
    return (theme.label, *theme.focus, *theme.act, *theme.gain, *theme.risk)
