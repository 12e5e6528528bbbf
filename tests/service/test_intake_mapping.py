"""Which column is which field, guessed or named, and what is said where there is none."""

from __future__ import annotations

import pytest

from jobs.errors import InvalidInput
from service.uploads.intake.faults import Faults
from service.uploads.intake.mapping import check_mode, guess, named, require


def faults_of(faults: Faults) -> list[tuple[str, str]]:
    with pytest.raises(InvalidInput) as caught:
        faults.refuse_if_any()
    return [(fault.path, fault.message) for fault in caught.value.faults]


@pytest.mark.parametrize(
    ("mode", "header", "expected"),
    [
        ("topic", ["topic"], {"topic": "topic"}),
        ("topic", ["Product Title", "TITLE"], {"topic": "TITLE"}),
        ("topic", ["Focus-Keyword", "Page_Title"], {"topic": "Page_Title", "keywords": "Focus-Keyword"}),
        ("topic", ["Name", "Word  Count", "URL"], {"topic": "Name", "word_count": "Word  Count", "target_url": "URL"}),
        ("topic", ["Topic", "Tone of voice", "Lang"], {"topic": "Topic", "tone": "Tone of voice", "language": "Lang"}),
        (
            "topic",
            ["Topic", "brandVoice", "pageType"],
            {"topic": "Topic", "brand_voice": "brandVoice", "page_type": "pageType"},
        ),
        ("topic", ["\uff34opic", "SKU"], {"topic": "\uff34opic", "external_id": "SKU"}),
        ("topic", ["Topic", "Type", "Status", "Length", "Region"], {"topic": "Topic"}),
        (
            "topic",
            ["Topic", "metadata.sku_count", "Avg. monthly searches", "Content Status"],
            {
                "topic": "Topic",
                "metadata.sku_count": "metadata.sku_count",
                "metadata.monthly_searches": "Avg. monthly searches",
                "metadata.content_status": "Content Status",
            },
        ),
        (
            "keywords",
            ["Keyword", "Search Volume"],
            {"keywords": "Keyword", "metadata.monthly_searches": "Search Volume"},
        ),
        ("keywords", ["Query", "Title"], {"keywords": "Query"}),
        ("trends", ["Trending Search", "Country"], {"trend": "Trending Search", "region": "Country"}),
        ("trends", ["Query", "Keyword"], {"trend": "Query", "keywords": "Keyword"}),
        ("spin", ["URL", "Landing Page"], {"source_url": "URL", "target_url": "Landing Page"}),
        ("spin", ["Body", "Link", "Topic"], {"source_text": "Body", "source_url": "Link"}),
    ],
)
def test_a_common_header_is_recognised_for_the_mode(mode: str, header: list[str], expected: dict[str, str]) -> None:
    assert guess(header, mode, {}) == expected


def test_a_header_that_is_the_name_of_a_field_is_recognised() -> None:
    header = [
        "topic",
        "keywords",
        "word_count",
        "tone",
        "language",
        "brand_voice",
        "page_type",
        "target_url",
        "external_id",
    ]
    header += ["metadata.sku_count", "metadata.monthly_searches", "metadata.content_status"]
    assert guess(header, "topic", {}) == {field: field for field in header}
    own = ["trend", "region", "source_text", "source_url"]
    assert guess(own, "trends", {}) == {"trend": "trend", "region": "region"}
    assert guess(own, "spin", {}) == {"source_text": "source_text", "source_url": "source_url"}


def test_a_named_column_wins_and_is_not_guessed_for_another_field() -> None:
    header = ["Title", "Keyword", "H1"]
    assert guess(header, "topic", {"topic": "Keyword"}) == {"topic": "Keyword"}
    assert guess(header, "topic", {"topic": "H1"}) == {"topic": "H1", "keywords": "Keyword"}


def test_a_column_is_named_in_any_case_and_spacing() -> None:
    faults = Faults()
    assert named(["Post  Name", "post name!"], {"topic": " post name! "}, faults) == {"topic": "post name!"}
    assert named(["Post Name"], {"topic": "POST  name"}, faults) == {"topic": "Post Name"}
    faults.refuse_if_any()


def test_an_empty_name_turns_a_guess_off() -> None:
    header = ["Topic", "Tone"]
    assert guess(header, "topic", named(header, {"tone": ""}, Faults())) == {"topic": "Topic"}


def test_a_named_column_that_is_not_there_is_a_fault_that_lists_those_that_are() -> None:
    faults = Faults()
    assert named(["Title", "Tone"], {"topic": "Titel"}, faults) == {}
    assert faults_of(faults) == [("columns.topic", "there is no column 'Titel'; the columns are: Title, Tone")]


def test_a_long_list_of_columns_is_cut() -> None:
    faults = Faults()
    named([f"c{n}" for n in range(100)], {"topic": "x"}, faults)
    assert faults_of(faults)[0][1].endswith("c28, c29 and 70 more")


def test_a_field_that_items_do_not_have_is_a_fault_that_lists_the_fields() -> None:
    faults = Faults()
    named(["Title"], {"topci": "Title"}, faults)
    [(path, message)] = faults_of(faults)
    assert path == "columns.topci"
    assert message.startswith("an item has no field 'topci'; the fields are: topic, keywords, trend,")


def test_a_missing_column_is_a_fault_that_says_how_to_name_one() -> None:
    faults = Faults()
    require(["Post Name", "Tone"], "topic", {"tone"}, faults)
    require(["Post", "Tone"], "spin", {"tone"}, faults)
    assert faults_of(faults) == [
        (
            "columns.topic",
            "mode topic needs a column 'topic': name it so in the header, or say which column it is; "
            "the columns are: Post Name, Tone",
        ),
        (
            "columns.source_text",
            "mode spin needs a column 'source_text' or 'source_url': name it so in the header, or say "
            "which column it is; the columns are: Post, Tone",
        ),
    ]


@pytest.mark.parametrize(
    ("mode", "field"),
    [
        ("topic", "topic"),
        ("keywords", "keywords"),
        ("trends", "trend"),
        ("spin", "source_text"),
        ("spin", "source_url"),
    ],
)
def test_each_mode_is_content_with_a_field_of_its_own(mode: str, field: str) -> None:
    faults = Faults()
    require(["x"], mode, {field}, faults)
    faults.refuse_if_any()


def test_a_mode_there_is_none_of_is_refused() -> None:
    with pytest.raises(InvalidInput, match="There is no mode 'topics': topic, keywords, trends, spin are the modes"):
        check_mode("topics")
