"""What clients may say: one model a request body. What no single field can tell is in `request_rules`."""

from __future__ import annotations

from typing import Annotated, Any, Literal, get_args

from pydantic import (
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    StrictBool,
    StrictInt,
    StringConstraints,
    Tag,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WithJsonSchema,
    WrapValidator,
)
from pydantic_core import InitErrorDetails, PydanticCustomError

from jobs.controls import PauseMode
from jobs.priority import MOST_STEPS

MAX_FAULTS = 50
MOST_ITEMS = 10_000
"""The most that any settings allow in a bulk."""

Mode = Literal["topic", "keywords", "trends", "spin"]
Short = Annotated[str, StringConstraints(strict=True, strip_whitespace=True, min_length=1, max_length=200)]
Line = Annotated[str, StringConstraints(strict=True, strip_whitespace=True, min_length=1, max_length=2_000)]
Text = Annotated[str, StringConstraints(strict=True, min_length=1, max_length=100_000)]
Url = Annotated[str, StringConstraints(strict=True, max_length=2_000, pattern=r"^https?://[^\s/?#]+\S*$")]
Count = Annotated[StrictInt, Field(ge=0, le=2**53)]
Seconds = Annotated[float, Field(strict=True, ge=0, le=3600, allow_inf_nan=False)]
Cost = Annotated[float, Field(strict=True, gt=0, le=10_000_000, allow_inf_nan=False)]
Percent = Annotated[float, Field(strict=True, ge=0, le=100, allow_inf_nan=False)]
Parallelism = Annotated[StrictInt, Field(ge=1, le=1000)]
Milliseconds = Annotated[StrictInt, Field(ge=0, le=60_000)]
Some = Annotated[StrictInt, Field(ge=1, le=MOST_ITEMS)]


def _text_or_list(value: object) -> str | None:
    return "$text" if isinstance(value, str) else "$list" if isinstance(value, list) else None


Keywords = Annotated[
    Annotated[Line, Tag("$text")] | Annotated[list[Short], Field(min_length=1, max_length=100), Tag("$list")],
    Discriminator(_text_or_list, custom_error_type="keywords", custom_error_message="must be text or a list of texts"),
]


def _name_or_number(value: object) -> str | None:
    if isinstance(value, str):
        return "$name" if value in PRIORITY_NAMES else None
    return "$number" if isinstance(value, int | float) and not isinstance(value, bool) else None


PriorityName = Literal["high", "normal", "low"]
PRIORITY_NAMES = get_args(PriorityName)
PriorityGiven = Annotated[
    Annotated[PriorityName, Tag("$name")]
    | Annotated[float, Field(strict=True, ge=0, le=MOST_STEPS, allow_inf_nan=False), Tag("$number")],
    Discriminator(
        _name_or_number,
        custom_error_type="priority",
        custom_error_message=f"must be high, normal, low or a number from 0 to {MOST_STEPS}",
    ),
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
    dedupe: StrictBool | None = None
    metadata: ItemMetadata | None = None
    context: Text | None = None

    def stored(self) -> dict[str, Any]:
        """As `BulkRequest` wants it: declared fields, and the others under `params`."""
        declared = self.model_dump(include=set(type(self).model_fields), exclude_none=True)
        return {"language": "en", **declared, "params": self.model_extra or {}}


def _items(value: object, handler: ValidatorFunctionWrapHandler) -> object:
    """One by one until there are faults enough: Pydantic alone takes a minute to list those of a million wrong items.

    Of more items than any bulk may have the rest is not looked at; `request_rules` refuses them for their count.
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


class BudgetGiven(Body):
    """What all jobs may cost together, and what is set aside for each until its cost is known."""

    cost: Cost
    cost_per_job: Cost | None = None


class FailurePolicyGiven(Body):
    """When the bulk pauses itself: too many failed, or its first `canary` jobs have ended."""

    max_failed_percent: Percent | None = None
    min_items: Some = 10
    canary: Some | None = None


class BulkCreate(Body):
    """Without a priority, it is computed from the items' metadata and the deadline."""

    mode: Mode
    items: Annotated[list[ItemCreate], WrapValidator(_items)]
    name: Short | None = None
    tenant: Short | None = None
    metadata: dict[str, Any] | None = None
    delay_seconds: Seconds | None = None
    max_retries: Annotated[StrictInt, Field(ge=0, le=20)] | None = None
    priority: PriorityGiven | None = None
    parallelism: Parallelism | None = None
    stagger_ms: Milliseconds | None = None
    deadline: Moment | None = None
    budget: BudgetGiven | None = None
    failure_policy: FailurePolicyGiven | None = None
    pipeline: Any = None
    notify: Any = None


class JobCreate(ItemCreate):
    """One article with its mode."""

    mode: Mode


class BulkPause(Body):
    mode: PauseMode = PauseMode.FINISH
    reason: Line | None = None
    until: Moment | None = None


class BulkChange(Body):
    """A null `budget` takes it off; any other null changes nothing."""

    name: Short | None = None
    delay_seconds: Seconds | None = None
    priority: PriorityGiven | None = None
    parallelism: Parallelism | None = None
    stagger_ms: Milliseconds | None = None
    budget: BudgetGiven | None = None
    notify: Any = None


class JobRetry(Body):
    from_stage: Any = None


def _percent_of(value: object) -> object:
    return {"off": 0, "on": 100}.get(value, value) if isinstance(value, str) else value


# What a limit may be is said by `jobs.limits` alone: here is only what the OpenAPI document tells of it.
Whole = Annotated[Any, WithJsonSchema({"anyOf": [{"type": "integer"}, {"type": "null"}]})]
Amount = Annotated[Any, WithJsonSchema({"anyOf": [{"type": "number"}, {"type": "null"}]})]
Number = Annotated[Any, WithJsonSchema({"type": "number"})]
Switch = Annotated[
    Any, BeforeValidator(_percent_of), WithJsonSchema({"anyOf": [{"type": "integer"}, {"enum": ["on", "off"]}]})
]


class LimitsChange(BaseModel):
    """Null takes a limit off. `parallel` is `on`, `off`, or the percentage of tenants."""

    model_config = ConfigDict(extra="allow")

    max_running: Whole = None
    parallel: Switch = None
    requests_per_minute: Whole = None
    jobs_per_day: Whole = None
    cost_per_day: Amount = None
    tenant_max_running: Whole = None
    tenant_requests_per_minute: Whole = None
    tenant_jobs_per_day: Whole = None
    tenant_cost_per_day: Amount = None


class TenantLimitsChange(BaseModel):
    """Null takes the tenant's own limit off: then it has what every tenant has."""

    model_config = ConfigDict(extra="allow")

    weight: Number = None
    max_running: Whole = None
    requests_per_minute: Whole = None
    jobs_per_day: Whole = None
    cost_per_day: Amount = None
