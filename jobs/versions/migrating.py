"""Carrying migrations out, document by document. Called by an operator's command alone, never by a start.

Whoever is killed at any write leaves a step that the next call goes on with; two at once do the same twice. Each
document that was changed carries the step (`migrated_to`), so nobody who slept changes it back, or again. A batch is
read before the record is asked whether its step is still under way: so it was read while that was so.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

from jobs.errors import OlderProcesses
from jobs.storage.store import Document, Store
from jobs.versions.database_format import DatabaseFormat
from jobs.versions.migrations import FIRST, Migration
from jobs.versions.replicas import Replicas
from jobs.versions.workers import Workers

BATCH = 100


@dataclass(frozen=True)
class Progress:
    """Of one step: how many documents this call has changed so far, and whether the step has ended."""

    step: Migration
    changed: int
    ended: bool


class Migrating:
    def __init__(self, store: Store, database_format: DatabaseFormat, workers: Workers, replicas: Replicas) -> None:
        self._store = store
        self._format = database_format
        self._workers = workers
        self._replicas = replicas

    async def run(self, version: str) -> AsyncIterator[Progress]:
        """Every step that is pending, in its order. `version` is written down as the one that did it.

        Raises `OlderProcesses` where processes are alive that a step locks out: from its begin on they cannot start
        anew, and no document was changed yet.
        """
        for step in self._format.pending(await self._format.enter()):
            await self._format.begin(step)
            if step.locks_out:
                # after the begin: who starts meanwhile is either seen here, or sees the begin once it is to be seen
                await self._refuse_older(step)
            changed = 0
            async for count in self._changed(step):
                changed += count
                yield Progress(step, changed, ended=False)
            await self._format.end(step, version)
            yield Progress(step, changed, ended=True)

    async def _refuse_older(self, step: Migration) -> None:
        alive = [*await self._workers.alive(), *await self._replicas.alive()]
        older = sorted(
            f"{process['_id']} ({process['version']})"
            for process in alive
            if process.get("format", FIRST) < step.to  # versions before 1.0 say none
        )
        if older:
            raise OlderProcesses(step.to, ", ".join(older))

    async def _changed(self, step: Migration) -> AsyncIterator[int]:
        """Batch by batch, until a look through the whole collection finds nothing: others may write the old form."""
        collection = self._store.collection(step.collection)
        untouched: Document = {"$or": [{"migrated_to": {"$exists": False}}, {"migrated_to": {"$lt": step.to}}]}
        to_do: list[Document] = [dict(step.pending), untouched]
        after: list[Document] = []
        while True:
            found = await collection.find({"$and": [*to_do, *after]}, sort=[("_id", 1)], limit=BATCH)
            if not await self._format.is_at(step):
                return
            if not found:
                if not after:
                    return
                after = []
                continue
            count = 0
            for document in found:
                same = {name: document[name] for name in ("_id", "shard", "rev") if name in document}
                count += await collection.update_one({"$and": [*to_do, same]}, _stamped(step, document))
            after = [{"_id": {"$gt": found[-1]["_id"]}}]
            yield count


def _stamped(step: Migration, document: Document) -> Document:
    """`rev` is raised, so that whoever has read the document before sees that it was changed. `changed_at` is not:
    what people see of it is the same."""
    update = {operator: dict(fields) for operator, fields in step.change(document).items()}
    update["$set"] = {**update.get("$set", {}), "migrated_to": step.to}
    if "rev" in document:
        update["$inc"] = {**update.get("$inc", {}), "rev": 1}
    return update
