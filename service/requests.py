"""What clients may say: one model a request body. What no single field can tell is in `request_rules`."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StrictBool,
    StrictInt,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)
from pydantic_core import InitErrorDetails, PydanticCustomError

from jobs.controls import PauseMode
from service.notify_rules import NotifyGiven
from service.pipeline_requests import Components, IdeaGiven, PipelineOptions, Source, Templates
from service.values import (
    MOST_ITEMS,
    Body,
    Cost,
    Count,
    Keywords,
    Line,
    Milliseconds,
    Mode,
    Moment,
    Parallelism,
    Percent,
    PriorityGiven,
    Seconds,
    Short,
    Some,
    Text,
    Url,
)

MAX_FAULTS = 50
PASSED_ON = ("idea", "skip_quality_check")
"""Fields of an item that are checked here, and stand among its `params`."""


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
    components: Components | None = None
    idea: IdeaGiven | None = None
    skip_quality_check: StrictBool | None = None

    def stored(self) -> dict[str, Any]:
        """As `BulkRequest` wants it: declared fields, and the others under `params`."""
        declared = self.model_dump(include=set(ItemCreate.model_fields), exclude_none=True)
        passed_on = {name: declared.pop(name) for name in PASSED_ON if name in declared}
        return {"language": "en", **declared, "params": passed_on | (self.model_extra or {})}


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


Items = Annotated[list[ItemCreate], WrapValidator(_items)]


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
    """`mode` and `items`; or, with the pipeline `formats`, `source` and `templates` instead of both.

    Without a priority, it is computed from the items' metadata and the deadline.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "anyOf": [{"required": ["mode", "items"]}, {"required": ["pipeline", "source", "templates"]}]
        }
    )

    mode: Mode | None = None
    items: Items | None = None
    pipeline: Short | None = None
    options: PipelineOptions | None = None
    source: Source | None = None
    templates: Templates | None = None
    processing_mode: Short | None = None
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
    notify: NotifyGiven | None = None


class BulkDraft(BulkCreate):
    """A `BulkCreate` of which anything may still be missing."""

    model_config = ConfigDict(json_schema_extra={})


class JobCreate(ItemCreate):
    """One article with its mode and its pipeline."""

    mode: Mode
    pipeline: Short | None = None
    options: PipelineOptions | None = None


class BulkPause(Body):
    mode: PauseMode = PauseMode.FINISH
    reason: Line | None = None
    until: Moment | None = None


class BulkChange(Body):
    """A null `budget` or `notify` takes it off; any other null changes nothing."""

    name: Short | None = None
    delay_seconds: Seconds | None = None
    priority: PriorityGiven | None = None
    parallelism: Parallelism | None = None
    stagger_ms: Milliseconds | None = None
    budget: BudgetGiven | None = None
    notify: NotifyGiven | None = None
