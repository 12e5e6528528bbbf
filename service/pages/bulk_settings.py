"""The form in which a bulk is changed while it runs: what it shows, and what it asks for. Nothing is changed here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from jobs.errors import Fault, InvalidInput
from service.pages.labels import LABELS as LABELS_OF_REQUESTS
from service.pages.request_form import TOLD, notify_of, shown
from service.schemas.answers import BulkJob
from service.schemas.requests import BulkChange
from service.schemas.values import PRIORITY_NAMES
from service.wire.faults import faults_of

WHOLE = ("parallelism", "stagger_ms")
OF_NOTIFY = tuple(f"notify.{name}" for name in TOLD)
OF_HOURS = ("run_between.from", "run_between.to", "run_between.time_zone")
NUMBERS = ("delay_seconds", *WHOLE, "budget.cost", "budget.cost_per_job")
LABELS: Mapping[str, str] = {
    "name": "Name",
    "priority": "Priority",
    "delay_seconds": "Delay",
    "parallelism": "At once",
    "stagger_ms": "Stagger",
    "budget.cost": "Budget",
    "budget.cost_per_job": "Cost of one article",
    **{name: LABELS_OF_REQUESTS[name] for name in (*OF_HOURS, *OF_NOTIFY)},
}
NOT_VALID = "Some of this cannot be taken."


def values_of(bulk: BulkJob) -> Mapping[str, str]:
    """As the form shows them."""
    budget, hours = bulk.budget, bulk.run_between
    between = (hours.since, hours.until, hours.time_zone) if hours else ("", "", "")
    notify = shown({"notify": bulk.notify.model_dump() if bulk.notify else {}}, OF_NOTIFY)
    return {
        "name": bulk.name or "",
        "priority": _text(bulk.priority),
        "delay_seconds": _text(bulk.delay_seconds),
        "parallelism": _text(bulk.parallelism),
        "stagger_ms": _text(bulk.stagger_ms),
        "budget.cost": _text(budget.cost) if budget else "",
        "budget.cost_per_job": _text(budget.cost_per_job) if budget else "",
        **dict(zip(OF_HOURS, between, strict=True)),
        **{name: notify.get(name, "") for name in OF_NOTIFY},
    }


def priorities(bulk: BulkJob) -> Sequence[tuple[str, str]]:
    """What may be chosen; a priority that is a number too, where it is one already."""
    own = [] if isinstance(bulk.priority, str) else [(_text(bulk.priority), _text(bulk.priority))]
    return [*own, *((name, name.capitalize()) for name in PRIORITY_NAMES)]


def change_wanted(form: Mapping[str, str], bulk: BulkJob) -> BulkChange | None:
    """What is not as it was; None where all is. Raises `InvalidInput`."""
    before = values_of(bulk)
    changed = {name for name, value in before.items() if form.get(name, "") != value}
    said = {name: form.get(name, "") for name in changed}
    emptied = [Fault(name, "must say something") for name in changed if not said[name] and "." not in name]
    if emptied:
        raise InvalidInput(NOT_VALID, tuple(emptied))
    body: dict[str, Any] = {name: _value(name, value) for name, value in said.items() if "." not in name}
    if any(name.startswith("budget.") for name in changed):
        body["budget"] = _budget(form)
    if any(name in OF_NOTIFY for name in changed):
        body["notify"] = notify_of(form)
    if any(name in OF_HOURS for name in changed):
        body["run_between"] = _between(form)
    if not body:
        return None
    try:
        return BulkChange.model_validate(body)
    except ValidationError as error:
        located = [{**found, "loc": ("form", *found["loc"])} for found in error.errors()]
        raise InvalidInput(NOT_VALID, faults_of(located)) from None


def at_fields(faults: Sequence[Fault]) -> Sequence[Fault]:
    """Each at the field of the form that it is of: what is wrong with one entry of a list, at the list's."""
    return [Fault(_field(fault.path), fault.message) for fault in faults]


def _field(path: str) -> str:
    return next((name for name in LABELS if path.startswith(f"{name}.")), path)


def _budget(form: Mapping[str, str]) -> dict[str, Any] | None:
    """Without a sum there is none."""
    given = {name: form[f"budget.{name}"] for name in ("cost", "cost_per_job") if f"budget.{name}" in form}
    return {name: _value(f"budget.{name}", value) for name, value in given.items()} if "cost" in given else None


def _between(form: Mapping[str, str]) -> dict[str, str] | None:
    """Without a time there are no hours, whatever the time zone."""
    given = {name.partition(".")[2]: form[name] for name in OF_HOURS if form.get(name)}
    return given if given.keys() - {"time_zone"} else None


def _value(name: str, text: str) -> str | float:
    if name in NUMBERS or (name == "priority" and not text.isalpha()):
        try:
            return int(text) if name in WHOLE else float(text)
        except ValueError:
            says = "must be a whole number" if name in WHOLE else "must be a number"
            raise InvalidInput(NOT_VALID, (Fault(name, says),)) from None
    return text


def _text(value: str | float) -> str:
    """To the last digit: what stays as it is shown is what it was."""
    return value if isinstance(value, str) else repr(value) if value != int(value) else str(int(value))
