"""Between the forms of webhook endpoints and the bodies of requests. Nothing is judged here but by those bodies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from pydantic import ValidationError

from jobs.errors import InvalidInput
from jobs.events import EventType
from service.pages.marking import Marked, marked, of_field
from service.pages.request_form import moment_of
from service.pages.wording import event
from service.rules.request_rules import NOT_VALID
from service.schemas.values import Body
from service.schemas.webhook_models import DEFAULT_EVENTS, EndpointChange, EndpointCreate, EndpointState, ReplayRange
from service.wire.faults import faults_of

B = TypeVar("B", bound=Body)
EVENT = "events."
ALL = "all"
KINDS: Sequence[tuple[str, str, str]] = [(EVENT + kind.value, kind.value, event(kind.value)) for kind in EventType]
"""Of each type the name of its field, its own, and how it reads."""

FIRST: Mapping[str, str] = {EVENT + kind.value: "on" for kind in DEFAULT_EVENTS}
"""As the form of a new endpoint is shown."""


def values_of(endpoint: EndpointState) -> dict[str, str]:
    """As the form shows it."""
    chosen = {EVENT + kind: "on" for kind in endpoint.events}
    return {"url": endpoint.url, "description": endpoint.description, **chosen}


def create_wanted(form: Mapping[str, str]) -> EndpointCreate:
    """Raises `InvalidInput`."""
    return _read(EndpointCreate, _body(form))


def change_wanted(form: Mapping[str, str], before: EndpointState) -> dict[str, Any]:
    """What is not as it was: an address that stays is not judged anew. Raises `InvalidInput`."""
    said = _read(EndpointChange, _body(form)).model_dump()
    return {name: value for name, value in said.items() if value is not None and value != getattr(before, name)}


def replay_wanted(form: Mapping[str, str]) -> ReplayRange:
    """`which` is all, or only what was not delivered. Raises `InvalidInput`."""
    moments = {name: moment_of(form, name) for name in ("since", "until") if name in form}
    return _read(ReplayRange, {"since": "", **moments, "only_failed": form.get("which") != ALL})


def what_is_wrong(error: InvalidInput) -> Marked:
    return marked(of_field(fault.path, fault.message) for fault in error.faults)


def _body(form: Mapping[str, str]) -> dict[str, Any]:
    chosen = [name.removeprefix(EVENT) for name in form if name.startswith(EVENT)]
    return {"url": form.get("url", ""), "description": form.get("description", ""), "events": chosen}


def _read(body: type[B], said: Mapping[str, Any]) -> B:
    try:
        return body.model_validate(said)
    except ValidationError as error:
        faults = faults_of([{**one, "loc": ("body", *one["loc"])} for one in error.errors()])
        raise InvalidInput(NOT_VALID, faults) from None
