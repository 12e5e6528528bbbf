"""What somebody has put together on the page of a new bulk: its articles, its settings, what is wrong with them.

Nothing is stored; what is right is judged by the rules of every other request.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from starlette.datastructures import UploadFile

from jobs.documents import MODES, BulkRequest
from jobs.errors import InvalidInput
from jobs.system import System
from service.auth.caller import Caller
from service.pages.marking import Mark, Marked, marked, of_article, of_field
from service.pages.pasted import items_in
from service.pages.request_form import fields_of_items, settings_of
from service.pages.upload import COLUMN, Chosen, chosen_file
from service.rules.bulk_rules import BulkRules
from service.schemas.answers import Forecast
from service.schemas.requests import BulkCreate
from service.uploads.uploading import FileFault, Upload, body_of, judged, wanted

WAYS = ("lines", "file", "template")
"""How the articles come: typed or pasted, in a file, or with a template."""

NO_LINES = "write one article a line"
NO_FILE = "choose a file"


@dataclass(frozen=True)
class Draft:
    """`own` are the articles before what holds for all of them, `common`, was added; `upload` has them whole, and where
    each came from. `chosen` is the file, `unread` what keeps the articles from being read at all."""

    way: str
    mode: str
    body: Mapping[str, Any]
    common: Mapping[str, Any]
    own: Sequence[Mapping[str, Any]] = ()
    upload: Upload | None = None
    chosen: Chosen | None = None
    unread: Sequence[Mark] = ()

    @property
    def count(self) -> int:
        return len(self.own)

    @property
    def has_unread_file(self) -> bool:
        """Or one of which not all could be read: what would be kept of it is not what was meant."""
        return self.way == "file" and (self.upload is None or bool(self.upload.faults))

    @property
    def anchor(self) -> str:
        """The field that the articles came by."""
        return self.way if self.way in WAYS else WAYS[0]


@dataclass(frozen=True)
class Found:
    """`estimate` only where nothing is wrong, and such articles were written of late."""

    wrong: Marked
    estimate: Forecast | None = None


async def draft_of(
    form: Mapping[str, str],
    file: UploadFile | None,
    of_template: Sequence[Mapping[str, Any]],
    parts: System,
) -> Draft:
    """`of_template` are the articles of the template that the form names. Raises `NotReady`."""
    way = form.get("from", "lines")
    mode = form.get("mode", "topic")
    settings = settings_of(form, await parts.pipelines.all())
    common = fields_of_items(form, mode)
    empty = Draft(way, mode, {**settings, "mode": mode}, common)
    chosen = None
    if mode not in MODES:
        return replace(empty, unread=[of_field("mode", "must be chosen")])
    if way == "file":
        try:
            chosen = await chosen_file(form, file, mode)
        except InvalidInput as error:
            return replace(empty, unread=[of_field("file", _sentence(error))])
        if chosen is None:
            return replace(empty, unread=[of_field("file", NO_FILE)])
        upload = chosen.upload
    elif way == "template":
        upload = _as_upload(of_template, [f"items.{place}" for place in range(len(of_template))])
    else:
        pasted = items_in(form.get("lines", ""), mode)
        if not pasted.items:
            return replace(empty, unread=[of_field("lines", NO_LINES)])
        upload = _as_upload(pasted.items, [f"rows.{line}" for line in pasted.lines])
    whole = replace(upload, items=[{**item, **_missing(common, item)} for item in upload.items])
    return replace(empty, body=body_of(whole, mode, settings), own=upload.items, upload=whole, chosen=chosen)


async def looked_through(draft: Draft, caller: Caller, parts: System, rules: BulkRules) -> Found:
    """What is wrong with it; else what it may take."""
    if draft.upload is None:
        return Found(marked(draft.unread))
    found = await judged(draft.upload, draft.body, caller, parts, rules)
    return Found(marked(_mark(fault, draft, rules) for fault in found.faults), found.estimate)


async def asked_for(
    draft: Draft, caller: Caller, parts: System, rules: BulkRules
) -> tuple[BulkCreate, BulkRequest] | None:
    """None where something is wrong, which `looked_through` tells."""
    if draft.upload is None:
        return None
    try:
        return await wanted(draft.upload, draft.body, caller, parts, rules)
    except InvalidInput:
        return None


def _missing(common: Mapping[str, Any], item: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in common.items() if name not in item}


def _as_upload(items: Sequence[Mapping[str, Any]], places: Sequence[str]) -> Upload:
    """So that one reading tells where the faults of all articles are, whatever they came by."""
    return Upload(
        items=items,
        places=places,
        source="jsonl",
        encoding=None,
        header=(),
        columns={},
        unused=(),
        sheet=None,
        other_sheets=(),
        faults=(),
    )


def _mark(fault: FileFault, draft: Draft, rules: BulkRules) -> Mark:
    root, _, rest = fault.path.partition(".")
    if fault.path == "items":
        wanted = f"{rules.min_items:,} to {rules.max_items:,}" if rules.min_items < rules.max_items else rules.max_items
        return of_field(draft.anchor, f"there are {draft.count:,}, and a bulk takes {wanted}")
    if root == "columns":
        return Mark(of_field(rest, fault.message).said, COLUMN + rest, fault.message)
    if root != "items":
        return (
            of_field(fault.path, fault.message)
            if root
            else of_article(_place(fault, draft), "", fault.message, draft.anchor)
        )
    place, _, path = rest.partition(".")
    name = path.partition(".")[0]
    number = int(place) if place.isdecimal() else 0
    if name in draft.common and number < draft.count and name not in draft.own[number]:
        return of_field(name, fault.message)
    return of_article(_place(fault, draft, number), path, fault.message, draft.anchor)


def _place(fault: FileFault, draft: Draft, number: int | None = None) -> str:
    if fault.row is not None:
        return f"{'Row' if draft.upload is not None and draft.upload.sheet else 'Line'} {fault.row:,}"
    return "The file" if number is None else f"Article {number + 1:,}"


def _sentence(error: InvalidInput) -> str:
    """With what is told beside it, of a file that cannot be read at all."""
    return " ".join([str(error), *(f"{fault.message}." for fault in error.faults[:3])])
