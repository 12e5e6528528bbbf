"""A database copied document by document, byte by byte, as mongodump does it, and put back. No tests here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bson.raw_bson import RawBSONDocument
from pymongo import AsyncMongoClient

Dump = Mapping[str, Sequence[RawBSONDocument]]


async def dumped(uri: str, database: str) -> Dump:
    """Every collection there is, whatever it is called."""
    client: AsyncMongoClient[RawBSONDocument] = AsyncMongoClient(uri, document_class=RawBSONDocument)
    async with client:
        there = client[database]
        names = sorted(await there.list_collection_names())
        return {name: [document async for document in there[name].find({})] for name in names}


async def restored(uri: str, database: str, dump: Dump) -> None:
    """In the place of all that is there."""
    client: AsyncMongoClient[RawBSONDocument] = AsyncMongoClient(uri, document_class=RawBSONDocument)
    async with client:
        await client.drop_database(database)
        for name, documents in dump.items():
            if documents:
                await client[database][name].insert_many(documents)
