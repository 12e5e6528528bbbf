"""How CSV and TSV text becomes a header and rows, and what is said of text that does not."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.errors import InvalidInput
from service.uploads.intake.faults import Faults
from service.uploads.intake.table import ONE_COLUMN, Table, read_table, sniff


def rows(table: Table) -> list[tuple[int, dict[str, str]]]:
    return [(row.line, {name: table.cell(row, name) for name in table.columns}) for row in table.rows]


def read(text: str) -> list[tuple[int, dict[str, str]]]:
    faults = Faults()
    table = read_table(text, faults)
    faults.refuse_if_any()
    return rows(table)


def refusal(text: str) -> InvalidInput:
    with pytest.raises(InvalidInput) as caught:
        read(text)
    return caught.value


def faults_of(text: str) -> list[tuple[str, str]]:
    return [(fault.path, fault.message) for fault in refusal(text).faults]


@pytest.mark.parametrize(
    ("text", "delimiter"),
    [
        ("a,b\n1,2\n", ","),
        ("a;b\n1,5;2,5\n", ";"),
        ("a\tb\n1, x; y|z\t2\n", "\t"),
        ("a|b\n1,2|3;4\n", "|"),
        ("topic,keywords\nShoes,red;blue;green\nBoots,a;b\n", ","),
        ("Price, EUR;Name\n1,50;A\n2,70;B\n", ";"),
        ('"a;b;c",d\n"1;2;3",4\n', ","),
        ('"a\n;",b\n1,2\n', ","),
        ("topic\nShoes, boots\nHats; caps\n", ONE_COLUMN),
        ("a,b", ","),
        ("", ONE_COLUMN),
        ("\n\n\na;b;c\n1;2;3\n", ";"),
        ('a,b\n"unclosed,1\n', ","),
    ],
)
def test_the_delimiter_is_the_one_that_splits_the_header_and_fits_the_rows(text: str, delimiter: str) -> None:
    assert sniff(text) == delimiter


def test_cells_are_trimmed_and_rows_know_their_line() -> None:
    assert read(" Topic , Tone \n\n a ,b\n,\n\n c, d \n") == [
        (3, {"Topic": "a", "Tone": "b"}),
        (6, {"Topic": "c", "Tone": "d"}),
    ]


def test_a_quoted_cell_may_hold_delimiters_quotes_and_line_ends() -> None:
    text = 'Topic,Tone\r\n"One, two\r\n""three""",warm\r\nnext,cool\r\n'
    assert read(text) == [
        (2, {"Topic": 'One, two\n"three"', "Tone": "warm"}),
        (4, {"Topic": "next", "Tone": "cool"}),
    ]


def test_a_quote_after_a_space_still_opens_a_quoted_cell() -> None:
    assert read('Topic, Tone\na, "b, c"\n') == [(2, {"Topic": "a", "Tone": "b, c"})]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_may_end_in_any_way_and_the_last_not_at_all(end: str) -> None:
    assert read(end.join(["Topic,Tone", "a,b", "c,d"])) == [
        (2, {"Topic": "a", "Tone": "b"}),
        (3, {"Topic": "c", "Tone": "d"}),
    ]


def test_a_line_separator_of_unicode_ends_no_row() -> None:
    assert read("Topic\na\u2028b\x0cc\x85d\n") == [(2, {"Topic": "a\u2028b\x0cc\x85d"})]


def test_the_delimiter_that_excel_names_in_a_first_line_is_obeyed() -> None:
    assert read("sep=|\nTopic|Tone\na,b;c|d\n") == [(3, {"Topic": "a,b;c", "Tone": "d"})]


def test_a_column_without_a_name_is_ignored_while_it_is_empty() -> None:
    assert read("Topic,,Tone,,\na,,b,,\nc, ,d\n") == [
        (2, {"Topic": "a", "Tone": "b"}),
        (3, {"Topic": "c", "Tone": "d"}),
    ]
    assert faults_of("Topic,,Tone\na,x,b\n") == [("rows.2", "cell 2 is filled, but its column has no name")]


def test_columns_of_the_same_name_are_refused_by_name() -> None:
    assert str(refusal("Topic,Tone,topic,Tone,X\na,b,c,d,e\n")) == (
        "Several columns have the same name ('Topic', 'Tone', 'topic'): rename or remove all but one."
    )


def test_ragged_rows_are_faults_with_their_lines() -> None:
    assert faults_of('Topic,Tone\na,b\nc\n"d\nd",e\nf,g,h\ni,j,,\n') == [
        ("rows.3", "the row has 1 cell, the header has 2"),
        ("rows.6", "the row has 3 cells, the header has 2: a cell with a delimiter needs quotes"),
    ]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            'Topic,Tone\na,b\n"c,d\ne,f\n',
            "The row that begins in line 3 cannot be read: a quote is opened and never closed.",
        ),
        (
            'Topic,Tone\na,b\n"c"d,e\n',
            "line 3 cannot be read: a quote is not closed, or a quote inside a quoted cell is not",
        ),
        (
            'Topic\n"' + "x" * 200_000,
            "line 2 cannot be read: a cell is longer than 100,000 characters, or a quote is not",
        ),
        ("Topic,Tone\n", "The file has a header and no rows"),
        ("Topic,Tone", "The file has a header and no rows"),
        ("Best running shoes\n\n \n", "The file has a header and no rows"),
        (",".join(f"c{n}" for n in range(201)) + "\n1\n", "The file has 201 columns: up to 200 are taken."),
        ("Topic\n" + "a\n" * 100_001, "The file has more than 100,000 rows."),
        (" \n\t\n", "The file is empty."),
    ],
)
def test_what_is_no_table_is_refused_with_a_sentence(text: str, sentence: str) -> None:
    assert sentence in str(refusal(text))


def test_a_cell_of_100_000_characters_is_read_and_one_more_is_a_fault() -> None:
    assert len(read("Topic\n" + "x" * 100_000 + "\n")[0][1]["Topic"]) == 100_000
    assert faults_of("Topic\n" + "x" * 100_001 + "\n") == [("rows.2", "a cell is longer than 100,000 characters")]


def test_a_hundred_thousand_rows_are_read() -> None:
    assert len(read("Topic\n" + "a\n" * 100_000)) == 100_000


def test_reading_leaves_the_limit_of_the_csv_module_alone() -> None:
    before = csv.field_size_limit()
    read("Topic\n" + "x" * 100_000 + "\n")
    assert csv.field_size_limit() == before


plain_cells = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=8).filter(str.strip)


@settings(deadline=None)
@given(
    st.sampled_from(",;\t|"),
    st.integers(2, 5).flatmap(
        lambda width: st.lists(st.lists(plain_cells, min_size=width, max_size=width), min_size=1)
    ),
)
def test_a_table_that_csv_wrote_is_read_back_whole(delimiter: str, written: list[list[str]]) -> None:
    names = [f"column {n}" for n in range(len(written[0]))]
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter, quoting=csv.QUOTE_ALL).writerows([names, *written])
    expected = [dict(zip(names, (cell.strip() for cell in row), strict=True)) for row in written]
    assert [row for _, row in read(text.getvalue())] == expected


@settings(deadline=None)
@given(st.text(st.sampled_from('ab,;\t|"\r\n '), max_size=60))
def test_any_text_is_a_table_or_refused(text: str) -> None:
    try:
        table = read_table(text, Faults())
    except InvalidInput:
        return
    assert table.columns
    assert all(isinstance(cell, str) for _, row in rows(table) for cell in row.values())
