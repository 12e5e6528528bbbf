"""The file on the page of a new bulk: read, its columns named by a person, and shown before it is sent.

How files are read is known in `service/uploads/uploading.py`; nothing is stored.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from starlette.datastructures import UploadFile

from jobs.documents import MODES
from service.pages.carrying import packed, unpacked
from service.pages.labels import label
from service.pages.wording import plural
from service.uploads.intake.mapping import FIELDS
from service.uploads.uploading import Upload, read_upload

COLUMN = "column."
GUESSED, NONE = "guess", "="
"""What stands for a column that nobody named, and for none; a named one stands after a `=`."""

MOST_ROWS = 8
MOST_SHOWN = 7
LONGEST_CELL = 90


@dataclass(frozen=True)
class Chosen:
    """`carried` is the file as a field of the page; None where it is too large for that."""

    name: str
    carried: str | None
    upload: Upload


@dataclass(frozen=True)
class Choice:
    """Which column a field of the articles is read from."""

    name: str
    label: str
    options: Sequence[tuple[str, str]]
    chosen: str


@dataclass(frozen=True)
class Preview:
    """The first articles; `rows` have the place in the file first, a number of what `counted` says. `more` is how many
    are not shown."""

    counted: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    more: int


async def chosen_file(form: Mapping[str, str], file: UploadFile | None, mode: str) -> Chosen | None:
    """The file that was just chosen, else the one that the page carries; None where there is neither.

    Raises `InvalidInput` for one that cannot be read, and `NotReady`.
    """
    if file is not None:
        name, data = file.filename or "", await file.read()
    elif "carried" in form:
        name, data = form.get("filename", ""), unpacked(form["carried"])
    else:
        return None
    same = form.get("filename") == name
    columns = _named(form) if same else {}
    upload = await read_upload(
        data, filename=name, mode=mode, columns=columns, sheet=form.get("sheet") if same else None
    )
    return Chosen(name, packed(data), upload)


def choices(upload: Upload, form: Mapping[str, str], mode: str) -> Sequence[Choice]:
    """None for a file that names its fields itself, as JSON does."""
    return [_choice(name, upload, form) for name in fields_in(mode)] if upload.header else []


def fields_in(mode: str) -> Sequence[str]:
    """The fields that an article of this mode may have a column for: first what it is about."""
    about = MODES.get(mode, ())
    of_others = {name for names in MODES.values() for name in names} - {*about, "keywords"}
    hidden = of_others | (set() if mode == "trends" else {"region"})
    return [*about, *(name for name in FIELDS if name not in hidden and name not in about)]


def told(upload: Upload) -> str:
    """What was read, in a sentence."""
    kinds = {"shopify": "a product export of Shopify", "jsonl": "JSON Lines"}
    kind = kinds.get(upload.source, upload.source.upper())
    sheet = f", sheet “{upload.sheet}”" if upload.sheet else ""
    encoding = f", {upload.encoding}" if upload.encoding and upload.encoding != "utf-8" else ""
    return f"{plural(len(upload.items), 'article')} read of {kind}{sheet}{encoding}."


def preview(upload: Upload) -> Preview:
    flat = [dict(_flat(item)) for item in upload.items[:MOST_ROWS]]
    names = list(dict.fromkeys(name for item in flat for name in item))[:MOST_SHOWN]
    in_lines = all(place.startswith("rows.") for place in upload.places[:1])
    rows = []
    for place, item in zip(upload.places, flat, strict=False):
        number = int(place.rpartition(".")[2])
        rows.append([f"{number if in_lines else number + 1:,}", *(item.get(name, "") for name in names)])
    counted = "Article" if not in_lines else "Row" if upload.sheet else "Line"
    return Preview(counted, [label(name) for name in names], rows, len(upload.items) - len(rows))


def _named(form: Mapping[str, str]) -> dict[str, str]:
    given = {name.removeprefix(COLUMN): text for name, text in form.items() if name.startswith(COLUMN)}
    return {name: text.removeprefix(NONE).strip() for name, text in given.items() if text.startswith(NONE)}


def _choice(name: str, upload: Upload, form: Mapping[str, str]) -> Choice:
    given = form.get(COLUMN + name, GUESSED)
    found = upload.columns.get(name)
    guess = "Guess it" if given != GUESSED else f"{_short(found)} (guessed)" if found else "None is like it"
    options = [
        (GUESSED, guess),
        (NONE, "No column"),
        *((f"{NONE}{column}", _short(column)) for column in upload.header),
    ]
    chosen = given if any(given == value for value, _ in options) else GUESSED
    return Choice(COLUMN + name, label(name), options, chosen)


def _flat(item: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for name, value in item.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
            yield prefix + name, _short(" ".join(text.split()))


def _short(text: str) -> str:
    return text if len(text) <= LONGEST_CELL else text[: LONGEST_CELL - 1] + "…"
