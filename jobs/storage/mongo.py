"""The port on MongoDB, through PyMongo's asynchronous client: driver types and driver errors end in this file.

No rule about bulks or jobs may be spelled here.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Final

import pymongo
from bson.errors import BSONError
from pymongo import AsyncMongoClient, IndexModel, ReturnDocument
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.errors import (
    BulkWriteError,
    ConnectionFailure,
    ExecutionTimeout,
    OperationFailure,
    PyMongoError,
    WriteConcernError,
)

from jobs.errors import DuplicateKey, PressrunError, StoreRefused, StoreUnavailable
from jobs.storage.pool_use import PoolUse
from jobs.storage.store import Document, Filter, Index, Name, Sort, Update

CONNECT_MS: Final = 3_000
OPERATION_MS: Final = 20_000
IDLE_MS: Final = 60_000
INDEX_BUILD_SECONDS: Final = 600.0

DUPLICATE_KEY = 11000
# shutting down, not primary, interrupted, out of time, write conflict: the same operation may succeed later
PASSING_CODES = frozenset(
    {6, 7, 50, 64, 89, 91, 112, 134, 189, 262, 276, 9001, 10107, 11600, 11601, 11602, 12586, 12587, 13435, 13436}
)
INDEX_CONFLICTS = frozenset({85, 86})
INDEX_OPTIONS = ("unique", "partialFilterExpression", "expireAfterSeconds")

APPENDIX = re.compile(r" \(configured timeouts|, Timeout: |, full error: ")
CREDENTIALS = re.compile(r"//[^/\s]*@")


class MongoStore:
    """Implements `jobs.storage.store.Store`. Made with `connect`; bound to the event loop it was made in."""

    max_live_jobs: int | None = None

    def __init__(self, client: AsyncMongoClient[Document], database: str, pool: PoolUse | None = None) -> None:
        self.pool = pool
        self._client = client
        self._database = client[database]

    @classmethod
    def connect(cls, uri: str, database: str, max_pool_size: int, app_name: str) -> MongoStore:
        """Call it inside the running loop. It does not wait for the server: the first operation does.

        Raises `StoreRefused` for a URI or a database name that cannot be used.
        """
        pool = PoolUse(max_pool_size)
        try:
            client: AsyncMongoClient[Document] = AsyncMongoClient(
                uri,
                event_listeners=[pool],
                appname=app_name,
                maxPoolSize=max_pool_size,
                # a start makes all indexes at once: a worker would keep those connections as long as it lives
                maxIdleTimeMS=IDLE_MS,
                tz_aware=True,
                tzinfo=UTC,
                datetime_conversion="DATETIME_AUTO",
                uuidRepresentation="unspecified",
                w="majority",
                retryWrites=True,
                retryReads=True,
                serverSelectionTimeoutMS=CONNECT_MS,
                connectTimeoutMS=CONNECT_MS,
                # not timeoutMS: it would wait that long for a server that is away
                socketTimeoutMS=OPERATION_MS,
                waitQueueTimeoutMS=OPERATION_MS,
                wTimeoutMS=OPERATION_MS // 2,
            )
            return cls(client, database, pool)
        except (PyMongoError, ValueError, TypeError) as error:
            # the driver's text may quote a piece of the URI, and with it a password that was not escaped
            kind = type(error).__name__
            raise StoreRefused(f"the MongoDB URI or the database name cannot be used ({kind})") from None

    def collection(self, name: Name) -> MongoCollection:
        return MongoCollection(self._database[name])

    async def server_time(self) -> datetime:
        with _translated():
            hello = await self._client.admin.command("hello", codec_options=self._database.codec_options)
        told: datetime = hello["localTime"]
        return told

    async def create_indexes(self, indexes: Sequence[Index]) -> None:
        """Raises `StoreRefused` where one stands in the way that has the same keys or name and other options."""
        await self.server_time()  # a server that is away is told soon, not after an index build's time
        by_collection: dict[Name, list[Index]] = {}
        for index in indexes:
            by_collection.setdefault(index.collection, []).append(index)
        made = (self.collection(name).create_indexes(wanted) for name, wanted in by_collection.items())
        for failed in filter(None, await asyncio.gather(*made, return_exceptions=True)):
            raise failed

    async def set_rule(self, name: Name, rule: Document) -> None:
        """Have the server refuse documents of this collection that the rule does not match; those there stay."""
        with _translated():
            if name not in await self._database.list_collection_names():
                await self._database.create_collection(name)
            await self._database.command("collMod", name, validator=rule, validationLevel="moderate")

    async def close(self) -> None:
        await self._client.close()


class MongoCollection:
    """Implements `jobs.storage.store.Collection`."""

    def __init__(self, collection: AsyncCollection[Document]) -> None:
        self._collection = collection

    async def find_one(
        self, filter: Filter, *, projection: Sequence[str] | None = None, sort: Sort | None = None
    ) -> Document | None:
        with _translated():
            return await self._collection.find_one(filter, _fields(projection), sort=_keys(sort))

    async def find(
        self,
        filter: Filter,
        *,
        projection: Sequence[str] | None = None,
        sort: Sort | None = None,
        limit: int = 0,
    ) -> list[Document]:
        with _translated():
            # In one batch: a limited read is one round trip.
            cursor = self._collection.find(filter, _fields(projection), sort=_keys(sort), limit=limit, batch_size=limit)
            return await cursor.to_list()

    async def count(self, filter: Filter, *, limit: int = 0) -> int:
        with _translated():
            if limit:
                return await self._collection.count_documents(filter, limit=limit)
            return await self._collection.count_documents(filter)

    async def aggregate(self, pipeline: Sequence[Filter]) -> list[Document]:
        with _translated():
            cursor = await self._collection.aggregate(list(pipeline))
            return await cursor.to_list()

    async def insert_one(self, document: Document) -> None:
        with _translated():
            await self._collection.insert_one(document)

    async def insert_many(self, documents: Sequence[Document]) -> None:
        if not documents:
            return
        with _translated():
            await self._collection.insert_many(documents, ordered=True)

    async def update_one(self, filter: Filter, update: Update, *, upsert: bool = False) -> int:
        with _translated():
            result = await self._collection.update_one(filter, update, upsert=upsert)
        return 1 if result.upserted_id is not None else result.matched_count

    async def update_many(self, filter: Filter, update: Update) -> int:
        with _translated():
            result = await self._collection.update_many(filter, update)
        return result.matched_count

    async def find_one_and_update(
        self, filter: Filter, update: Update, *, sort: Sort | None = None, upsert: bool = False
    ) -> Document | None:
        with _translated():
            found: Document | None = await self._collection.find_one_and_update(
                filter, update, sort=_keys(sort), upsert=upsert, return_document=ReturnDocument.AFTER
            )
        return found

    async def delete_one(self, filter: Filter) -> int:
        with _translated():
            result = await self._collection.delete_one(filter)
        return result.deleted_count

    async def delete_many(self, filter: Filter) -> int:
        with _translated():
            result = await self._collection.delete_many(filter)
        return result.deleted_count

    async def create_indexes(self, indexes: Sequence[Index]) -> None:
        try:
            # a server needs its time for an index on a large collection of the application's
            with _translated(), pymongo.timeout(INDEX_BUILD_SECONDS):
                await self._create_indexes(indexes)
        except DuplicateKey as error:
            raise StoreRefused(f"{self._collection.name} has documents with one key: {error.reason}") from error

    async def _create_indexes(self, indexes: Sequence[Index]) -> None:
        """All by one command, which makes all or none; one by one where one is in the way of another."""
        try:
            await self._collection.create_indexes([_model(index) for index in indexes])
        except OperationFailure as error:
            if error.code not in INDEX_CONFLICTS:
                raise
            for index in indexes:
                await self._create_index(index)

    async def _create_index(self, index: Index) -> None:
        try:
            await self._collection.create_indexes([_model(index)])
        except OperationFailure as error:
            if error.code not in INDEX_CONFLICTS or not await self._has_equal(index, _index_options(index)):
                raise

    async def _has_equal(self, index: Index, options: Document) -> bool:
        """The application may have made the same index under another name: that one serves as well."""
        cursor = await self._collection.list_indexes()
        return any(
            tuple(there["key"].items()) == index.keys
            and _said({name: there.get(name) for name in INDEX_OPTIONS}) == options
            for there in await cursor.to_list()
        )


def _fields(projection: Sequence[str] | None) -> list[str] | None:
    return None if projection is None else ["_id", *projection]


def _keys(sort: Sort | None) -> list[tuple[str, int]] | None:
    return list(sort) if sort else None


def _model(index: Index) -> IndexModel:
    return IndexModel(index.keys, name=index.name, **_index_options(index))


def _index_options(index: Index) -> Document:
    values = (index.unique, index.where, index.expire_after_seconds)
    return _said(dict(zip(INDEX_OPTIONS, values, strict=True)))


def _said(options: Document) -> Document:
    return {name: value for name, value in options.items() if value is not None and value is not False}


@contextmanager
def _translated() -> Iterator[None]:
    """Raises the port's errors in the place of the driver's."""
    try:
        yield
    except PyMongoError as error:
        raise port_error(error) from error
    except (BSONError, OverflowError, ValueError) as error:
        raise StoreRefused(f"not a document or an update: {error}") from error


def port_error(error: PyMongoError) -> PressrunError:
    reason = _reason(error)
    if isinstance(error, BulkWriteError):
        codes = {fault["code"] for fault in error.details["writeErrors"]}
        unsure = bool(error.details["writeConcernErrors"])
    else:
        codes = {error.code} if isinstance(error, OperationFailure) else set()
        unsure = isinstance(error, WriteConcernError)
    if unsure or codes & PASSING_CODES or error.timeout or error.has_error_label("RetryableWriteError"):
        return StoreUnavailable(reason)
    if isinstance(error, ConnectionFailure | ExecutionTimeout):
        return StoreUnavailable(reason)
    return DuplicateKey(reason) if codes == {DUPLICATE_KEY} else StoreRefused(reason)


def _reason(error: PyMongoError) -> str:
    """The driver's sentence without its appendices, and without what a URI may say before its @."""
    text = str(error)
    if isinstance(error, BulkWriteError) and error.details["writeErrors"]:
        text = error.details["writeErrors"][0]["errmsg"]
    return CREDENTIALS.sub("//", APPENDIX.split(text, maxsplit=1)[0])
