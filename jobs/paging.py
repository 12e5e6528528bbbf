"""Pages of documents by keyset: where one ends, as a cursor that means nothing to its holder. Nothing is read here."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from bson import ObjectId
from bson.errors import InvalidId

from jobs.errors import Fault, InvalidInput
from jobs.store import Document

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
A_MILLISECOND = timedelta(milliseconds=1)


@dataclass(frozen=True)
class Page:
    """Documents, and where the next page begins (None on the last)."""

    documents: Sequence[Document]
    next_cursor: str | None


@dataclass(frozen=True)
class Order:
    """By a moment that each document has (the path of its field), then by id; `direction` as in a sort: 1 or -1."""

    path: str
    direction: int

    @property
    def sort(self) -> list[tuple[str, int]]:
        return [(self.path, self.direction), ("_id", self.direction)]

    def page(self, found: Sequence[Document], limit: int) -> Page:
        """`found` has one more than `limit`, where there is more."""
        if len(found) <= limit:
            return Page(found, None)
        last = found[limit - 1]
        moment: Any = last
        for name in self.path.split("."):
            moment = moment[name]
        raw = ((moment - EPOCH) // A_MILLISECOND).to_bytes(8, "big") + last["_id"].binary
        return Page(found[:limit], base64.urlsafe_b64encode(raw).rstrip(b"=").decode())

    def after(self, wanted: Mapping[str, Any], cursor: str | None) -> Document:
        """Those `wanted` that come after the cursor. Raises `InvalidInput` for one that `page` did not make."""
        if cursor is None:
            return dict(wanted)
        try:
            raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
            moment = EPOCH + A_MILLISECOND * int.from_bytes(raw[:8], "big")
            last_id = ObjectId(raw[8:])
        except (binascii.Error, ValueError, InvalidId, OverflowError, TypeError):
            fault = Fault("cursor", "must be a next_cursor that this route has given")
            raise InvalidInput("The cursor is not valid.", (fault,)) from None
        beyond = "$gt" if self.direction > 0 else "$lt"
        later = [{self.path: {beyond: moment}}, {self.path: moment, "_id": {beyond: last_id}}]
        return {"$and": [wanted, {"$or": later}]}
