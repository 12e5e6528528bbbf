"""Turns decoded BSON into the plain values that the application's `NextResponse.json` would serialise.

No JSON text is written here (`service/wire/json_text.py`), and no field is renamed or dropped. The rules were
measured with bson 6.10.4 behind Next.js 16.4.6.
"""

from __future__ import annotations

import base64
import math
import re
import struct
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import singledispatch
from typing import Any, TypeAlias
from uuid import UUID

from bson.binary import UUID_SUBTYPE, Binary
from bson.code import Code
from bson.datetime_ms import DatetimeMS
from bson.dbref import DBRef
from bson.decimal128 import Decimal128
from bson.max_key import MaxKey
from bson.min_key import MinKey
from bson.objectid import ObjectId
from bson.regex import Regex
from bson.timestamp import Timestamp

JsonValue: TypeAlias = "bool | int | float | str | list[JsonValue] | dict[str, JsonValue] | None"

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MAX_SAFE = 2**53
MAX_JS_MILLISECONDS = 8_640_000_000_000_000
MAX_ARRAY_INDEX = 2**32 - 2
# The calendar repeats itself every 400 years, so any year can be shown by way of one that datetime knows.
CYCLE_YEARS = 400
CYCLE_MILLISECONDS = 146_097 * 86_400_000


def plain(value: object) -> JsonValue:
    """The plain value JavaScript would serialise.

    Raises TypeError for what BSON cannot hold, and OverflowError for an integer beyond 64 bits.
    """
    if value is None or type(value) is str or type(value) is bool:
        return value
    return _plain(value)


@singledispatch
def _plain(value: object) -> JsonValue:
    raise TypeError(f"{type(value).__name__} is no BSON value")


@_plain.register(bool)
@_plain.register(type(None))
def _same(value: bool | None) -> JsonValue:
    return value


@_plain.register(str)
def _string(value: str) -> JsonValue:
    return str.__str__(value)


@_plain.register(ObjectId)
@_plain.register(UUID)
def _id(value: ObjectId | UUID) -> JsonValue:
    return str(value)


@_plain.register(int)
def _integer(value: int) -> JsonValue:
    if -MAX_SAFE <= value <= MAX_SAFE:
        return int(value)
    low, high = struct.unpack("<ii", value.to_bytes(8, "little", signed=True))
    return {"low": low, "high": high, "unsigned": False}


@_plain.register(float)
def _double(value: float) -> JsonValue:
    return float(value) if math.isfinite(value) else None


@_plain.register(Decimal128)
def _decimal(value: Decimal128) -> JsonValue:
    return {"$numberDecimal": str(value)}


@_plain.register(Timestamp)
def _timestamp(value: Timestamp) -> JsonValue:
    return {"$timestamp": str(value.time << 32 | value.inc)}


@_plain.register(Regex)
@_plain.register(re.Pattern)
@_plain.register(MinKey)
@_plain.register(MaxKey)
def _nothing(_value: object) -> JsonValue:
    return {}


@_plain.register(list)
@_plain.register(tuple)
def _array(value: Sequence[object]) -> JsonValue:
    return [plain(item) for item in value]


@_plain.register(Mapping)
def _object(value: Mapping[Any, object]) -> dict[str, JsonValue]:
    result: dict[str, JsonValue] = {}
    indices: list[str] = []
    for key, item in value.items():
        if not isinstance(key, str):
            raise TypeError(f"a key of BSON is a string, not {type(key).__name__}")
        if "0" <= key[:1] <= "9" and _is_array_index(key):
            indices.append(key)
        result[key] = plain(item)
    if not indices:
        return result
    first = {key: result[key] for key in sorted(indices, key=int)}
    return first | result


def _is_array_index(key: str) -> bool:
    """JavaScript puts such keys first, in ascending order."""
    canonical = key == "0" or (key[0] != "0" and len(key) <= 10 and key.isascii() and key.isdecimal())
    return canonical and int(key) <= MAX_ARRAY_INDEX


@_plain.register(bytes)
def _binary(value: bytes) -> JsonValue:
    if isinstance(value, Binary) and value.subtype == UUID_SUBTYPE and len(value) == 16:
        return str(UUID(bytes=bytes(value)))
    return base64.b64encode(value).decode("ascii")


@_plain.register(Code)
def _code(value: Code) -> JsonValue:
    code: dict[str, JsonValue] = {"code": str.__str__(value)}
    if value.scope is not None:
        code["scope"] = plain(value.scope)
    return code


@_plain.register(DBRef)
def _reference(value: DBRef) -> JsonValue:
    document = dict(value.as_doc())
    database = document.pop("$db", None)
    return _object(document if database is None else document | {"$db": database})


@_plain.register(datetime)
def _moment(value: datetime) -> JsonValue:
    """A naive datetime is UTC, as the driver has it."""
    if not value.utcoffset():
        return value.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"
    return _iso((value - EPOCH) // timedelta(milliseconds=1))


@_plain.register(DatetimeMS)
def _distant_moment(value: DatetimeMS) -> JsonValue:
    return _iso(int(value))


def _iso(milliseconds: int) -> str | None:
    if abs(milliseconds) > MAX_JS_MILLISECONDS:
        return None
    cycles, rest = divmod(milliseconds, CYCLE_MILLISECONDS)
    shown = EPOCH + timedelta(milliseconds=rest)
    year = shown.year + cycles * CYCLE_YEARS
    years = f"{year:04d}" if 0 <= year <= 9999 else f"{year:+07d}"
    return years + shown.replace(tzinfo=None).isoformat(timespec="milliseconds")[4:] + "Z"
