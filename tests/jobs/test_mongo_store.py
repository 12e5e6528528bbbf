"""What is MongoDB's own in the port: the driver's errors in the port's words, and indexes that others made."""

from __future__ import annotations

import asyncio
import traceback

import pytest
from bson.datetime_ms import DatetimeMS
from pymongo import AsyncMongoClient
from pymongo.errors import (
    AutoReconnect,
    BulkWriteError,
    ConfigurationError,
    DuplicateKeyError,
    ExecutionTimeout,
    NetworkTimeout,
    NotPrimaryError,
    OperationFailure,
    PyMongoError,
    ServerSelectionTimeoutError,
    WaitQueueTimeoutError,
    WriteConcernError,
)

from jobs.errors import DuplicateKey, PressrunError, StoreRefused, StoreUnavailable
from jobs.storage.mongo import MongoStore, port_error
from jobs.storage.store import Document, Index, Store


def labelled(error: PyMongoError, label: str) -> PyMongoError:
    error._add_error_label(label)
    return error


def bulk(*codes: int, concern: bool = False) -> BulkWriteError:
    faults = [{"index": 0, "code": code, "errmsg": f"code {code}"} for code in codes]
    return BulkWriteError({"writeErrors": faults, "writeConcernErrors": [{"code": 64}] if concern else []})


ERRORS: list[tuple[PyMongoError, type[PressrunError]]] = [
    (AutoReconnect("gone"), StoreUnavailable),
    (NotPrimaryError("stepped down"), StoreUnavailable),
    (NetworkTimeout("slow"), StoreUnavailable),
    (ServerSelectionTimeoutError("nobody"), StoreUnavailable),
    (WaitQueueTimeoutError("full"), StoreUnavailable),
    (ExecutionTimeout("out of time", 50), StoreUnavailable),
    (WriteConcernError("not by a majority", 64), StoreUnavailable),
    (labelled(OperationFailure("?", 1), "RetryableWriteError"), StoreUnavailable),
    *(
        (OperationFailure("passing", code), StoreUnavailable)
        for code in (91, 112, 189, 10107, 11600, 11602, 13435, 13436)
    ),
    (DuplicateKeyError("taken", 11000), DuplicateKey),
    (bulk(11000), DuplicateKey),
    (bulk(11000, concern=True), StoreUnavailable),
    (bulk(11000, 121), StoreRefused),
    (bulk(91), StoreUnavailable),
    (OperationFailure("schema", 121), StoreRefused),
    (OperationFailure("who are you", 18), StoreRefused),
    (ConfigurationError("no"), StoreRefused),
]


@pytest.fixture
def mongodb_store(fresh_mongodb_store: Store) -> Store:
    return fresh_mongodb_store


@pytest.mark.parametrize(("error", "expected"), ERRORS, ids=lambda value: getattr(value, "__name__", repr(value)))
def test_a_driver_error_is_told_in_the_ports_words(error: PyMongoError, expected: type[PressrunError]) -> None:
    assert type(port_error(error)) is expected


def test_a_reason_has_neither_credentials_nor_appendices() -> None:
    text = "mongodb://user:secret@host:1: refused (configured timeouts: 3), Timeout: 3s, Topology Description: ..."
    assert str(port_error(AutoReconnect(text))) == "The database does not answer: mongodb://host:1: refused"


@pytest.mark.parametrize("uri", ["mongodb://user:p@ss/secret:w@host/", "mongodb://u:secret@h:99999/", "secret://x"])
async def test_a_uri_that_cannot_be_read_is_refused_and_not_quoted(uri: str) -> None:
    with pytest.raises(StoreRefused) as caught:
        MongoStore.connect(uri, "pressrun", 1, "pressrun-test")
    assert "secret" not in "".join(traceback.format_exception(caught.value))


async def test_a_server_that_is_not_there_is_unavailable_within_seconds() -> None:
    store = MongoStore.connect("mongodb://user:secret@127.0.0.1:9/", "pressrun", 1, "pressrun-test")
    async with asyncio.timeout(8):
        with pytest.raises(StoreUnavailable) as caught:
            await store.create_indexes([])
    assert "secret" not in str(caught.value)
    await store.close()


async def test_an_index_that_the_application_made_under_another_name_serves_as_well(
    mongodb_uri: str, fresh_mongodb_database: str, mongodb_store: Store
) -> None:
    async with AsyncMongoClient[Document](mongodb_uri) as client:
        theirs = client[fresh_mongodb_database]["generation_jobs"]
        await theirs.create_index([("userId", 1), ("at", -1)], name="theirs")
        await theirs.create_index([("bulk", 1)], name="theirs_too")
        await mongodb_store.create_indexes([Index("generation_jobs", (("userId", 1), ("at", -1)), "a list")])
        assert sorted(await theirs.index_information()) == ["_id_", "theirs", "theirs_too"]


async def test_a_date_out_of_pythons_range_does_not_hide_its_document(
    mongodb_uri: str, fresh_mongodb_database: str, mongodb_store: Store
) -> None:
    far = DatetimeMS(8_640_000_000_000_000)
    async with AsyncMongoClient[Document](mongodb_uri) as client:
        await client[fresh_mongodb_database]["generation_jobs"].insert_one({"_id": "1", "at": far})
    assert await mongodb_store.collection("generation_jobs").find({}) == [{"_id": "1", "at": far}]
