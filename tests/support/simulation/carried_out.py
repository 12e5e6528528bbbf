"""What a control owes its jobs and has not done when its intent is taken off the bulk; what it may take from them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from bson import ObjectId

from jobs.documents import Wish
from jobs.intents import Intent
from jobs.states import ENDED_JOBS, JobStatus
from jobs.storage.store import Document

TEXT = {
    "result",
    "result_meta",
    "result_dropped_at",
    "checkpoints",
    "paid",
    "sent_back",
    "selection",
    "rev",
    "changed_at",
}


def left_undone(
    intent: Document, bulk: Document, jobs: Iterable[Document], revs: Mapping[ObjectId, int]
) -> list[Document]:
    """The jobs that it has passed over; `bulk` is as it was while the intent stood, `revs` were the jobs' before."""
    named = [job for job in jobs if job["_id"] in intent["job_ids"]]
    earlier = [job for job in jobs if job["epoch"] < intent["epoch"]]
    match Intent(intent["kind"]):
        case Intent.ABORT:
            return [job for job in earlier if _is_confirmed(job, bulk) and job["wish"] is None]
        case Intent.CANCEL:
            return [job for job in earlier if _is_confirmed(job, bulk) and job["wish"] != Wish.CANCEL]
        case Intent.CANCEL_JOBS:
            heeded = [job for job in named if job["status"] in ENDED_JOBS or job["wish"] == Wish.CANCEL]
            return [job for job in named if job not in heeded]
        case Intent.RETRY:
            unchanged = [job for job in named if job["rev"] == revs[job["_id"]]]  # others were sent back before it
            return [job for job in unchanged if job["status"] in ENDED_JOBS]
        case Intent.SELECT:
            return [job for job in named if job["status"] == JobStatus.AWAITING_SELECTION]
        case Intent.DROP_RESULTS:
            ended = [job for job in earlier if job["status"] in ENDED_JOBS]
            return [job for job in ended if job["result"] is not None or job["checkpoints"]]
        case Intent.RECOUNT:
            return []


def _is_confirmed(job: Document, bulk: Document) -> bool:
    """Others that run are put back, and end as those that wait."""
    if job["status"] != JobStatus.PROCESSING:
        return False
    slot: Document = bulk["slots"].get(job["lease"]["token"], {})
    return bool(slot.get("job_id") == job["_id"])


def is_dropped(before: Document, after: Document, bulk: Document | None) -> bool:
    """Whether this took an ended job's article away, and nothing else, while its bulk says so."""
    intent = (bulk or {}).get("intent") or {}
    if intent.get("kind") != Intent.DROP_RESULTS or before["status"] not in ENDED_JOBS:
        return False
    changed = {name for name in after if after[name] != before.get(name)}
    return before["epoch"] < intent["epoch"] and changed <= TEXT and after["rev"] == before["rev"] + 1
