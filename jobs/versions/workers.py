"""Which workers are alive: each keeps a document of its own. Nothing that a claim depends on is kept here."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from jobs.clock import Clock
from jobs.storage.store import Document, Store
from jobs.versions.migrations import FORMAT


class Workers:
    """`silence` is how long a worker may say nothing before it counts as gone."""

    def __init__(self, store: Store, clock: Clock, silence: timedelta) -> None:
        self._workers = store.collection("workers")
        self._clock = clock
        self._silence = silence

    async def beat(self, worker_id: str, *, slots: int, version: str, jobs: Sequence[str]) -> None:
        told = {"slots": slots, "version": version, "format": FORMAT, "jobs": list(jobs)}
        alive = {**told, "last_heartbeat": self._clock.now()}
        first = {"started_at": self._clock.now()}
        await self._workers.update_one({"_id": worker_id}, {"$set": alive, "$setOnInsert": first}, upsert=True)

    async def leave(self, worker_id: str) -> None:
        await self._workers.delete_one({"_id": worker_id})

    async def alive(self) -> list[Document]:
        return await self._workers.find(self._recent(), sort=[("_id", 1)])

    async def any_alive(self) -> bool:
        return await self._workers.find_one(self._recent(), projection=["_id"]) is not None

    def _recent(self) -> Document:
        return {"last_heartbeat": {"$gt": self._clock.now() - self._silence}}
