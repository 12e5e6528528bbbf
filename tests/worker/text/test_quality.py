"""Each finding: when it is made, when not, and that its words tell a writer what to do."""

from __future__ import annotations

import random

import pytest

from generator.article import write_article
from generator.items import Item, Mode
from generator.phrases import load_phrases
from worker.text.markdown import cleaned
from worker.text.quality import Code, Sibling, Wanted, check
from worker.text.shingles import sketch

NUMBERS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")


def article(words: int = 100, end: str = "") -> str:
    """That many words, ten a sentence, no sentence twice."""
    said = [f"The {NUMBERS[at % 10]} part of text {at} tells you something new." for at in range(words // 10)]
    return " ".join(said) + end


def found(text: str, wanted: Wanted = Wanted()) -> dict[Code, str]:  # noqa: B008 (frozen)
    return {finding.code: finding.text for finding in check(text, wanted)}


def test_a_good_article_has_no_findings() -> None:
    assert check(article(), Wanted(word_count=100, keywords=["new text"], language="en-US")) == []


@pytest.mark.parametrize("text", ["", " \n\t\n", "---", "```\ncode only\n```", "🎉"])
def test_an_article_without_words_is_empty_and_nothing_else(text: str) -> None:
    findings = check(text, Wanted(word_count=100, keywords=["x"]))
    assert [finding.code for finding in findings] == [Code.EMPTY]
    assert findings[0].blocking


@pytest.mark.parametrize(
    "end",
    [
        " And when you have found out which one of them is the",
        " One more, which is",
        " One more,",
        " See [the guide",
        " See [it](https://example.com/gui",
        "\n\n## What comes next",
        "\n\n```python\nprint(1)",
    ],
)
def test_half_an_article_is_told_from_its_end(end: str) -> None:
    assert "finish" in found(article(end=end))[Code.UNFINISHED]


@pytest.mark.parametrize(
    "end",
    [
        "",
        "\n\n- a list item without a full stop that has a good many words",
        "\n\n[Shop now](https://example.com/shop)",
        "\n\n**Order today!**",
        "\n\n“That is what they all said when it was over.”",
        "\n\n| a | b |\n| --- | --- |\n| one two three four five | six seven eight nine |",
        "\n\n```python\nprint(1)\n```",
        "\n\n你今天可以在我们的商店里买到它。",
        "\n\n![a picture](https://example.com/a.png)",
    ],
)
def test_a_whole_article_may_end_in_many_ways(end: str) -> None:
    assert Code.UNFINISHED not in found(article(end=end))


@pytest.mark.parametrize(
    ("words", "asked", "told"),
    [
        (100, 100, ""),
        (80, 100, ""),
        (120, 100, ""),
        (70, 100, "The article has 70 words and 100 are wanted: make it longer, 80 to 120 words."),
        (130, 100, "The article has 130 words and 100 are wanted: make it shorter, 80 to 120 words."),
        (130, None, ""),
    ],
)
def test_length_may_be_off_by_a_fifth(words: int, asked: int | None, told: str) -> None:
    assert found(article(words), Wanted(word_count=asked)).get(Code.LENGTH, "") == told


@pytest.mark.parametrize(
    ("text", "keyword"),
    [
        ("These shoes last.", "Shoe"),
        ("A running shoe lasts.", "running shoes"),
        ("Women's shoes made for running.", "running shoes for women"),
        ("Das Café hat Häuser.", "cafe haus"),
        ("Viele Versicherungen zahlen.", "Versicherung"),
        ("He buys two hats.", "hat"),
        ("This is C++ code.", "C++"),
        ("这款手机保护壳很好。", "保护壳"),
        ("이 신발은 좋다.", "신발"),
        ("هذا الحذاء جيد.", "حذاء"),
        ("Купил новые ботинки.", "ботинок новый"),
        ("The Wi-Fi works.", "wi-fi"),
        ("**Garden** [hoses](https://example.com).", "garden hose"),
        ("Party 🎉 now.", "🎉"),
        ("Anything.", "  "),
    ],
)
def test_a_keyword_is_there_in_any_common_form(text: str, keyword: str) -> None:
    assert Code.KEYWORDS not in found(text, Wanted(keywords=[keyword]))


@pytest.mark.parametrize(
    ("text", "keyword"),
    [
        ("A boot lasts.", "shoe"),
        ("Running is good. " + "Many other words stand here in between. " * 3 + "Shoes are too.", "running shoes"),
        ("The artist paints.", "art"),
        ("See https://example.com/shoe now.", "shoe"),
        ("```\nshoe\n```\ntext", "shoe"),
        ("这款手机很好。", "保护壳"),
        ("C is old.", "C++"),
    ],
)
def test_a_keyword_that_is_not_there_is_named(text: str, keyword: str) -> None:
    told = found(text, Wanted(keywords=[keyword, keyword]))[Code.KEYWORDS]
    assert told == f"This keyword is missing: “{keyword}”. Use each at least once."


def test_many_missing_keywords_are_named_and_counted() -> None:
    told = found("Nothing.", Wanted(keywords=[f"keyword{at}abc" for at in range(12)]))[Code.KEYWORDS]
    assert "“keyword9abc” and 2 more" in told


@pytest.mark.parametrize(
    "placeholder",
    [
        *("[insert product name]", "[Your Company]", "[Company Name]", "[Ihr Firmenname]"),
        *("{{ product }}", "{% if x %}", "${price}", "<your company>", "<insert link here>", "TODO", "TBD", "XXX"),
        *("Lorem ipsum dolor", "[XX]", "[votre nom]", "[city]"),
    ],
)
def test_placeholders_are_found_as_they_stand(placeholder: str) -> None:
    told = found(article(end=f" Buy at {placeholder} now."))[Code.PLACEHOLDERS]
    assert placeholder[:11] in told


@pytest.mark.parametrize(
    "text",
    [
        "[Your guide](https://example.com)",
        "- [ ] a task",
        "`{{ template }}`",
        "```\n[insert name]\nTODO\n```",
        "size XXL",
        "an <address> tag",
        "[1]",
    ],
)
def test_what_only_looks_like_a_placeholder_is_none(text: str) -> None:
    assert Code.PLACEHOLDERS not in found(article(end=f"\n\n{text}"))


def test_todo_is_a_word_in_spanish() -> None:
    text = "TODO lo que necesitas para el jardín de tu casa está en la tienda."
    assert Code.PLACEHOLDERS not in found(text, Wanted(language="es"))
    assert Code.PLACEHOLDERS in found(f"{text} TODO: precio.", Wanted(language="es"))


def test_the_sibling_that_an_article_repeats_is_named() -> None:
    text = article(300)
    siblings = [
        Sibling(3, sketch("something else entirely in this one")),
        Sibling(4, sketch(text)),
        Sibling(5, sketch(text)),
    ]
    assert found(text, Wanted(siblings=siblings))[Code.DUPLICATE].startswith("The article is 100% like article 4 of")


def test_siblings_on_the_same_subject_are_no_duplicates() -> None:
    phrases = load_phrases()
    sketches: list[Sibling] = []
    for at in range(12):
        item = Item(topic=f"garden hoses {'for beginners' * (at % 2)}", word_count=600)
        text = write_article(Mode("topic"), item, phrases, random.Random(at))
        assert check(cleaned(text), Wanted(word_count=600, keywords=["garden hose"], siblings=sketches)) == []
        sketches.append(Sibling(at, sketch(text)))


GERMAN = "Alle Menschen sind frei und gleich an Würde und Rechten geboren, und das ist nicht für alle so."


def test_the_wrong_language_is_told() -> None:
    assert found(GERMAN)[Code.LANGUAGE] == "The article is in German and English is wanted: write it in English."


@pytest.mark.parametrize("language", ["de-AT", "Deutsch", "tlh"])
def test_a_language_that_is_right_or_unknown_is_no_finding(language: str) -> None:
    assert Code.LANGUAGE not in found(GERMAN, Wanted(language=language))


def test_repeated_sentences_are_shown_with_their_number() -> None:
    again = "This sentence stands here more than once."
    assert Code.REPETITION not in found(f"{article()} {again} {again}")
    told = found(f"{article()} {again} {again.upper()} **{again}**")[Code.REPETITION]
    assert told == f"Sentences are repeated: “{again}” (3 times). Say each thing once."


def test_short_sentences_may_be_repeated() -> None:
    assert Code.REPETITION not in found(article() + " Buy it now." * 10)


def test_missing_parts_are_only_mentioned() -> None:
    parts = ("title", "intro", "sections", "faq", "conclusion", "meta_description")
    (finding,) = [
        each for each in check(f"## Part\n\n{article()}", Wanted(components=parts)) if each.code is Code.COMPONENTS
    ]
    assert not finding.blocking
    for part in ("a title", "an introduction", "sections with headings", "questions and answers"):
        assert part in finding.text
    whole = "# T\n\nIntro.\n\n## A\n\nText.\n\n### Why?\n\nSo.\n\n**What for?**\n\nThat."
    assert Code.COMPONENTS not in found(whole, Wanted(components=parts))


def test_a_hard_text_is_only_mentioned() -> None:
    text = "Organisational interoperability necessitates comprehensive administrative harmonisation. " * 6
    (finding,) = [each for each in check(text, Wanted()) if each.code is Code.READABILITY]
    assert not finding.blocking
    assert "reading ease 0 of 100, at least 30 is wanted; 6 words a sentence" in finding.text


def test_all_but_two_codes_send_an_article_back() -> None:
    from worker.text.quality import Finding

    assert {code for code in Code if not Finding(code, "").blocking} == {Code.COMPONENTS, Code.READABILITY}


def test_an_article_of_a_right_to_left_language_is_checked_too() -> None:
    text = "هذا الكتاب عن الحديقة التي في البيت، وهو كتاب جيد لكل من يحب أن يقرأ عن هذا في كل يوم."
    assert check(text, Wanted(language="ar", keywords=["الحديقة"])) == []
