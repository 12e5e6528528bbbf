"""Sketches are small, the same everywhere, and tell how much two texts have in common."""

from __future__ import annotations

import subprocess
import sys
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.text.shingles import SIZE, likeness, sketch


def story(seed: int, length: int) -> list[str]:
    rng = Random(seed)
    return ["".join(rng.choices("abcdefgh", k=5)) for _ in range(length)]


def test_the_same_text_is_wholly_like_itself() -> None:
    text = " ".join(story(1, 1000))
    assert likeness(sketch(text), sketch(text)) == 1.0


def test_markup_case_and_accents_make_no_difference() -> None:
    plain = "The café sells good bread and strong coffee every day"
    assert (
        sketch(f"# {plain.upper()}")
        == sketch(plain)
        == sketch(plain.replace("good bread", "**good** [bread](https://x.org)"))
    )


def test_texts_with_nothing_in_common_are_not_alike() -> None:
    assert likeness(sketch(" ".join(story(1, 1000))), sketch(" ".join(story(2, 1000)))) == 0.0


@pytest.mark.parametrize("share", [0.1, 0.3, 0.5, 0.7, 0.9])
def test_likeness_is_the_share_of_common_runs(share: float) -> None:
    common = story(1, round(4000 * share))
    a = common + story(2, 4000 - len(common))
    b = common + story(3, 4000 - len(common))
    expected = share / (2 - share)
    assert likeness(sketch(" ".join(a)), sketch(" ".join(b))) == pytest.approx(expected, abs=0.13)


def test_short_texts_are_compared_exactly() -> None:
    assert likeness(sketch("a b c d e f"), sketch("a b c d e g")) == pytest.approx(1 / 3)


@pytest.mark.parametrize("text", ["", "  \n", "🎉🎉", "---"])
def test_a_text_without_words_is_like_nothing(text: str) -> None:
    assert sketch(text) == []
    assert likeness(sketch(text), sketch(text)) == 0.0


def test_chinese_is_compared_by_characters() -> None:
    a, b = "人人生而自由在尊严和权利上一律平等", "人人生而自由在尊严和权利上完全平等"
    assert 0.2 < likeness(sketch(a), sketch(b)) < 1.0


@given(st.text())
def test_a_sketch_is_small_ascending_and_fits_the_store(text: str) -> None:
    numbers = sketch(text)
    assert len(numbers) <= SIZE
    assert numbers == sorted(set(numbers))
    assert all(0 <= number < 2**63 for number in numbers)


def test_another_process_makes_the_same_sketch() -> None:
    text = "one two three four five six seven"
    code = f"from worker.text.shingles import sketch; print(sketch({text!r}))"
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert printed.strip() == str(sketch(text))
