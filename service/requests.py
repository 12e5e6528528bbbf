"""What clients may ask for: request bodies, and their rules that no single field can tell. Nothing is stored here."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal

from pydantic import (
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    StrictInt,
    StringConstraints,
    Tag,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)
from pydantic_core import InitErrorDetails, PydanticCustomError

from jobs.controls import PauseMode
from jobs.documents import ITEM_FIELDS, MODES, BulkRequest, job_fields
from jobs.errors import Fault, InvalidInput

MAX_FAULTS = 50
MOST_ITEMS = 10_000
"""The most that any settings allow in a bulk."""

MAX_EXTRA_BYTES = 100_000
NOT_YET = "not available yet"
NOT_YET_OF_BULK = (
    "priority",
    "parallelism",
    "stagger_ms",
    "deadline",
    "pipeline",
    "budget",
    "failure_policy",
    "notify",
)
NOT_YET_OF_ITEM = ("components", "dedupe")
NOT_YET_OF_RETRY = ("from_stage",)
RESERVED = (job_fields() | {"job_id"}) - set(ITEM_FIELDS)

Mode = Literal["topic", "keywords", "trends", "spin"]
Short = Annotated[str, StringConstraints(strict=True, strip_whitespace=True, min_length=1, max_length=200)]
Line = Annotated[str, StringConstraints(strict=True, strip_whitespace=True, min_length=1, max_length=2_000)]
Text = Annotated[str, StringConstraints(strict=True, min_length=1, max_length=100_000)]
Url = Annotated[str, StringConstraints(strict=True, max_length=2_000, pattern=r"^https?://[^\s/?#]+\S*$")]
Count = Annotated[StrictInt, Field(ge=0, le=2**53)]
Seconds = Annotated[float, Field(strict=True, ge=0, le=3600, allow_inf_nan=False)]


def _text_or_list(value: object) -> str | None:
    return "$text" if isinstance(value, str) else "$list" if isinstance(value, list) else None


Keywords = Annotated[
    Annotated[Line, Tag("$text")] | Annotated[list[Short], Field(min_length=1, max_length=100), Tag("$list")],
    Discriminator(_text_or_list, custom_error_type="keywords", custom_error_message="must be text or a list of texts"),
]


def _dated(value: object) -> object:
    """Only ISO 8601: pydantic would also take a number, as seconds or as milliseconds by its size."""
    if not isinstance(value, str) or "-" not in value[1:]:
        raise PydanticCustomError("moment", "must be a date and time as ISO 8601 text, with its offset from UTC")
    return value


Moment = Annotated[AwareDatetime, BeforeValidator(_dated)]


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class ItemMetadata(Body):
    sku_count: Count | None = None
    monthly_searches: Count | None = None
    content_status: Literal["missing", "outdated", "current"] | None = None


class ItemCreate(BaseModel):
    """One article. Fields that are not declared here are passed on to the generator as they are."""

    model_config = ConfigDict(extra="allow")

    topic: Line | None = None
    keywords: Keywords | None = None
    trend: Line | None = None
    region: Short | None = None
    source_text: Text | None = None
    source_url: Url | None = None
    word_count: Annotated[StrictInt, Field(ge=50, le=10_000)] | None = None
    tone: Short | None = None
    language: Short | None = None
    brand_voice: Text | None = None
    page_type: Literal["product", "category", "brand", "inspire", "engage"] | None = None
    target_url: Url | None = None
    external_id: Short | None = None
    metadata: ItemMetadata | None = None
    context: Text | None = None

    def stored(self) -> dict[str, Any]:
        """As `BulkRequest` wants it: declared fields, and the others under `params`."""
        declared = self.model_dump(include=set(type(self).model_fields), exclude_none=True)
        return {"language": "en", **declared, "params": self.model_extra or {}}


def _items(value: object, handler: ValidatorFunctionWrapHandler) -> object:
    """One by one until there are faults enough: Pydantic alone takes a minute to list those of a million wrong items.

    Of more items than any bulk may have the rest is not looked at; `bulk_request` refuses them for their count.
    """
    if not isinstance(value, list):
        return handler(value)
    items = []
    faults: list[InitErrorDetails] = []
    for position, item in enumerate(value[: MOST_ITEMS + 1]):
        try:
            items.append(ItemCreate.model_validate(item))
        except ValidationError as error:
            for found in error.errors(include_url=False, include_input=False):
                kind = PydanticCustomError(found["type"], "{said}", {"said": found["msg"]})
                faults.append(InitErrorDetails(type=kind, loc=(position, *found["loc"]), input=None))
        if len(faults) >= MAX_FAULTS:
            break
    if faults:
        raise ValidationError.from_exception_data("items", faults)
    return items


class BulkCreate(Body):
    mode: Mode
    items: Annotated[list[ItemCreate], WrapValidator(_items)]
    name: Short | None = None
    tenant: Short | None = None
    metadata: dict[str, Any] | None = None
    delay_seconds: Seconds | None = None
    max_retries: Annotated[StrictInt, Field(ge=0, le=20)] | None = None
    priority: Any = None
    parallelism: Any = None
    stagger_ms: Any = None
    deadline: Any = None
    pipeline: Any = None
    budget: Any = None
    failure_policy: Any = None
    notify: Any = None


class JobCreate(ItemCreate):
    """One article with its mode."""

    mode: Mode


class BulkPause(Body):
    mode: PauseMode = PauseMode.FINISH
    reason: Line | None = None
    until: Moment | None = None


class BulkChange(Body):
    name: Short | None = None
    delay_seconds: Seconds | None = None
    priority: Any = None
    parallelism: Any = None
    stagger_ms: Any = None
    budget: Any = None
    notify: Any = None


class JobRetry(Body):
    from_stage: Any = None


class LimitsChange(BaseModel):
    """A null `max_running` takes the cap off."""

    model_config = ConfigDict(extra="allow")

    max_running: Annotated[StrictInt, Field(ge=1, le=10_000)] | None = None


@dataclass(frozen=True)
class BulkRules:
    """The settings' limits and defaults for a bulk."""

    min_items: int
    max_items: int
    delay: timedelta
    max_retries: int


