"""What an owner deletes: one bulk that has ended. Those that are old enough go by `retention`."""

from __future__ import annotations

from jobs.documents import BulkId, UserId
from jobs.errors import Busy, MoveRefused
from jobs.intents import Intents
from jobs.retention.removal import Removal, Why
from jobs.states import LIVE_BULKS


class Deletion:
    def __init__(self, intents: Intents, removal: Removal) -> None:
        self._intents = intents
        self._removal = removal

    async def delete(self, owner: UserId, bulk_id: BulkId) -> None:
        """After this nobody finds the bulk. Raises `NotFound`, `MoveRefused` for one that has not ended or of which a
        job still runs, and `Busy` for one that changes at this moment, or whose end is just being told."""
        bulk = await self._intents.quiet(owner, bulk_id)
        if bulk["status"] in LIVE_BULKS:
            raise MoveRefused("bulk job", bulk["status"], "deleted: cancel it first")
        if bulk["slots"]:
            raise MoveRefused("bulk job", f"{bulk['status']}, with a job that still runs,", "deleted yet")
        if bulk["events"] or not await self._removal.remove(bulk, Why.OWNER, owner):
            raise Busy("bulk job")
