"""What clients may say about limits. What a limit may be is said by `jobs.capacity.limits` alone: here is only what
the OpenAPI document tells of it."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, WithJsonSchema


def _percent_of(value: object) -> object:
    return {"off": 0, "on": 100}.get(value, value) if isinstance(value, str) else value


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
    ideas_requests_per_minute: Whole = None
    images_requests_per_minute: Whole = None
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
