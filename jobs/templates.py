"""Templates: requests for bulks that an owner keeps under a name. What a request may say is judged elsewhere.

A request is kept as the text it was given as: as a document of the database it could outgrow what one may have.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NewType

from bson import ObjectId

from jobs.clock import Clock
from jobs.documents import UserId
from jobs.errors import DuplicateKey, Fault, InvalidInput, NameTaken, NotFound
from jobs.places import free_place
from jobs.storage.paging import Order, Place, Question
from jobs.storage.store import Document, Store

MOST = 200
TOO_MANY = "You have as many templates as there can be"
LONGEST_REQUEST = 8 * 2**20
"""In bytes: what a request's body may have."""

NEWEST_FIRST = Order("created_at", -1)
SUMMARY = ("userId", "name", "mode", "pipeline", "total_items", "created_at", "changed_at")

TemplateId = NewType("TemplateId", ObjectId)


@dataclass(frozen=True)
class Kept:
    """A request as JSON text, and what a list shows of it: `mode` and `pipeline` where it names them."""

    text: str
    mode: str | None
    pipeline: str | None
    total_items: int


@dataclass(frozen=True)
class Template:
    id: TemplateId
    name: str
    mode: str | None
    pipeline: str | None
    total_items: int
    created_at: datetime
    changed_at: datetime


@dataclass(frozen=True)
class TemplatePage:
    """`next_cursor` is None on the last page."""

    templates: Sequence[Template]
    next_cursor: str | None


class Templates:
    def __init__(self, store: Store, clock: Clock) -> None:
        self._templates = store.collection("templates")
        self._clock = clock

    async def keep(self, owner: UserId, name: str, request: Kept) -> Template:
        """Raises `NameTaken`, `TooMany`, and `InvalidInput` for a request of more than 8 MB."""
        now = self._clock.now()
        template: Document = {"userId": owner, "name": name, **_fields(request), "created_at": now, "changed_at": now}
        while True:
            there = await self._templates.find({"userId": owner}, projection=["name", "place"], limit=MOST)
            if name in {other["name"] for other in there}:
                raise NameTaken("template", name)
            template |= {"_id": ObjectId(), "place": free_place({other["place"] for other in there}, MOST, TOO_MANY)}
            try:
                await self._templates.insert_one(dict(template))
            except DuplicateKey:
                continue  # another request has taken the name or the place: looked at again
            return _read(template)

    async def page(self, owner: UserId, limit: int, cursor: str | None) -> TemplatePage:
        """Newest first. Raises `InvalidInput` for a cursor that this did not make."""
        asked = Question({"userId": owner}, NEWEST_FIRST, limit, Place.read(cursor))
        found = await self._templates.find(asked.filter, projection=SUMMARY, sort=asked.toward.sort, limit=limit + 1)
        page = asked.page(found)
        return TemplatePage([_read(document) for document in page.documents], page.next_cursor)

    async def find(self, owner: UserId, template_id: TemplateId) -> tuple[Template, str]:
        """With its request. Raises `NotFound`, also for somebody else's."""
        found = await self._templates.find_one({"_id": template_id, "userId": owner})
        if found is None:
            raise NotFound("template")
        return _read(found), found["request"]

    async def change(
        self, owner: UserId, template_id: TemplateId, *, name: str | None = None, request: Kept | None = None
    ) -> Template:
        """Raises `NotFound`, `NameTaken`, and `InvalidInput` for a request of more than 8 MB."""
        changes: Document = {"changed_at": self._clock.now()}
        changes |= {"name": name} if name is not None else {}
        changes |= _fields(request) if request is not None else {}
        try:
            mine = {"_id": template_id, "userId": owner}
            changed = await self._templates.find_one_and_update(mine, {"$set": changes})
        except DuplicateKey:
            raise NameTaken("template", name or "") from None
        if changed is None:
            raise NotFound("template")
        return _read(changed)

    async def remove(self, owner: UserId, template_id: TemplateId) -> None:
        """Raises `NotFound`."""
        if not await self._templates.delete_one({"_id": template_id, "userId": owner}):
            raise NotFound("template")


def _fields(request: Kept) -> dict[str, Any]:
    if len(request.text.encode()) > LONGEST_REQUEST:
        fault = Fault("request", f"must have at most {LONGEST_REQUEST // 2**20} MB, as JSON")
        raise InvalidInput("The request is too large to be kept.", (fault,))
    return {
        "request": request.text,
        "mode": request.mode,
        "pipeline": request.pipeline,
        "total_items": request.total_items,
    }


def _read(stored: Document) -> Template:
    return Template(
        id=TemplateId(stored["_id"]),
        name=stored["name"],
        mode=stored["mode"],
        pipeline=stored["pipeline"],
        total_items=stored["total_items"],
        created_at=stored["created_at"],
        changed_at=stored["changed_at"],
    )
