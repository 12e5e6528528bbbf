"""Files of article requests as items: cells as values, JSON and JSONL, and every fault with its place."""

from __future__ import annotations

import contextlib
import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.errors import InvalidInput
from service.uploads.intake.items import ReadResult, read_items


def read(
    data: str | bytes, filename: str = "items.csv", mode: str = "topic", columns: dict[str, str] | None = None
) -> ReadResult:
    return read_items(data.encode() if isinstance(data, str) else data, filename=filename, mode=mode, columns=columns)


def refusal(data: str | bytes, filename: str = "items.csv", **options: Any) -> InvalidInput:
    with pytest.raises(InvalidInput) as caught:
        read(data, filename, **options)
    return caught.value


def faults_of(data: str | bytes, filename: str = "items.csv", **options: Any) -> list[tuple[str, str]]:
    return [(fault.path, fault.message) for fault in refusal(data, filename, **options).faults]


def test_a_table_becomes_items_and_tells_how_it_was_read() -> None:
    result = read(
        "Title;Keywords;Words;SKU count;Search volume;Content status;Page type;Margin\n"
        "Running shoes;trail, road;1200;40;5 400;Missing;Category;0.3\n"
        "\n"
        "Walking boots;;;;;;;0.4\n"
    )
    assert result == ReadResult(
        items=[
            {
                "topic": "Running shoes",
                "keywords": ["trail", "road"],
                "word_count": 1200,
                "metadata": {"sku_count": 40, "monthly_searches": 5400, "content_status": "missing"},
                "page_type": "category",
            },
            {"topic": "Walking boots"},
        ],
        places=["rows.2", "rows.4"],
        source="csv",
        encoding="utf-8",
        mapping={
            "topic": "Title",
            "keywords": "Keywords",
            "word_count": "Words",
            "page_type": "Page type",
            "metadata.sku_count": "SKU count",
            "metadata.monthly_searches": "Search volume",
            "metadata.content_status": "Content status",
        },
        ignored=["Margin"],
    )


@pytest.mark.parametrize(
    ("cell", "number"),
    [
        ("500", 500),
        ("0", 0),
        ("-5", -5),
        ("007", 7),
        ("1200.0", 1200),
        ("1,200", 1200),
        ("1 200 000", 1_200_000),
        ("1'200", 1200),
        ("1\u202f200", 1200),
        ("999999999999999", 999_999_999_999_999),
    ],
)
def test_a_cell_that_is_a_whole_number_becomes_one(cell: str, number: int) -> None:
    assert read(f'Topic\tWords\na\t"{cell}"\n').items == [{"topic": "a", "word_count": number}]


@pytest.mark.parametrize(
    "cell", ["many", "1.5", "1.200", "1,2", "1,2345", "1 000,000", "1e3", "٣", "+5", "=1+1", "9" * 16, "--5"]
)
def test_a_cell_that_is_no_whole_number_is_a_fault_with_its_line_and_field(cell: str) -> None:
    assert faults_of(f'Topic\tWords\na\t1\nb\t"{cell}"\n') == [("rows.3.word_count", f"'{cell}' is not a whole number")]


def test_a_long_cell_is_cut_in_the_fault() -> None:
    [(path, message)] = faults_of("Topic,SKU count\na," + "x" * 5_000 + "\n")
    assert path == "rows.2.metadata.sku_count"
    assert len(message) < 80


def test_keywords_are_split_at_commas_semicolons_bars_and_line_ends() -> None:
    assert read('Keywords\n"a, b;c|d\ne,, A ,"\n', mode="keywords").items == [{"keywords": ["a", "b", "c", "d", "e"]}]


@pytest.mark.parametrize(
    ("mode", "text", "item"),
    [
        ("trends", "Trend,Country\nAI,US\n", {"trend": "AI", "region": "US"}),
        ("spin", "URL,Tone\nhttps://a.example/b,dry\n", {"source_url": "https://a.example/b", "tone": "dry"}),
        ("spin", 'Body\n"One\r\n\r\nTwo"\n', {"source_text": "One\n\nTwo"}),
    ],
)
def test_each_mode_has_its_own_fields(mode: str, text: str, item: dict[str, Any]) -> None:
    assert read(text, mode=mode).items == [item]


