"""All that is stored of one user, to be read by them: document by document. Nothing is changed here.

Secrets stay where they are: what a key is known by, or a webhook is signed with, is nothing that a file should have.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence

from jobs.documents import UserId
from jobs.retention.erasure import DECISIONS, SHOWN, of_user
from jobs.storage.store import Document, Name, Store

AT_ONCE = 20
LEFT_OUT: Mapping[Name, Sequence[str]] = {
    "api_keys": ("hash",),
    "targets": ("secrets",),
    "endpoints": ("secrets",),
    "mailboxes": ("token",),
}


class Takeout:
    def __init__(self, store: Store) -> None:
        self._store = store

    async def parts(self, user: UserId) -> AsyncIterator[tuple[Name, Document]]:
        """What an erasure would delete, with the collection of each; a few are read at a time."""
        for name, decision in DECISIONS.items():
            if decision not in SHOWN:
                continue
            collection = self._store.collection(name)
            ids = [found["_id"] for found in await collection.find(of_user(name, user), projection=["_id"])]
            for start in range(0, len(ids), AT_ONCE):
                for document in await collection.find({"_id": {"$in": ids[start : start + AT_ONCE]}}):
                    yield name, {key: value for key, value in document.items() if key not in LEFT_OUT.get(name, ())}
