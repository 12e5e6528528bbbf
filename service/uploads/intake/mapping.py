"""Finds which column of a table is which field of an item; the cells themselves are not looked at."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence, Set
from typing import Final

from jobs.errors import InvalidInput
from service.uploads.intake.faults import Faults

# At least one of these is what an item of the mode is about.
REQUIRED: Final[Mapping[str, tuple[str, ...]]] = {
    "topic": ("topic",),
    "keywords": ("keywords",),
    "trends": ("trend",),
    "spin": ("source_text", "source_url"),
}
_OWN: Final[Mapping[str, tuple[str, ...]]] = {**REQUIRED, "trends": ("trend", "region")}
_COMMON: Final = (
    "keywords",
    "word_count",
    "tone",
    "language",
    "brand_voice",
    "page_type",
    "target_url",
    "external_id",
    "metadata.sku_count",
    "metadata.monthly_searches",
    "metadata.content_status",
)
# The better name first. Names that are common for something else (type, status, voice, length) are left out.
_HEADERS: Final[Mapping[str, tuple[str, ...]]] = {
    "topic": (
        *(
            "topic",
            "article topic",
            "subject",
            "title",
            "article title",
            "page title",
            "post title",
            "headline",
        ),
        *("product title", "product name", "h1", "name"),
    ),
    "keywords": (
        *("keywords", "keyword", "target keywords", "target keyword", "primary keyword", "focus keyword"),
        *("focus keyphrase", "seo keywords", "search term", "search terms", "query", "tags"),
    ),
    "trend": (
        "trend",
        "trends",
        "trending topic",
        "trending search",
        "top trends",
        "query",
        "search term",
        "topic",
    ),
    "region": ("region", "country", "geo", "location", "market"),
    "source_text": (
        "source text",
        "source",
        "original text",
        "article text",
        "text",
        "content",
        "body",
        "article",
    ),
    "source_url": ("source url", "source link", "original url", "article url", "article link", "url", "link"),
    "word_count": (
        "word count",
        "words",
        "number of words",
        "target word count",
        "target length",
        "article length",
    ),
    "tone": ("tone", "tone of voice", "writing tone"),
    "language": ("language", "lang", "locale", "language code"),
    "brand_voice": ("brand voice", "brand tone"),
    "page_type": ("page type",),
    "target_url": (
        "target url",
        "destination url",
        "landing page",
        "landing page url",
        "page url",
        "url",
        "link",
    ),
    "external_id": ("external id", "id", "sku", "handle", "product id", "item id", "reference", "slug"),
    "metadata.sku_count": ("sku count", "skus", "number of skus", "product count", "number of products"),
    "metadata.monthly_searches": (
        *("monthly searches", "avg monthly searches", "average monthly searches", "monthly search volume"),
        *("search volume", "volume", "msv"),
    ),
    "metadata.content_status": ("content status",),
}
FIELDS: Final = (*_HEADERS, "context")
_COLUMNS_LISTED = 30


def check_mode(mode: str) -> None:
    """Raises InvalidInput for a mode there is none of."""
    if mode not in REQUIRED:
        raise InvalidInput(f"There is no mode '{mode}': {', '.join(REQUIRED)} are the modes.")


def named(header: Sequence[str], columns: Mapping[str, str], faults: Faults) -> dict[str, str]:
    """The columns a person named, by field, as the file spells them; an empty name stands for none."""
    found: dict[str, str] = {}
    for field, wanted in columns.items():
        path = f"columns.{field}"
        if field not in FIELDS:
            faults.add(path, f"an item has no field '{field}'; the fields are: {', '.join(FIELDS)}")
        elif not wanted.strip():
            found[field] = ""
        elif (column := _find(header, wanted)) is None:
            faults.add(path, f"there is no column '{wanted}'; the columns are: {listed(header)}")
        else:
            found[field] = column
    return found


def guess(header: Sequence[str], mode: str, known: Mapping[str, str]) -> dict[str, str]:
    """The known columns, and for the mode's other fields those whose header says so, each for one field."""
    result = dict(known)
    spelled: dict[str, list[str]] = {}
    for column in header:
        spelled.setdefault(_spelling(column), []).append(column)
    free = set(header) - set(known.values())
    for field in dict.fromkeys((*_OWN[mode], *_COMMON)):
        if field in known:
            continue
        candidates = (column for name in (field, *_HEADERS[field]) for column in spelled.get(_spelling(name), ()))
        taken = next((column for column in candidates if column in free), None)
        if taken is not None:
            result[field] = taken
            free.discard(taken)
    return {field: column for field, column in result.items() if column}


def require(header: Sequence[str], mode: str, fields: Set[str], faults: Faults) -> None:
    """Adds a fault where none of the fields that the mode is about is among those that have a column."""
    wanted = REQUIRED[mode]
    if not fields.isdisjoint(wanted):
        return
    names = " or ".join(f"'{field}'" for field in wanted)
    faults.add(
        f"columns.{wanted[0]}",
        f"mode {mode} needs a column {names}: name it so in the header, or say which column it is; "
        f"the columns are: {listed(header)}",
    )


def listed(names: Iterable[str]) -> str:
    shown = [name if len(name) <= 60 else name[:60] + "…" for name in names]
    more = len(shown) - _COLUMNS_LISTED
    return ", ".join(shown[:_COLUMNS_LISTED]) + (f" and {more} more" if more > 0 else "")


def _find(header: Sequence[str], wanted: str) -> str | None:
    name = " ".join(wanted.split())
    if name in header:
        return name
    return next((column for column in header if column.casefold() == name.casefold()), None)


def _spelling(name: str) -> str:
    return re.sub(r"[\W_]", "", unicodedata.normalize("NFKC", name).casefold())
