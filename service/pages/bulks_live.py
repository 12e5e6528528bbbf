"""What the list of bulks shows: on load, and when it is asked again while somebody looks.

It asks again instead of being told: then one read of the shown page serves it on any server, new bulks and those that
leave a filter are seen too, and no connection is held for a page that is often left open.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from jobs.documents import UserId
from jobs.pipelines import ARTICLE, FORMATS, PLAIN
from jobs.reading.lookup import BulkFilter
from jobs.states import LIVE_BULKS, BulkStatus
from jobs.storage.store import Document
from jobs.system import System
from service.pages import html
from service.rendering.documents import bulk_job
from service.schemas.answers import BulkJob

SHOWN = 50
POLL_SECONDS = 2
IDLE_POLL_SECONDS = 10
"""Where nothing that is shown can change by itself."""

NOT_ENDED = "live"
STATUSES: dict[str, Sequence[BulkStatus]] = {NOT_ENDED: LIVE_BULKS, **{status.value: [status] for status in BulkStatus}}
"""What may be chosen as a status."""

ASK_NOBODY = (ARTICLE.name, FORMATS.name, PLAIN.name)
LIST, POLL = "bulk-list", "poll"


@dataclass(frozen=True)
class Wanted:
    """Which bulks, as the address of the page says it. A status that is none is as if it were not there."""

    q: str = ""
    status: str = ""
    cursor: str | None = None

    @property
    def filter(self) -> BulkFilter:
        return BulkFilter(statuses=STATUSES.get(self.status, ()), text=self.q.strip() or None)

    def url(self, path: str = "/", cursor: str | None = None) -> str:
        named = {"q": self.q.strip(), "status": self.status, "cursor": cursor}
        query = urlencode({name: value for name, value in named.items() if value})
        return f"{path}?{query}" if query else path


@dataclass(frozen=True)
class Row:
    """`awaiting`: how many of its jobs wait for a person."""

    bulk: BulkJob
    awaiting: int


@dataclass(frozen=True)
class BulkList:
    """`state` is the same as long as nothing that is shown has changed."""

    wanted: Wanted
    rows: Sequence[Row]
    newer_url: str | None
    older_url: str | None
    state: str

    def parts(self) -> dict[str, str]:
        moving = any(row.bulk.status in LIVE_BULKS for row in self.rows)
        seconds = POLL_SECONDS if moving else IDLE_POLL_SECONDS
        again = self.wanted.url("/live", self.wanted.cursor)
        return {
            LIST: html.part("bulk_row.html", "list", self),
            POLL: html.part("polling.html", "poll", again, seconds),
        }


async def bulk_list(parts: System, owner: UserId, wanted: Wanted) -> BulkList:
    """Newest first. Raises `InvalidInput` for a cursor that is none."""
    page = await parts.lookup.bulks(owner, wanted.filter, SHOWN, wanted.cursor)
    waiting_for_persons = [bulk["_id"] for bulk in page.documents if _may_ask(bulk)]
    awaiting = await parts.briefs.awaiting(owner, waiting_for_persons)
    rows = [Row(bulk_job(bulk), awaiting.get(bulk["_id"], 0)) for bulk in page.documents]
    revisions = [(bulk["rev"], row.bulk.id, row.awaiting) for bulk, row in zip(page.documents, rows, strict=True)]
    cursors = (page.previous_cursor, page.next_cursor)
    newer, older = (wanted.url(cursor=cursor) if cursor else None for cursor in cursors)
    return BulkList(wanted, rows, newer, older, repr((revisions, cursors)))


def _may_ask(bulk: Document) -> bool:
    """Whether its jobs may wait for a person: most bulks cost no look at their jobs."""
    return bulk["status"] in LIVE_BULKS and bulk["pipeline"] not in ASK_NOBODY
