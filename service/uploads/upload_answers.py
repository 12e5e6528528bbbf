"""What the API answers about a file that was uploaded and not submitted. Nothing is made here."""

from __future__ import annotations

from typing import Any

from typing_extensions import TypeAliasType

from service.schemas.answers import ErrorDetail, Forecast, Model
from service.uploads.intake.items import Source

FileFormat = TypeAliasType("FileFormat", Source)


class UploadFault(ErrorDetail):
    """`row`: in which line of the file, or row of the sheet; null where it is in no single one."""

    row: int | None


class UploadRead(Model):
    """`items` are the first 50, `rows` where each stands in the file (null in JSON); `columns` is the column of each
    field, as named or guessed. `header`, `columns` and `unused` are empty for JSON, `encoding` is null for a
    workbook, `sheet` for everything else."""

    valid: bool
    errors: list[UploadFault]
    estimate: Forecast | None
    total_items: int
    items: list[dict[str, Any]]
    rows: list[int | None]
    format: FileFormat
    encoding: str | None
    sheet: str | None
    other_sheets: list[str]
    header: list[str]
    columns: dict[str, str]
    unused: list[str]
