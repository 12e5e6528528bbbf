"""Which processes of the service are alive, and of what version: each keeps a document of its own.

Nothing is decided by it but whether a migration may begin: requests do not know of it.
"""

from __future__ import annotations

from datetime import timedelta

from jobs.clock import Clock
from jobs.storage.store import Document, Store
from jobs.versions.migrations import FORMAT

SILENCE = timedelta(seconds=150)
"""How long a service may say nothing before it counts as gone; it speaks once a minute."""


class Replicas:
    def __init__(self, store: Store, clock: Clock) -> None:
        self._replicas = store.collection("replicas")
        self._clock = clock

    async def beat(self, service_id: str, version: str) -> None:
        alive = {"version": version, "format": FORMAT, "last_heartbeat": self._clock.now()}
        first = {"started_at": self._clock.now()}
        await self._replicas.update_one({"_id": service_id}, {"$set": alive, "$setOnInsert": first}, upsert=True)

    async def leave(self, service_id: str) -> None:
        await self._replicas.delete_one({"_id": service_id})

    async def alive(self) -> list[Document]:
        since = self._clock.now() - SILENCE
        return await self._replicas.find({"last_heartbeat": {"$gt": since}}, sort=[("_id", 1)])