def test_the_faults_of_all_rows_and_columns_are_told_at_once_and_those_over_fifty_are_counted() -> None:
    error = refusal("Topic,Words\n" + "a,x\n" * 120)
    assert str(error) == "The file has 120 faults, the first at rows.2.word_count: 'x' is not a whole number."
    assert len(error.faults) == 51
    assert error.faults[49].path == "rows.51.word_count"
    assert error.faults[50].message == "and 70 more"


def test_exactly_fifty_faults_are_all_shown() -> None:
    assert len(refusal("Topic,Words\n" + "a,x\n" * 50).faults) == 50


def test_a_named_column_that_is_not_there_is_told_once() -> None:
    assert faults_of("Post Name,Tone\na,b\n", columns={"topic": "Titel"}) == [
        ("columns.topic", "there is no column 'Titel'; the columns are: Post Name, Tone")
    ]


def test_a_mode_without_its_column_is_refused_in_a_sentence_that_says_what_to_do() -> None:
    error = refusal("Post Name,Tone\na,b\n")
    assert str(error).startswith("The file cannot be used: mode topic needs a column 'topic': name it so in the header")
    assert "or say which column it is; the columns are: Post Name, Tone" in str(error)
    assert "needs a column 'topic'" in str(refusal("Topic\na\n", columns={"topic": " "}))


@pytest.mark.parametrize("filename", ["items.xlsx", "ITEMS.XLSX", "a.b.xlsm", "old.xls", "sheet.ods"])
def test_text_that_is_named_a_workbook_is_refused(filename: str) -> None:
    assert "but holds text: give it the ending of what it is" in str(refusal("Topic\na\n", filename))


@pytest.mark.parametrize(
    ("filename", "text", "source"),
    [
        ("x.CSV", "Topic\na\n", "csv"),
        ("x.tsv", "Topic\tTone\na\tb\n", "tsv"),
        ("x.csv", "Topic\tTone\na\tb\n", "tsv"),
        ("", "Topic\na\n", "csv"),
        ("x.txt", "Topic\na\n", "csv"),
        ("x", '[{"topic": "a"}]', "json"),
        ("x", '{"items": [{"topic": "a"}]}', "json"),
        ("x", '{\n"items": [{"topic": "a"}]}', "json"),
        ("x.ndjson", '{"topic": "a"}', "jsonl"),
        ("x", '{"topic": "a"}\n{"topic": "b"}\n', "jsonl"),
        ("../../etc/x.json", '\n [{"topic": "a"}]', "json"),
    ],
)
def test_the_name_says_what_a_file_is_and_where_it_does_not_its_text(filename: str, text: str, source: str) -> None:
    result = read(text, filename)
    assert result.source == source
    assert result.items[0]["topic"] == "a"


@pytest.mark.parametrize(
    "text",
    [
        '[{"topic": "a", "x": [1.5]}, {"keywords": ["b"]}]',
        '{"items": [{"topic": "a", "x": [1.5]}, {"keywords": ["b"]}]}',
    ],
)
def test_the_items_of_a_json_file_are_passed_on_as_they_are(text: str) -> None:
    result = read(text, "x.json")
    assert result.items == [{"topic": "a", "x": [1.5]}, {"keywords": ["b"]}]
    assert result.places == ["items.0", "items.1"]
    assert (result.mapping, result.ignored) == ({}, [])


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[", "The file is not valid JSON: Expecting value in line 1, column 2."),
        ('{"topic": "a"}', 'A JSON file holds a list, [...] or {"items": [...]}'),
        ('"a"', 'A JSON file holds a list, [...] or {"items": [...]}'),
        ('{"items": {}}', 'A JSON file holds a list, [...] or {"items": [...]}'),
        ("[]", "The file holds no items."),
        ('{"items": []}', "The file holds no items."),
        ('{"items": [], "items": [{"topic": "a"}]}', "The key 'items' stands more than once beside the items."),
        ('{"mode": "topic", "items": [{}]}', "Beside 'items' the file holds 'mode', which cannot be given in a file."),
        (
            '{"topic": "a"}\n{"topic": "b"}',
            "something follows the end in line 2 (with an item a line, name the file .jsonl).",
        ),
        ("[" * 100_000, "The file is not valid JSON: it is nested too deeply."),
        ("[" + "9" * 5_000 + "]", "The file is not valid JSON: a number has too many digits."),
        ("[" + "{}," * 100_000 + "{}]", "The file has more than 100,000 items."),
    ],
)
def test_a_json_file_of_another_shape_is_refused(text: str, sentence: str) -> None:
    assert sentence in str(refusal(text, "x.json"))


