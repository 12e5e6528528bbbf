"""The simulation's short cut says what the embedded store's engine says, of all that lives ask of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from jobs.storage.embedded import engine
from jobs.storage.store import Document
from tests.crash.exploring import STORIES, tell
from tests.support.simulation import quick_engine, repeatable


class Compared:
    """Stands before the short cut, and asks both."""

    def __init__(self) -> None:
        self.told = 0
        self.scratch = engine.Scratch()
        self.question, self.updated, self.grouped = quick_engine.question, quick_engine.updated, quick_engine.grouped

    def ask(self, filter: Mapping[str, Any]) -> quick_engine.Test:
        quick = self.question(filter)

        def test(document: Document) -> bool | None:
            answer = quick(document)
            self.told += answer is not None
            assert answer in (None, engine.applies(dict(filter), document)), (filter, document)
            return answer

        return test

    def update(self, document: Document, update: Mapping[str, Any]) -> quick_engine.Normal | None:
        changed = self.updated(document, update)
        self.told += changed is not None
        assert changed in (None, self.scratch.updated(document, update)), (document, update)
        return changed

    def group(self, documents: Sequence[Document], stages: Sequence[Document]) -> list[Document] | None:
        rows = self.grouped(documents, stages)
        self.told += rows is not None
        if rows is not None:
            assert by_id(rows) == by_id(engine.aggregated(list(documents), stages)), (documents, stages)
        return rows


@pytest.mark.parametrize("story", STORIES)
def test_the_short_cut_says_what_the_engine_says(story: str, monkeypatch: pytest.MonkeyPatch) -> None:
    compared = Compared()
    monkeypatch.setattr(quick_engine, "question", compared.ask)
    monkeypatch.setattr(quick_engine, "updated", compared.update)
    monkeypatch.setattr(quick_engine, "grouped", compared.group)
    monkeypatch.setattr(repeatable, "_conditions", repeatable.Memory())
    for seed in range(2):
        tell(STORIES[story], seed)
    assert compared.told > 1000


def by_id(rows: Sequence[Document]) -> list[Document]:
    return sorted(rows, key=lambda row: str(row["_id"]))
