"""Databases that one test uses after the other: our indexes take a server a second, to empty them takes a moment.

Who has used one has closed its stores and ended its processes: what went on writing would be in somebody's way.
"""

from __future__ import annotations

import asyncio
import secrets

from pymongo import AsyncMongoClient
from pymongo.asynchronous.database import AsyncDatabase

from jobs.indexes import INDEXES
from jobs.storage.mongo import MongoStore
from jobs.storage.store import Document

NAMES = {
    collection: {index.name for index in INDEXES if index.collection == collection}
    for collection in {index.collection for index in INDEXES}
}


class PreparedDatabases:
    """Each call has a client of its own, which leaves no task behind in the test that it is made for."""

    def __init__(self, uri: str) -> None:
        self._uri = uri
        self._free: list[str] = []

    async def take(self) -> str:
        """The name of a database without documents and with every index."""
        if self._free:
            return self._free.pop()
        name = f"pressrun_test_{secrets.token_hex(6)}"
        async with AsyncMongoClient[Document](self._uri) as client:
            await MongoStore(client, name).create_indexes(INDEXES)
        return name

    async def give_back(self, name: str) -> None:
        """One that somebody has furnished in another way is of no use to others."""
        async with AsyncMongoClient[Document](self._uri) as client:
            if await _is_as_made(client[name]):
                collections = await client[name].list_collection_names()
                await asyncio.gather(*(client[name][collection].delete_many({}) for collection in collections))
                self._free.append(name)
            else:
                await client.drop_database(name)

    async def drop(self) -> None:
        async with AsyncMongoClient[Document](self._uri) as client:
            for name in self._free:
                await client.drop_database(name)


async def _is_as_made(database: AsyncDatabase[Document]) -> bool:
    there = [found async for found in await database.list_collections()]
    if any(found.get("options", {}).get("validator") for found in there):
        return False
    indexes = await asyncio.gather(*(database[found["name"]].index_information() for found in there))
    names = [NAMES.get(found["name"], set()) | {"_id_"} for found in there]
    return [set(made) for made in indexes] == names
