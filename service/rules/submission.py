"""From a body to a request that may be stored: by the rules, and by what the database knows. Nothing is stored here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

from pydantic import ValidationError

from jobs.documents import BulkRequest, UserId, notify_as_stored
from jobs.errors import Fault, InvalidInput, NotFound
from jobs.estimation.history import forecast
from jobs.system import System
from service.auth.caller import Caller
from service.rules.bulk_rules import BulkRules
from service.rules.request_rules import bulk_request, changes_of, single_request
from service.schemas.answers import BulkValidated, ErrorDetail, Forecast
from service.schemas.requests import BulkChange, BulkCreate, JobCreate
from service.wire.faults import faults_of


async def bulk_wanted(body: BulkCreate, caller: Caller, parts: System, rules: BulkRules) -> BulkRequest:
    """Raises `InvalidInput` with a path for every fault."""
    request = bulk_request(body, rules, await parts.pipelines.all())
    notify = await rules.notify.of_bulk(body.notify, caller.email)
    return await _with_target(replace(request, notify=notify), caller.user, parts)


async def job_wanted(body: JobCreate, caller: Caller, parts: System, rules: BulkRules) -> BulkRequest:
    """A bulk of one. Raises `InvalidInput`."""
    return await _with_target(single_request(body, rules, await parts.pipelines.all()), caller.user, parts)


async def changes_wanted(body: BulkChange, caller: Caller, rules: BulkRules) -> Mapping[str, Any]:
    """As `Controls.change` wants them. Raises `InvalidInput` and `NotChangeable`."""
    changes = changes_of(body, rules)
    if "notify" not in body.model_fields_set:
        return changes
    return {**changes, "notify": notify_as_stored(await rules.notify.of_bulk(body.notify, caller.email))}


def body_read(body: object) -> BulkCreate:
    """A body that did not come through a route's own reading. Raises `InvalidInput`, as a route would."""
    try:
        return BulkCreate.model_validate(body)
    except ValidationError as error:
        faults = faults_of([{**item, "loc": ("body", *item["loc"])} for item in error.errors()])
        raise InvalidInput("The request is not valid.", faults) from None


async def tried(body: object, caller: Caller, parts: System, rules: BulkRules) -> BulkValidated:
    """What is wrong with the body of a request for a bulk; else what it may take, going by the last jobs like its."""
    try:
        request = await bulk_wanted(body_read(body), caller, parts, rules)
    except InvalidInput as error:
        errors = [ErrorDetail(path=fault.path, message=fault.message) for fault in error.faults]
        return BulkValidated(valid=False, errors=errors)
    return BulkValidated(valid=True, errors=[], estimate=await _estimate(request, caller.user, parts))


async def _estimate(request: BulkRequest, owner: UserId, parts: System) -> Forecast | None:
    usual = await parts.history.usual(request.pipeline.name, request.mode)
    if usual is None:
        return None
    tenant = request.tenant or str(owner)
    limits, workers = await parts.limits.read(), await parts.workers.alive()
    slots = sum(worker["slots"] for worker in workers)
    return Forecast(**asdict(forecast(request, tenant, usual, limits, slots)))


async def _with_target(request: BulkRequest, owner: UserId, parts: System) -> BulkRequest:
    """A target that is not registered would fail each job only after it was paid for."""
    name = request.options.get("publish_to")
    if name is not None:
        try:
            await parts.targets.find(owner, name)
        except NotFound:
            fault = Fault("options.publish_to", "there is no such target: register it at /api/targets")
            raise InvalidInput("The request is not valid.", (fault,)) from None
    return request
