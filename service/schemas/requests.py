"""What clients may say: one model a request body. What no single field can tell is in `request_rules`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    StrictBool,
    StrictInt,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, InitErrorDetails, PydanticCustomError
from typing_extensions import TypeAliasType

from jobs.controls import PauseMode
from jobs.pipelines import FORMATS
from service.schemas.hours_requests import BulkHoursGiven
from service.schemas.notify_rules import NotifyGiven
from service.schemas.pipeline_requests import Components, IdeaGiven, PipelineOptions, Source, Templates
from service.schemas.values import (
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
ContentStatus = TypeAliasType("ContentStatus", Literal["missing", "outdated", "current"])
PageType = TypeAliasType("PageType", Literal["product", "category", "brand", "inspire", "engage"])
ITEMS = ("mode", "items")
SOURCES = ("source", "templates")
PASSED_ON = ("idea", "skip_quality_check")
"""Fields of an item that are checked here, and stand among its `params`."""


class ItemMetadata(Body):
    sku_count: Count | None = None
    monthly_searches: Count | None = None
    content_status: ContentStatus | None = None


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
    page_type: PageType | None = None
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


class BulkDraft(Body):
    """A `BulkCreate` of which anything may still be missing."""

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
    run_between: BulkHoursGiven | None = None


class BulkCreate(BulkDraft):
    """`mode` and `items`; or, with the pipeline `formats`, `source` and `templates` instead of both.

    Without a priority, it is computed from the items' metadata and the deadline.
    """

    @classmethod
    def __get_pydantic_json_schema__(cls, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Two closed forms: with one that only names what is required beside it, a generated type knows nothing."""
        whole = handler.resolve_ref_schema(handler(core))
        fields = whole.pop("properties")
        closed = {name: whole.pop(name) for name in ("type", "additionalProperties")}
        formats = _form(fields, SOURCES, without=ITEMS) | {"pipeline": {"const": FORMATS.name, "type": "string"}}
        items = _form(fields, ITEMS, without=(*SOURCES, "processing_mode"))
        return whole | {
            "anyOf": [
                {**closed, "properties": items, "required": [*ITEMS]},
                {**closed, "properties": formats, "required": ["pipeline", *SOURCES]},
            ]
        }


def _form(fields: Mapping[str, Any], needed: Iterable[str], without: Iterable[str]) -> dict[str, Any]:
    """What is needed is not null either."""
    kept = {name: field for name, field in fields.items() if name not in without}
    return kept | {name: fields[name]["anyOf"][0] for name in needed}


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
    """A null `budget`, `notify` or `run_between` takes it off; any other null changes nothing."""

    name: Short | None = None
    delay_seconds: Seconds | None = None
    priority: PriorityGiven | None = None
    parallelism: Parallelism | None = None
    stagger_ms: Milliseconds | None = None
    budget: BudgetGiven | None = None
    notify: NotifyGiven | None = None
    run_between: BulkHoursGiven | None = None
