"""The documents of one collection in memory, and what its unique and expiring indexes ask of them.

A stored document is never changed, only replaced: who holds one may read it later. Nothing is journaled here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any

from jobs.errors import DuplicateKey, StoreRefused
from jobs.storage.embedded.condition import Condition
from jobs.storage.embedded.values import encoded, key_of, plain_field
from jobs.storage.store import Document, Index


class Unique:
    def __init__(self, index: Index) -> None:
        self.name = index.name
        self._paths = [path for path, _ in index.keys]
        self._where = None if index.where is None else Condition.of(index.where)
        self._holders: dict[bytes, bytes] = {}

    def key(self, document: Document) -> bytes | None:
        """None for a document that the index leaves out."""
        if self._where is not None and not self._where.holds(document):
            return None
        values = [plain_field(document, path) for path in self._paths]
        if any(isinstance(value, list) for value in values):
            raise StoreRefused(f"the unique index {self.name} does not take arrays in the embedded store")
        return encoded({"": values})

    def check(self, key: bytes, document: Document) -> None:
        unique_key = self.key(document)
        if unique_key is not None and self._holders.get(unique_key, key) != key:
            raise DuplicateKey(f"{self.name} {[plain_field(document, path) for path in self._paths]}")

    def add(self, key: bytes, document: Document) -> None:
        if (unique_key := self.key(document)) is not None:
            self._holders[unique_key] = key

    def remove(self, document: Document) -> None:
        if (unique_key := self.key(document)) is not None:
            del self._holders[unique_key]


class Table:
    def __init__(self, name: str) -> None:
        self.name = name
        self._documents: dict[bytes, Document] = {}
        self._indexes: dict[str, Index] = {}
        self._uniques: list[Unique] = []

    def __len__(self) -> int:
        return len(self._documents)

    def documents(self) -> list[Document]:
        return list(self._documents.values())

    def get(self, key: bytes) -> Document | None:
        return self._documents.get(key)

    def matching(self, condition: Condition) -> Iterator[Document]:
        if condition.keys is None:
            candidates: Iterable[Document] = self._documents.values()
        else:
            found = (self._documents.get(key) for key in condition.keys)
            candidates = (document for document in found if document is not None)
        return (document for document in candidates if condition.holds(document))

    def check(self, document: Document) -> None:
        """Raises `DuplicateKey` where another document stands against this one."""
        key = key_of(document["_id"])
        for unique in self._uniques:
            unique.check(key, document)

    def put(self, document: Document) -> None:
        key = key_of(document["_id"])
        old = self._documents.get(key)
        for unique in self._uniques:
            if old is not None:
                unique.remove(old)
            unique.add(key, document)
        self._documents[key] = document

    def remove(self, document_id: Any) -> None:
        document = self._documents.pop(key_of(document_id), None)
        if document is None:
            return
        for unique in self._uniques:
            unique.remove(document)

    def add_index(self, index: Index) -> None:
        """Raises `StoreRefused` where stored documents, or an index of the same name, stand against it."""
        known = self._indexes.get(index.name)
        if known is not None:
            if _options(known) != _options(index):
                raise StoreRefused(f"an index {index.name} with other options is there already")
            return
        if index.unique:
            self._uniques.append(self._filled(Unique(index)))
        self._indexes[index.name] = index

    def _filled(self, unique: Unique) -> Unique:
        for key, document in self._documents.items():
            try:
                unique.check(key, document)
            except DuplicateKey as error:
                raise StoreRefused(f"{self.name} holds documents with the same key: {error.reason}") from error
            unique.add(key, document)
        return unique

    def expired(self, now: datetime) -> list[Document]:
        limits = [
            (index.keys[0][0], now - timedelta(seconds=index.expire_after_seconds))
            for index in self._indexes.values()
            if index.expire_after_seconds is not None
        ]
        if not limits:
            return []
        return [
            document
            for document in self._documents.values()
            if any(_is_due(document.get(path), moment) for path, moment in limits)
        ]


def _is_due(value: Any, moment: datetime) -> bool:
    return isinstance(value, datetime) and value <= moment


def _options(index: Index) -> tuple[Any, ...]:
    return index.keys, index.unique, index.where, index.expire_after_seconds
