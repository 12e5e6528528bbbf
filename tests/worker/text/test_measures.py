"""What is counted in a text and what is not, where sentences end, and that the scales order texts as readers do."""

from __future__ import annotations

import pytest

from worker.text.measures import SCALES, reading_ease, reading_minutes, sentences, syllables, word_count

EASY = {
    "en": "The cat sat on the mat. It is a good day. We go to the park. The dog runs fast. I like it a lot. " * 3,
    "de": "Der Hund ist da. Er ist gut. Wir gehen in den Park. Das Kind hat Spaß. Die Sonne scheint warm. " * 3,
    "fr": "Le chat dort. Il fait beau. Nous allons au parc. Le chien court vite. Je suis là. On joue bien. " * 3,
    "es": "El sol sale. Hoy es un buen día. El pan es bueno. Voy al mar. El gato ve la luz. Me gusta más. " * 3,
    "it": "Il sole è alto. Oggi si sta bene. Il pane è buono. Vado al mare. Il gatto è qui. Mi piace. " * 3,
    "nl": "De hond is hier. Hij is goed. Wij gaan naar het park. Het kind lacht. De zon schijnt warm. " * 3,
    "pt": "O sol é bom. Hoje vou ao mar. O pão é bom. O cão vê a luz. Eu sou feliz. Nós vamos ali. " * 3,
    "ru": "Кот спит тут. День был хорош. Мы идём в парк. Пёс бежит. Я тут. Он там. Лес был тих. " * 3,
}
HARD = {
    "en": "Organisational interoperability necessitates comprehensive administrative harmonisation notwithstanding",
    "de": "Verwaltungsrechtliche Zuständigkeitsvereinbarungen berücksichtigen gegebenenfalls außerordentliche",
    "fr": "Nonobstant l'harmonisation administrative internationale, l'interopérabilité organisationnelle nécessite",
    "es": "La interoperabilidad organizacional internacional necesita consideraciones administrativas extraordinarias",
    "it": "L'interoperabilità organizzativa internazionale necessita considerazioni amministrative straordinarie",
    "nl": "Organisatorische verantwoordelijkheidsverdelingen veronderstellen internationale overeenstemmingen",
    "pt": "A interoperabilidade organizacional internacional necessita considerações administrativas extraordinárias",
    "ru": "Международная организационная взаимозаменяемость предполагает административное регулирование",
}


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("", 0),
        ("  \n\t\n ", 0),
        ("# A title\n\nTwo words.", 4),
        ("**bold** _and_ `code`", 3),
        ("snake_case_name stays", 2),
        ('[four words in here](https://example.com/a_(b) "title") end', 5),
        ("![alt text](https://x.org/y.png) word", 1),
        ("See https://example.com/a/b?c=d now", 2),
        ("[ref][1] text\n\n[1]: https://example.com", 2),
        ("```python\nmany words of code here\n```\nfour words are left", 4),
        ("~~~\ncode\n```\nstill code\n~~~\none", 1),
        ("- one\n- [ ] two\n1. three\n> four", 4),
        ("| a | b |\n| --- | :-: |\n| c | d |", 4),
        ("---\n***\n===\n- - -", 0),
        ('<div class="x">one</div> <!-- no\nno --> two', 2),
        ("don't state-of-the-art 1,000.50", 3),
        ("one—two", 2),
        ("🎉 party 🎉", 1),
        ("人人生而自由，在尊严和权利上一律平等。", 17),
        ("人生 is life", 4),
        ("모든 인간은 태어날", 3),
        ("يولد جميع الناس أحرارا", 4),
        ("हिन्दी में लिखा", 3),
    ],
)
def test_words_are_counted_as_a_reader_does(text: str, count: int) -> None:
    assert word_count(text) == count


@pytest.mark.parametrize(
    ("text", "minutes"), [("", 0), ("one", 1), ("word " * 238, 1), ("word " * 239, 2), ("人" * 255, 1), ("人" * 256, 2)]
)
def test_reading_time_is_in_whole_minutes(text: str, minutes: int) -> None:
    assert reading_minutes(text) == minutes


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("One. Two! Three? Four", ["One.", "Two!", "Three?", "Four"]),
        ("Dr. Smith met J. R. Hill at 5 p.m. on Monday.", ["Dr. Smith met J. R. Hill at 5 p.m. on Monday."]),
        ("Use it, e.g. The Times. Then go.", ["Use it, e.g. The Times.", "Then go."]),
        ("Am 3. März war es kalt. Danach nicht.", ["Am 3. März war es kalt.", "Danach nicht."]),
        ("That was 2020. Then it ended.", ["That was 2020.", "Then it ended."]),
        ("Is it No. 5? The answer is no. Go on.", ["Is it No. 5?", "The answer is no.", "Go on."]),
        ("He said “Stop.” Then he left.", ["He said “Stop.”", "Then he left."]),
        ("Version 3.5 costs $1.50 today.", ["Version 3.5 costs $1.50 today."]),
        ("Wait... What?", ["Wait...", "What?"]),
        ("# Title\nText here.\n\n- item one\n- item two", ["Title", "Text here.", "item one", "item two"]),
        ("今日は晴れ。明日は雨！本当？", ["今日は晴れ。", "明日は雨！", "本当？"]),
        ("ما هذا؟ هذا كتاب.", ["ما هذا؟", "هذا كتاب."]),
    ],
)
def test_sentences_end_where_a_reader_says(text: str, expected: list[str]) -> None:
    assert sentences(text) == expected


@pytest.mark.parametrize("language", SCALES)
def test_short_words_and_sentences_are_easier(language: str) -> None:
    easy, hard = reading_ease(EASY[language], language), reading_ease(f"{HARD[language]} " * 6, language)
    assert easy is not None
    assert hard is not None
    assert easy > 70
    assert hard < 30


def test_a_known_text_has_the_score_of_the_formula() -> None:
    text = "The cat sat on the mat. " * 6
    assert reading_ease(text, "en") == pytest.approx(100.0)
    assert reading_ease("Reading is pleasant. " * 12, "en") == pytest.approx(206.835 - 1.015 * 3 - 84.6 * 5 / 3)


@pytest.mark.parametrize(
    ("text", "language"), [("Too short.", "en"), (EASY["en"], "ja"), ("", "en"), ("12 34 " * 40, "en")]
)
def test_ease_is_not_told_without_a_scale_or_enough_words(text: str, language: str) -> None:
    assert reading_ease(text, language) is None


@pytest.mark.parametrize(
    ("language", "word", "count"),
    [
        ("en", "make", 1),
        ("en", "table", 2),
        ("en", "walked", 1),
        ("en", "wanted", 2),
        ("en", "boxes", 2),
        ("en", "the", 1),
        ("en", "banana", 3),
        ("de", "häuser", 2),
        ("de", "versicherung", 4),
        ("fr", "porte", 1),
        ("es", "día", 2),
        ("es", "aéreo", 4),
        ("es", "bueno", 2),
        ("it", "paese", 3),
        ("ru", "молоко", 3),
        ("nl", "water", 2),
        ("pt", "feliz", 2),
        ("en", "nth", 1),
    ],
)
def test_syllables_are_about_as_many_as_are_spoken(language: str, word: str, count: int) -> None:
    assert syllables(word, language) == count
