"""Putting an archived bulk back, from its file: checked whole before anything is written, seen by all or by nobody.

Assets and jobs come first, the bulk last and by an insert: until then nobody shows or claims any of it. Whoever died on
the way is made up for by doing it again. Which bulk is to come back is decided elsewhere.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

from bson import json_util
from bson.errors import BSONError

from jobs.clock import Clock
from jobs.errors import DuplicateKey, InvalidInput
from jobs.retention.removal import KEPT, Stage, Why
from jobs.states import BulkStatus
from jobs.storage.store import Document, Name, Store

AT_ONCE = 50
SOON = timedelta(minutes=2)
AS_STORED = json_util.JSONOptions(tz_aware=True, tzinfo=UTC)
ENDED = (BulkStatus.COMPLETED, BulkStatus.CANCELLED)
ITS_PARTS: tuple[Name, ...] = ("generation_jobs", "assets")


@dataclass
class Restored:
    bulk: Document
    counts: dict[Name, int] = field(default_factory=lambda: dict.fromkeys(ITS_PARTS, 0))


class Restoring:
    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._bulks = store.collection("bulk_jobs")
        self._removals = store.collection("removals")
        self._clock = clock

    async def restore(self, file: Path) -> Restored:
        """The bulk is there again, as it was. Raises `InvalidInput` with the reason where the file is not whole, the
        bulk is there, was erased with its user, or is still being removed; then nothing was changed."""
        try:
            whole = await asyncio.to_thread(_checked, file)
        except OSError as error:
            raise InvalidInput(f"{file} cannot be read: {error.strerror or error}.") from error
        bulk = whole.bulk
        await self._let_back(bulk)
        lines = _lines(file)
        while some := await asyncio.to_thread(_next_of, lines):
            for name, document in some:
                rest = {key: value for key, value in document.items() if key != "_id"}
                if name != "bulk_jobs":
                    # An insert, also where one who died on the way has made it.
                    found = {"_id": document["_id"]}
                    await self._store.collection(name).update_one(found, {"$setOnInsert": rest}, upsert=True)
        await self._check_stored(whole)
        # At a later revision, for whoever slept since its removal; changed now, so that sums are counted anew.
        back = {**bulk, "rev": bulk["rev"] + 1, "changed_at": self._clock.now()}
        try:
            await self._bulks.insert_one(back)
        except DuplicateKey:
            raise InvalidInput(f"The bulk {bulk['_id']} is there already.") from None
        return whole

    async def _let_back(self, bulk: Document) -> None:
        """Nobody clears it away any more. Raises `InvalidInput` where it may not come back."""
        if await self._bulks.find_one({"_id": bulk["_id"]}, projection=["_id"]):
            raise InvalidInput(f"The bulk {bulk['_id']} is there already.")
        record = await self._removals.find_one({"_id": bulk["_id"]})
        if record is None:
            return
        if record["why"] == Why.ERASURE or record["userId"] is None:
            raise InvalidInput(f"The bulk {bulk['_id']} was erased with its user, and stays so.")
        cleared = {"state": Stage.CLEARED.value, "until": {"$gt": self._clock.now() + SOON}}
        over = {"_id": bulk["_id"], "$or": [{"state": Stage.DONE.value}, cleared]}
        # Without its `gone_at`, by which sums leave it out.
        back = {"state": Stage.DONE.value, "expires_at": self._clock.now() + KEPT, "gone_at": None}
        if not await self._removals.update_one(over, {"$set": back}):
            raise InvalidInput(f"The bulk {bulk['_id']} is just being removed: try again in some minutes.")

    async def _check_stored(self, whole: Restored) -> None:
        for name, expected in whole.counts.items():
            stored = await self._store.collection(name).count({"bulk_job_id": whole.bulk["_id"]})
            if stored != expected:
                raise InvalidInput(f"Of {expected} documents for {name} {stored} are there: do it again.")


def _lines(file: Path) -> Iterator[tuple[Name, Document]]:
    """Raises `InvalidInput` for a line that is none of an archive's."""
    with file.open(encoding="utf-8") as text:
        for number, line in enumerate(text, start=1):
            try:
                yield _line(json_util.loads(line, json_options=AS_STORED))
            except (ValueError, TypeError, KeyError, BSONError):
                raise InvalidInput(f"{file}, line {number}: this is no line of an archived bulk.") from None


def _line(read: Any) -> tuple[Name, Document]:
    name, document = read["collection"], read["document"]
    if name not in ("bulk_jobs", *ITS_PARTS) or "_id" not in document:
        raise ValueError("another document")
    return name, document


def _next_of(lines: Iterator[tuple[Name, Document]]) -> Sequence[tuple[Name, Document]]:
    return list(islice(lines, AT_ONCE))


def _checked(file: Path) -> Restored:
    """What it holds, if that is one bulk that has ended, with all of its jobs. Raises `InvalidInput` and OSError."""
    lines = _lines(file)
    name, bulk = next(lines, (None, {}))
    if name != "bulk_jobs" or bulk.get("schema") != 1 or bulk.get("status") not in ENDED:
        raise InvalidInput(f"{file} does not begin with a bulk that has ended.")
    whole = Restored(bulk)
    for name, document in lines:
        if name == "bulk_jobs" or document.get("bulk_job_id") != bulk["_id"]:
            raise InvalidInput(f"{file} is of more than one bulk.")
        whole.counts[name] += 1
    if whole.counts["generation_jobs"] != bulk["total_items"]:
        there = whole.counts["generation_jobs"]
        raise InvalidInput(f"{file} has {there} of the {bulk['total_items']} jobs of its bulk: it is not whole.")
    return whole