def bulk_request(body: BulkCreate, rules: BulkRules) -> BulkRequest:
    """Raises `InvalidInput` with a path for every fault."""
    wrong_count = not rules.min_items <= len(body.items) <= rules.max_items
    summary = "The request is not valid."
    faults = not_yet(body, NOT_YET_OF_BULK)
    if wrong_count:
        span = f"{rules.min_items}-{rules.max_items}" if rules.min_items < rules.max_items else f"{rules.max_items}"
        summary = f"Bulk generation requires {span} items"
        has = len(body.items)
        faults.append(Fault("items", f"has {has}" if has <= MOST_ITEMS else f"has more than {MOST_ITEMS}"))
    if _size(body.metadata) > MAX_EXTRA_BYTES:
        faults.append(Fault("metadata", f"must have less than {MAX_EXTRA_BYTES} bytes"))
    for position, item in enumerate(body.items):
        faults += _item_faults(body.mode, item, f"items.{position}.")
        if len(faults) >= MAX_FAULTS:
            break
    if faults:
        raise InvalidInput(summary, tuple(faults[:MAX_FAULTS]))
    return BulkRequest(
        mode=body.mode,
        items=[item.stored() for item in body.items],
        name=body.name,
        tenant=body.tenant,
        metadata=body.metadata,
        max_retries=rules.max_retries if body.max_retries is None else body.max_retries,
        delay=rules.delay if body.delay_seconds is None else timedelta(seconds=body.delay_seconds),
    )


def single_request(body: JobCreate, rules: BulkRules) -> BulkRequest:
    """A bulk of one. Raises `InvalidInput`."""
    faults = _item_faults(body.mode, body, "")
    if faults:
        raise InvalidInput("The request is not valid.", tuple(faults))
    item = body.stored()
    item.pop("mode")
    return BulkRequest(mode=body.mode, items=[item], kind="single", max_retries=rules.max_retries, delay=rules.delay)


def not_yet(body: BaseModel, names: Sequence[str]) -> list[Fault]:
    """A field whose feature is not there yet is refused, never ignored (spec §2)."""
    return [Fault(name, NOT_YET) for name in names if getattr(body, name) is not None]


def check_available(body: BaseModel, names: Sequence[str]) -> None:
    """Raises `InvalidInput` for a field whose feature is not there yet."""
    faults = not_yet(body, names)
    if faults:
        raise InvalidInput("The request is not valid.", tuple(faults))


def changes_of(body: BulkChange) -> Mapping[str, Any]:
    """Raises `InvalidInput` for a change of nothing."""
    check_available(body, tuple(name for name in NOT_YET_OF_BULK if name in BulkChange.model_fields))
    changes = body.model_dump(include={"name", "delay_seconds"}, exclude_unset=True, exclude_none=True)
    if not changes:
        raise InvalidInput("The request is not valid.", (Fault("", "name something to change: name, delay_seconds"),))
    return changes


def check_until(until: datetime | None, now: datetime) -> datetime | None:
    """Raises `InvalidInput` for a moment that is past, or too far away to be written in UTC."""
    if until is None:
        return None
    if until <= now:
        raise InvalidInput("The request is not valid.", (Fault("until", "must be in the future"),))
    try:
        return until.astimezone(UTC)
    except OverflowError:
        raise InvalidInput("The request is not valid.", (Fault("until", "must be before the year 10000"),)) from None


def body_hash(body: BaseModel) -> str:
    """The same for two bodies that say the same, however they are written."""
    said = json.dumps(body.model_dump(mode="json", exclude_unset=True), sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(said.encode()).hexdigest()


def _item_faults(mode: str, item: ItemCreate, path: str) -> list[Fault]:
    faults = []
    needed = MODES[mode]
    if not any(_says_something(getattr(item, name)) for name in needed):
        faults.append(Fault(path + needed[0], f"is required in mode {mode} ({' or '.join(needed)})"))
    extra = item.model_extra or {}
    for name, value in extra.items():
        if name in NOT_YET_OF_ITEM and value is not None:
            faults.append(Fault(path + name, NOT_YET))
        elif name in RESERVED:
            faults.append(Fault(path + name, "is a field of Pressrun's own: an item cannot set it"))
        elif len(name) > 100:
            faults.append(Fault(path + name[:100], "a field's name must have at most 100 characters"))
    if extra and _size(extra) > MAX_EXTRA_BYTES:
        faults.append(Fault(path.rstrip("."), f"undeclared fields must have less than {MAX_EXTRA_BYTES} bytes in all"))
    return faults


def _says_something(value: object) -> bool:
    return bool(value.strip() if isinstance(value, str) else value)


def _size(value: object) -> int:
    return len(json.dumps(value)) if value is not None else 0
