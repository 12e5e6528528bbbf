"""How documents become BSON and come back: whatever enters or leaves the embedded store passes here first.

The round trip makes values what a server makes of them: whole milliseconds, UTC, plain strings for `StrEnum`, the order
of keys kept, nothing shared with the caller. Nothing is looked up or changed here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC
from typing import Any

import bson
from bson.codec_options import CodecOptions, DatetimeConversion
from bson.errors import BSONError
from bson.raw_bson import RawBSONDocument

from jobs.errors import StoreRefused
from jobs.storage.store import Document

CODEC: CodecOptions[Document] = CodecOptions(
    tz_aware=True, tzinfo=UTC, datetime_conversion=DatetimeConversion.DATETIME_AUTO
)
MAX_DOCUMENT_BYTES = 16 * 1024 * 1024


def encoded(document: Mapping[str, Any]) -> bytes:
    """Raises `StoreRefused` for what BSON cannot hold."""
    try:
        return bson.encode(document, codec_options=CODEC)
    except (BSONError, OverflowError, ValueError, TypeError) as error:
        raise StoreRefused(f"not a BSON document: {error}") from error


def image_of(document: Mapping[str, Any]) -> bytes:
    """A document as it is stored. Raises `StoreRefused` also for one that is too large for a server."""
    image = encoded(document)
    if len(image) > MAX_DOCUMENT_BYTES:
        raise StoreRefused(f"a document of {len(image)} bytes is larger than {MAX_DOCUMENT_BYTES}")
    return image


def decoded(image: bytes | memoryview) -> Document:
    return bson.decode(image, CODEC)


def normal(value: Any) -> Any:
    """The same value as a server would see it; a deep copy."""
    return decoded(encoded({"": value}))[""]


def key_of(document_id: Any) -> bytes:
    """What tells one `_id` from another, for ids of any type: 1 is not True."""
    return encoded({"": document_id})


def put_record(collection: str, image: bytes) -> bytes:
    return bson.encode({"in": collection, "put": RawBSONDocument(image)})


def drop_record(collection: str, ids: Iterable[Any]) -> bytes:
    return bson.encode({"in": collection, "drop": list(ids)}, codec_options=CODEC)


def plain_field(document: Document, path: str) -> Any:
    """The value at a dotted path, None where it is missing, the list itself where the path meets one."""
    value: Any = document
    for part in path.split("."):
        if isinstance(value, list):
            return value
        value = value.get(part) if isinstance(value, dict) else None
    return value
