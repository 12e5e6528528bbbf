"""What docs/scale.md shows is computed from the figures that lie beside it."""

from __future__ import annotations

import json

import pytest

from benchmarks.scaling.tables import KEPT, tables

PAGE = KEPT.with_name("scale.md").read_text()
TABLES = tables(json.loads(KEPT.read_text()))


@pytest.mark.parametrize("name", TABLES)
def test_a_table_of_the_page_is_what_the_kept_figures_come_to(name: str) -> None:
    assert TABLES[name] in PAGE


def test_each_write_of_one_document_in_a_jobs_life_goes_to_one_shard_under_the_key_that_is_recommended() -> None:
    rows = [row for row in TABLES["routes"].splitlines() if "(one)" in row]
    assert rows
    assert [row for row in rows if row.split(" | ")[2] != "one"] == []
