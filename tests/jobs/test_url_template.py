"""URL templates of context providers: what may stand in them, and what an item's values cannot do there."""

from __future__ import annotations

from typing import Any

import pytest

from jobs.notification.url_template import LONGEST_VALUE, UrlTemplate, ValueMissing

TEMPLATE = UrlTemplate("https://pim.example/products/{external_id}?q={topic}&k={keywords}&lang={language}")


def test_values_stand_where_they_are_named_and_are_encoded() -> None:
    item = {"external_id": "A/7 b", "topic": "tea & cake?#", "keywords": ["a", "b,c"], "language": "dé"}
    assert TEMPLATE.fill(item) == (
        "https://pim.example/products/A%2F7%20b?q=tea%20%26%20cake%3F%23&k=a%2C%20b%2Cc&lang=d%C3%A9"
    )


def test_a_value_that_is_missing_is_empty_in_the_query() -> None:
    assert TEMPLATE.fill({"external_id": "7"}) == "https://pim.example/products/7?q=&k=&lang="


@pytest.mark.parametrize("value", [None, "", "  ", [], 7, {"a": 1}])
def test_a_value_that_is_missing_in_the_path_is_said(value: Any) -> None:
    with pytest.raises(ValueMissing, match="the item has no external_id"):
        TEMPLATE.fill({"external_id": value})


@pytest.mark.parametrize("value", [".", "..", "../admin", "a/../../admin", "a\\..\\b", "x/.", " .. "])
def test_a_value_cannot_lead_to_another_path(value: str) -> None:
    with pytest.raises(ValueMissing, match="would lead to another path"):
        TEMPLATE.fill({"external_id": value})


def test_a_long_value_of_the_query_is_cut_before_it_is_encoded() -> None:
    filled = UrlTemplate("https://pim.example/?q={topic}").fill({"topic": "é" * 5000})
    assert filled == "https://pim.example/?q=" + "%C3%A9" * LONGEST_VALUE


def test_half_of_a_surrogate_pair_does_no_harm() -> None:
    assert UrlTemplate("https://pim.example/?q={topic}").fill({"topic": "a\ud800"}) == "https://pim.example/?q=a%3F"


def test_doubled_braces_are_plain_ones() -> None:
    assert UrlTemplate("https://pim.example/?q={{{topic}}}").fill({"topic": "t"}) == "https://pim.example/?q={t}"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("ftp://pim.example/", "must begin with https://"),
        ("pim.example", "must begin with https://"),
        ("https://", "must begin with https://"),
        ("https://{topic}/", "must begin with https://"),
        ("https://pim{topic}/", "must begin with https://"),
        ("https://pim.example:{topic}/", "must begin with https://"),
        ("https://pim.example#{topic}", "must begin with https://"),
        ("https://pim.example/{", "has a { or } without the other"),
        ("https://pim.example/}", "has a { or } without the other"),
        ("https://pim.example/{}", "may hold no {}"),
        ("https://pim.example/{0}", "may hold no {0}"),
        ("https://pim.example/{params}", "may hold no {params}"),
        ("https://pim.example/{topic.__class__}", "may hold no {topic.__class__}"),
        ("https://pim.example/{topic[0]}", r"may hold no {topic\[0\]}"),
        ("https://pim.example/{topic!r}", "may hold no {topic}"),
        ("https://pim.example/{topic:>9}", "may hold no {topic}"),
    ],
)
def test_a_template_that_cannot_be_filled_is_refused_with_a_sentence(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        UrlTemplate(text)
