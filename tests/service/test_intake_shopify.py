"""Shopify's product export, on two real files and on what such files may hold, and text taken out of HTML."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.errors import InvalidInput
from service.uploads.intake.html_text import text_of
from service.uploads.intake.items import ReadResult, read_items

DATA = Path(__file__).parent.parent / "data"
HEADER = "Handle,Title,Body (HTML),Vendor,Product Category,Type,Tags,SEO Title\n"


def read(text: str, mode: str = "topic", columns: dict[str, str] | None = None) -> ReadResult:
    return read_items(text.encode(), filename="products.csv", mode=mode, columns=columns)


@pytest.mark.parametrize("name", ["shopify-apparel.csv", "shopify-home-and-garden.csv"])
def test_a_real_export_gives_one_readable_item_per_product(name: str) -> None:
    result = read_items((DATA / name).read_bytes(), filename=name, mode="topic")
    assert result.source == "shopify"
    assert result.mapping == {
        "topic": "Title",
        "keywords": "Type, Vendor, Tags",
        "context": "Body (HTML)",
        "external_id": "Handle",
    }
    assert "Variant Price" in result.ignored
    assert len(result.items) == len({item["external_id"] for item in result.items}) == 20
    for item in result.items:
        assert set(item) == {"topic", "keywords", "context", "external_id"}
        assert re.fullmatch(r"[A-Za-z ]{5,40}", item["topic"])
        assert len(item["context"]) > 10
        assert not re.search(r"[<>]|&\w+;|\s\s", item["context"])
        assert item["keywords"]


def test_the_items_of_the_real_exports_are_these() -> None:
    apparel = read_items((DATA / "shopify-apparel.csv").read_bytes(), filename="a.csv", mode="topic")
    home = read_items((DATA / "shopify-home-and-garden.csv").read_bytes(), filename="h.csv", mode="topic")
    assert apparel.items[1] == {
        "topic": "Classic Varsity Top",
        "keywords": ["partners-demo", "women"],
        "context": "Womens casual varsity top, This grey and black buttoned top is a sport-inspired piece "
        "complete with an embroidered letter.",
        "external_id": "classic-varsity-top",
    }
    assert apparel.places[1:3] == ["rows.3", "rows.6"]
    assert home.items[0] == {
        "topic": "Clay Plant Pot",
        "keywords": ["Outdoor", "Company 123", "Pot", "Plants"],
        "context": "Classic blown clay pot for plants",
        "external_id": "clay-plant-pot",
    }


def test_rows_of_one_handle_are_one_product_wherever_they_stand() -> None:
    text = HEADER + "a,,,,,,,\nb,B,,,,,,\na,A,,,,,,\nb,,,,,,,\na,Other,,,,,,\n"
    result = read(text)
    assert [item["topic"] for item in result.items] == ["A", "B"]
    assert result.places == ["rows.4", "rows.3"]


def test_keywords_are_type_vendor_and_tags_without_repeats_or_empty_ones() -> None:
    text = HEADER + 'a,A,,Acme,Toys > Cars,Toys,"red, ACME , ,toys;small",\nb,B,,,,,,\n'
    assert read(text).items == [
        {"topic": "A", "keywords": ["Toys", "Acme", "red", "small"], "external_id": "a"},
        {"topic": "B", "external_id": "b"},
    ]


@pytest.mark.parametrize(
    ("mode", "item"),
    [
        ("keywords", {"keywords": ["Car", "Toys", "Acme", "red"], "context": "Fast & red", "external_id": "a"}),
        ("spin", {"source_text": "Fast & red", "keywords": ["Toys", "Acme", "red"], "external_id": "a"}),
    ],
)
def test_other_modes_take_what_they_are_about(mode: str, item: dict[str, Any]) -> None:
    assert read(HEADER + "a,Car,<p>Fast &amp; <b>red</b></p>,Acme,,Toys,red,\n", mode).items == [item]


def test_a_named_column_replaces_what_shopify_has_for_the_field() -> None:
    text = HEADER + 'a,A,<p>x</p>,Acme,,Toys,"red, blue",Buy A\nb,B,,,,,,\n'
    result = read(text, columns={"topic": "SEO Title", "keywords": "Tags", "context": ""})
    assert result.items == [
        {"topic": "Buy A", "keywords": ["red", "blue"], "external_id": "a"},
        {"external_id": "b"},
    ]
    assert result.mapping == {"external_id": "Handle", "topic": "SEO Title", "keywords": "Tags"}


def test_columns_somebody_added_to_the_export_are_read_like_those_of_any_table() -> None:
    text = "Word Count,Handle,Title,Body (HTML),Vendor,Type,Tags\n500,a,A,,,,\n,b,B,,,,\n"
    assert [item.get("word_count") for item in read(text).items] == [500, None]


def test_a_row_of_no_product_and_a_product_without_a_title_are_faults() -> None:
    with pytest.raises(InvalidInput) as caught:
        read(HEADER + "a,A,,,,,,\n,B,,,,,,\nc,,,Acme,,,,\nc,,,,,,,\n")
    assert [(fault.path, fault.message) for fault in caught.value.faults] == [
        ("rows.3", "the row has no Handle, so it belongs to no product"),
        ("rows.4", "no row of the product 'c' has a Title"),
    ]


def test_a_table_with_some_of_the_columns_is_not_taken_for_an_export() -> None:
    result = read("Handle,Title,Vendor\na,A,x\na,B,y\n")
    assert result.source == "csv"
    assert [item["topic"] for item in result.items] == ["A", "B"]


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>One</p><p>two</p>", "One two"),
        ("un<b>break</b>able <a href='x>y'>link</a>s", "unbreakable links"),
        ("a<br>b<br/>c<li>d", "a b c d"),
        ("Caf&eacute; &amp; 1 &lt; 2&nbsp;&#x20AC;&#8364;", "Café & 1 < 2 €€"),
        ("a<script>if (x<y) {}</script>b<STYLE>p>a{}</STYLE>c", "a b c"),
        ("a<script>never closed", "a"),
        ("<svg/>a<svg><path d='x'/></svg>b", "a b"),
        ("a<!-- <p>hidden</p> -->b<!-- never closed", "ab"),
        ("a<!DOCTYPE html>b<![CDATA[c]]>d<?php e ?>f<![endif]-->g", "abdfg"),
        ("5 < 6 and 7 > 3, I <3 you <", "5 < 6 and 7 > 3, I <3 you <"),
        ('<img alt="a > b" src=x>c', "c"),
        ("a <p class='never closed", "a <p class='never closed"),
        ("  plain\n\ttext\u00a0here ", "plain text here"),
        ("&lt;b&gt;not a tag&lt;/b&gt;", "<b>not a tag</b>"),
        ("", ""),
    ],
)
def test_the_text_of_html_is_what_a_reader_sees(html: str, text: str) -> None:
    assert text_of(html) == text


@settings(deadline=None)
@given(st.text(st.sampled_from("<>/!-\"'= a&;#x[]?bscript\n"), max_size=80))
def test_any_text_can_be_read_as_html(html: str) -> None:
    assert text_of(html) == " ".join(text_of(html).split())


@pytest.mark.parametrize(
    "piece", ["<a ", "<a b='", "<p a=", "a<b", "</", "<!--", "<![CDATA[", "<script>", "<a \"'", "&#"]
)
def test_hostile_html_takes_no_longer_than_its_length_asks(piece: str) -> None:
    begun = time.process_time()
    text_of(piece * (100_000 // len(piece)))
    assert time.process_time() - begun < 5  # html.parser needs up to a minute
