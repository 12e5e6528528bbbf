"""What the page of a new bulk shows of a draft, and how a template or a bulk fills it. Nothing is judged here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from service.pages.drafts import WAYS, Draft, Found
from service.pages.keeping import NAME, Opened
from service.pages.marking import Filled
from service.pages.pasted import as_lines
from service.pages.request_form import FOR_EVERY_ITEM, OF_BULK, OPTIONS, shown
from service.pages.sending import new_key
from service.pages.upload import COLUMN, choices, preview, told
from service.pages.wording import plural

KEPT = tuple(name for name in (*OF_BULK, *OPTIONS, "pipeline") if name != "deadline")
"""The deadline was that of the first time."""


def prefilled(of: Opened, way: str) -> dict[str, str]:
    """Its articles as lines, if these say all of them; else they stay where they are. With `way` lines, its settings
    alone."""
    body = of.body
    form = shown(body, KEPT) | {of.kind: of.id, "mode": body.get("mode") or "topic"}
    form |= {NAME: of.name} if of.kind == "template" else {}
    if way == "lines" or not of.items:
        return {"from": "lines", **form}
    lines = as_lines(of.items, form["mode"])
    if lines is None:
        return {"from": "template", **form}
    text, common = lines
    return {"from": "lines", "lines": text, **shown(common, FOR_EVERY_ITEM), **form}


def way_of(f: Filled) -> str:
    return f.value("from") if f.value("from") in WAYS else WAYS[0]


def shown_of(f: Filled, draft: Draft | None, found: Found | None) -> Mapping[str, Any]:
    return {
        "way": way_of(f),
        "key": f.value("key") or new_key(),
        "checked": found is not None and not f.wrong.listed,
        "estimate": found.estimate if found else None,
        "settings_open": any(name in f.values for name in OF_BULK if name != "name"),
        "count": draft.count if draft else 0,
        "preview": preview(draft.upload) if draft and draft.upload and draft.count and draft.way != "lines" else None,
        **_of_file(f, draft),
    }


def _of_file(f: Filled, draft: Draft | None) -> Mapping[str, Any]:
    if draft is None or draft.upload is None or draft.chosen is None:
        return {"chosen": None}
    upload = draft.upload
    return {
        "chosen": draft.chosen,
        "told": told(upload),
        "sheets": [(name, name) for name in (upload.sheet, *upload.other_sheets)],
        "columns": choices(upload, f.values, draft.mode),
        "columns_named": plural(len(upload.columns), "column"),
        "columns_open": any(name.startswith(COLUMN) for name in f.faults),
    }
