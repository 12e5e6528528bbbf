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
from jobs.storage.store import Document

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
A_MILLISECOND = timedelta(milliseconds=1)
BACKWARDS = b"<"
BEFORE_OBJECT_IDS = ObjectId(bytes(12))
OF_TEXT = {b"(": False, b")": True}
"""In a cursor, before an id that is a text: whether it leads backwards."""


def next_after(bound: ObjectId | str | None, page: Sequence[Document], limit: int) -> ObjectId | str | None:
    """Where all documents are read by their ids alone, in pages: the id after which the next page begins, None at the
    end. `bound` is the one that this page began after. Texts come before ObjectIds, and are compared with texts alone.
    """
    if len(page) == limit:
        last: ObjectId | str = page[-1]["_id"]
        return last
    return BEFORE_OBJECT_IDS if isinstance(bound, str) else None


@dataclass(frozen=True)
class Page:
    """Documents, where the next page begins (None on the last), and what leads back (None on the first)."""

    documents: Sequence[Document]
    next_cursor: str | None
    previous_cursor: str | None = None


@dataclass(frozen=True)
class Order:
    """By a moment that each document has (the path of its field), then by id; `direction` as in a sort: 1 or -1."""

    path: str
    direction: int

    @property
    def sort(self) -> list[tuple[str, int]]:
        return [(self.path, self.direction), ("_id", self.direction)]

    @property
    def reversed(self) -> Order:
        return Order(self.path, -self.direction)

    def moment_of(self, document: Document) -> datetime:
        found: Any = document
        for name in self.path.split("."):
            found = found[name]
        moment: datetime = found
        return moment


@dataclass(frozen=True)
class Place:
    """Between two documents of an order: after the one with this moment and id, or, `backwards`, before it.

    An id that is a text has at least 13 characters.
    """

    moment: datetime
    last_id: ObjectId | str
    backwards: bool = False

    @classmethod
    def read(cls, cursor: str | None) -> Place | None:
        """Raises `InvalidInput` for a cursor that `cursor` did not make."""
        if cursor is None:
            return None
        try:
            raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
            moment = EPOCH + A_MILLISECOND * int.from_bytes(raw[:8], "big")
            if len(raw) > 21 and raw[8:9] in OF_TEXT:
                return cls(moment, raw[9:].decode(), OF_TEXT[raw[8:9]])
            backwards = raw[20:] == BACKWARDS
            return cls(moment, ObjectId(raw[8:-1] if backwards else raw[8:]), backwards)
        except (binascii.Error, ValueError, InvalidId, OverflowError, TypeError):
            fault = Fault("cursor", "must be a cursor that this route has given")
            raise InvalidInput("The cursor is not valid.", (fault,)) from None

    @property
    def cursor(self) -> str:
        raw = ((self.moment - EPOCH) // A_MILLISECOND).to_bytes(8, "big")
        if isinstance(self.last_id, ObjectId):
            raw += self.last_id.binary + (BACKWARDS if self.backwards else b"")
        else:
            raw += (b")" if self.backwards else b"(") + self.last_id.encode()
        return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


@dataclass(frozen=True)
class Question:
    """A page of the documents that are `wanted`, in `order`, from `place` on (None: the first), of at most `limit`."""

    wanted: Mapping[str, Any]
    order: Order
    limit: int
    place: Place | None = None

    @property
    def toward(self) -> Order:
        """The order in which the documents are to be read, one more than `limit`: that of the page, or its reverse."""
        return self.order.reversed if self.place is not None and self.place.backwards else self.order

    @property
    def filter(self) -> Document:
        """Those that are wanted and come after the place, in the order in which they are to be read."""
        if self.place is None:
            return dict(self.wanted)
        path, beyond = self.order.path, "$gt" if self.toward.direction > 0 else "$lt"
        later = [{path: {beyond: self.place.moment}}, {path: self.place.moment, "_id": {beyond: self.place.last_id}}]
        return {"$and": [self.wanted, {"$or": later}]}

    def page(self, found: Sequence[Document]) -> Page:
        """`found` has one more than `limit`, where there is more."""
        more, shown = len(found) > self.limit, list(found[: self.limit])
        backwards = self.toward != self.order
        if backwards:
            shown.reverse()
        # Whoever came from one side can go back there, whatever has become of the documents meanwhile.
        has_next, has_previous = (True, more) if backwards else (more, self.place is not None)
        return Page(
            shown,
            self._beside(shown[-1]).cursor if has_next and shown else None,
            self._beside(shown[0], backwards=True).cursor if has_previous and shown else None,
        )

    def _beside(self, document: Document, *, backwards: bool = False) -> Place:
        return Place(self.order.moment_of(document), document["_id"], backwards)
