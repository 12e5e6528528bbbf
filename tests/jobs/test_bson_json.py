"""The rules by which BSON becomes JSON, on vectors made by the driver and framework they are copied from."""

from __future__ import annotations

import json
import re
import uuid
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Any

import bson
import pytest
from bson.binary import Binary, UuidRepresentation
from bson.code import Code
from bson.codec_options import CodecOptions, DatetimeConversion
from bson.datetime_ms import DatetimeMS
from bson.dbref import DBRef
from bson.decimal128 import Decimal128
from bson.int64 import Int64
from bson.max_key import MaxKey
from bson.min_key import MinKey
from bson.objectid import ObjectId
from bson.regex import Regex
from bson.son import SON
from bson.timestamp import Timestamp
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.storage.bson_json import plain
from service.wire.json_text import dumps

VECTORS = json.loads((Path(__file__).parent.parent / "data" / "bson_json.json").read_text(encoding="utf-8"))
CONVERSIONS = [DatetimeConversion.DATETIME_AUTO, DatetimeConversion.DATETIME_MS]
OBJECT_ID = "665f1c2ab4d1e0a1b2c3d4e5"


def options(conversion: DatetimeConversion) -> CodecOptions[dict[str, Any]]:
    return CodecOptions(
        document_class=dict,
        tz_aware=True,
        datetime_conversion=conversion,
        uuid_representation=UuidRepresentation.UNSPECIFIED,
    )


@pytest.mark.parametrize("conversion", CONVERSIONS, ids=lambda conversion: conversion.name)
@pytest.mark.parametrize("vector", VECTORS["vectors"], ids=lambda vector: vector["name"])
def test_a_stored_document_becomes_the_text_the_application_answers(
    vector: dict[str, Any], conversion: DatetimeConversion
) -> None:
    document = bson.decode(bytes.fromhex(vector["bson_hex"]), options(conversion))
    assert dumps(plain(document)) == vector["json"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ObjectId", ObjectId(OBJECT_ID)),
        ("Long", Int64(2**63 - 1)),
        ("Decimal128", Decimal128("1.10")),
        ("Binary", Binary(b"hello")),
        ("UUID", uuid.UUID("123e4567-e89b-12d3-a456-426614174000")),
        ("Double", 1.0),
        ("Double_frac", 1.5),
        ("Double_neg0", -0.0),
        ("Int32", 7),
        ("Timestamp", Timestamp(1_700_000_000, 5)),
        ("MinKey", MinKey()),
        ("MaxKey", MaxKey()),
        ("Code", Code("f", {"y": 1})),
        ("DBRef", DBRef("c", ObjectId(OBJECT_ID))),
        ("RegExp", Regex("x", "i")),
        ("RegExp", re.compile("x")),
        ("Date_invalid", DatetimeMS(8_640_000_000_000_001)),
    ],
)
def test_a_value_of_each_class_becomes_what_the_driver_makes_of_it(name: str, value: object) -> None:
    assert dumps({"v": plain(value)}) == VECTORS["unpromoted_values_json"][name]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (datetime(2023, 11, 14, 22, 13, 20, 123_999, tzinfo=UTC), "2023-11-14T22:13:20.123Z"),
        (datetime(2023, 11, 14, 22, 13, 20), "2023-11-14T22:13:20.000Z"),
        (datetime(2023, 11, 15, 3, 13, 20, tzinfo=timezone(timedelta(hours=5))), "2023-11-14T22:13:20.000Z"),
        (datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=5))), "0000-12-31T19:00:00.000Z"),
        (datetime(9999, 12, 31, 23, tzinfo=timezone(timedelta(hours=-5))), "+010000-01-01T04:00:00.000Z"),
        (DatetimeMS(-62_167_219_200_001), "-000001-12-31T23:59:59.999Z"),
        (DatetimeMS(-8_640_000_000_000_000), "-271821-04-20T00:00:00.000Z"),
        (DatetimeMS(-8_640_000_000_000_001), None),
    ],
)
def test_a_date_is_written_in_utc_with_three_digits_in_any_year(value: object, text: str | None) -> None:
    assert plain(value) == text


@settings(deadline=None)
@given(st.integers(min_value=-62_135_596_800_000, max_value=253_402_300_799_999))
def test_a_date_reads_the_same_whether_the_driver_gives_it_as_datetime_or_milliseconds(milliseconds: int) -> None:
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=milliseconds)
    assert plain(moment) == plain(DatetimeMS(milliseconds))


@pytest.mark.parametrize(
    "text", ["0", "-0", "1E+3", "1.10", "0E-10", "0.000001", "1E-7", "Infinity", "-Infinity", "NaN", "123456789"]
)
def test_a_decimal_keeps_its_own_notation(text: str) -> None:
    assert plain(Decimal128(text)) == {"$numberDecimal": text}


def test_a_binary_of_subtype_4_is_a_uuid_only_with_sixteen_bytes() -> None:
    raw = bytes(range(16))
    assert plain(Binary(raw, 4)) == "00010203-0405-0607-0809-0a0b0c0d0e0f"
    assert plain(Binary(raw, 3)) == "AAECAwQFBgcICQoLDA0ODw=="
    assert plain(Binary(raw[:3], 4)) == "AAEC"


def test_a_reference_to_another_database_names_it_last() -> None:
    reference = DBRef("c", ObjectId(OBJECT_ID), "other", note=1.0)
    assert dumps(plain(reference)) == f'{{"$ref":"c","$id":"{OBJECT_ID}","note":1,"$db":"other"}}'


def test_keys_that_are_array_indices_come_first_in_ascending_order() -> None:
    document = {
        "b": 1,
        "10": 2,
        "": 3,
        "9": 4,
        "01": 5,
        "4294967294": 6,
        "4294967295": 7,
        "0": 8,
        "²": 9,
        "1a": 10,
        "9" * 5_000: 11,
    }
    result = plain(document)
    assert isinstance(result, dict)
    assert list(result) == ["0", "9", "10", "4294967294", "b", "", "01", "4294967295", "²", "1a", "9" * 5_000]
    assert result == document


def test_plain_values_are_of_no_class_of_the_drivers_or_ours() -> None:
    class Status(StrEnum):
        QUEUED = "queued"

    assert type(plain(Int64(5))) is int
    assert type(plain(Status.QUEUED)) is str
    assert type(plain(SON(a=1))) is dict
    assert plain((1, (2, Int64(3)))) == [1, [2, 3]]


@pytest.mark.parametrize("value", [object(), {1: "a"}, {"a": {None: 1}}, Decimal(1), {1, 2}, [object]])
def test_what_bson_cannot_hold_is_refused(value: object) -> None:
    with pytest.raises(TypeError):
        plain(value)


def test_an_integer_beyond_64_bits_is_refused() -> None:
    with pytest.raises(OverflowError):
        plain(2**63)