def test_faults_inside_a_json_file_have_their_path() -> None:
    not_json = "NaN, Infinity and numbers beyond their range are not JSON"
    text = '[{"topic": NaN, "x": {"y": [1, -Infinity, 1e999]}}, 3, {"a": 1, "b": 2, "a": 3}, {"x": [{"c": 1, "c": 1}]}]'
    assert faults_of(text, "x.json") == [
        ("items.0.topic", not_json),
        ("items.0.x.y.1", not_json),
        ("items.0.x.y.2", not_json),
        ("items.1", "an item is a JSON object, {...}"),
        ("items.2", "the key 'a' stands more than once"),
        ("items.3.x.0", "the key 'c' stands more than once"),
    ]


def test_a_jsonl_file_holds_an_item_a_line() -> None:
    result = read('\ufeff{"topic": "a\u2028b"}\r\n\r\n  {"topic": "c"}', "x.jsonl")
    assert result.items == [{"topic": "a\u2028b"}, {"topic": "c"}]
    assert result.places == ["rows.1", "rows.3"]


def test_the_faults_of_a_jsonl_file_have_their_lines() -> None:
    assert faults_of('{"topic": "a"}\n[1]\n{bad\n{"a": 1, "a": 2}\n{"a": Infinity}\n{} {}\n', "x.jsonl") == [
        ("rows.2", "an item is a JSON object, {...}"),
        ("rows.3", "the line is not valid JSON: Expecting property name enclosed in double quotes in column 2"),
        ("rows.4", "the key 'a' stands more than once"),
        ("rows.5.a", "NaN, Infinity and numbers beyond their range are not JSON"),
        ("rows.6", "the line is not valid JSON: Extra data in column 4"),
    ]


def test_columns_cannot_be_named_for_a_json_file() -> None:
    assert "Columns can be named for tables" in str(refusal("[{}]", "x.json", columns={"topic": "a"}))


def test_a_mode_there_is_none_of_is_refused_before_the_file_is_looked_at() -> None:
    assert str(refusal(b"", mode="blog")) == "There is no mode 'blog': topic, keywords, trends, spin are the modes."


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"])
@pytest.mark.parametrize("filename", ["x.csv", "x.json", "x.jsonl"])
def test_files_of_every_kind_are_read_in_every_encoding(filename: str, encoding: str) -> None:
    text = {
        "x.csv": "Topic\nGrüße aus Köln\n",
        "x.json": '[{"topic": "Grüße aus Köln"}]',
        "x.jsonl": '{"topic": "Grüße aus Köln"}',
    }
    assert read(text[filename].encode(encoding), filename).items == [{"topic": "Grüße aus Köln"}]


def test_a_damaged_file_is_read_or_refused_and_never_breaks() -> None:
    source = random.Random(7)
    original = 'Handle,Title,Body (HTML),Vendor,Type,Tags\na,A,"<p>x, ""y""</p>",v,t,"p, q"\n'.encode("utf-16")
    for data in (original, original.decode("utf-16").encode()):
        for _ in range(500):
            damaged = bytearray(data)
            for _ in range(source.randint(1, 6)):
                damaged[source.randrange(len(damaged))] = source.choice([0, 10, 34, 44, 59, 255, source.randrange(256)])
            with contextlib.suppress(InvalidInput):
                assert read(bytes(damaged), source.choice(["x.csv", "x.json", "x.jsonl", "x"])).items


@settings(deadline=None)
@given(st.binary(max_size=200), st.sampled_from(["x.csv", "x.json", "x.jsonl", "x"]))
def test_any_bytes_are_items_or_refused(data: bytes, filename: str) -> None:
    try:
        result = read(data, filename, mode="topic")
    except InvalidInput:
        return
    assert len(result.items) == len(result.places) > 0
