"""mongomock-motor as a calculator: whether a filter matches, what an update makes of a document, what a pipeline says.

It keeps nothing: documents live in `jobs/storage/embedded/table.py`. No other file may import mongomock.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar, cast

import mongomock.aggregate
import mongomock.filtering
from mongomock_motor import AsyncMongoMockClient

from jobs.errors import PressrunError, StoreRefused
from jobs.storage.embedded.updates import check_reach
from jobs.storage.store import Document

Answer = TypeVar("Answer")

# mongomock has no types
_filter_applies: Callable[[Document, Document], bool] = mongomock.filtering.filter_applies
_process_pipeline: Callable[..., Iterable[Document]] = mongomock.aggregate.process_pipeline


def applies(filter: Document, document: Document) -> bool:
    """`filter` in the form that `jobs.storage.embedded.language` gives it."""
    with _refusals():
        return bool(_filter_applies(filter, document))


def aggregated(documents: list[Document], stages: Sequence[Document]) -> list[Document]:
    """The results share values with `documents`, which stay as they are."""
    with _refusals():
        return list(_process_pipeline(documents, None, stages, None))


class Scratch:
    """A collection that holds one document while an update is worked out: one that fails leaves nothing behind."""

    def __init__(self) -> None:
        self._collection: Any = AsyncMongoMockClient(tz_aware=True)["pressrun"]["scratch"]

    def updated(self, document: Document, update: Mapping[str, Any]) -> Document:
        """A changed copy. Raises `StoreRefused` where the update cannot be applied to this document."""
        changes = {operator: fields for operator, fields in update.items() if operator != "$setOnInsert"}
        check_reach(document, changes)
        with _refusals(), self._cleared():
            _at_once(self._collection.insert_one(dict(document)))
            if changes:
                _at_once(self._collection.update_one({"_id": document["_id"]}, changes))
            return self._only_document()

    def upserted(self, filter: Document, update: Mapping[str, Any]) -> Document:
        """What an upsert inserts: the filter's equalities, and the update applied to them."""
        with _refusals(), self._cleared():
            _at_once(self._collection.update_one(filter, update, upsert=True))
            return self._only_document()

    def _only_document(self) -> Document:
        return cast("Document", _at_once(self._collection.find_one({})))

    @contextmanager
    def _cleared(self) -> Iterator[None]:
        try:
            yield
        finally:
            _at_once(self._collection.delete_many({}))


def _at_once(step: Coroutine[Any, Any, Answer]) -> Answer:
    """The result of a coroutine that never waits, as mongomock-motor's do: a store's step must not be divided."""
    try:
        step.send(None)
    except StopIteration as done:
        return cast("Answer", done.value)
    step.close()
    raise RuntimeError("mongomock-motor waited in the middle of an operation")


@contextmanager
def _refusals() -> Iterator[None]:
    # mongomock meets what it cannot do with any exception, from NotImplementedError to AttributeError
    try:
        yield
    except (PressrunError, RuntimeError):
        raise
    except Exception as error:
        raise StoreRefused(f"{type(error).__name__} in the embedded store: {error}") from error
