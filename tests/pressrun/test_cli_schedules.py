"""The commands about schedules: each by an id or by a name that only one has."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from typer.testing import Result

from jobs.errors import InvalidInput
from pressrun.refusals import Refused
from tests.pressrun.scripted_service import BULK, Answer, ScriptedService

Invoke = Callable[..., Result]
SCHEDULES = "/api/schedules"
REASON = "5 firings in a row have failed: see what was wrong, mend it, and resume."


def schedule(number: int, name: str, **fields: Any) -> dict[str, Any]:
    return {
        "id": f"{number:024x}",
        "name": name,
        "template_id": f"{99:024x}",
        "cron": "0 6 * * 1",
        "time_zone": "Europe/Berlin",
        "missed": "run_once",
        "run_between": None,
        "state": "active",
        "pause_reason": None,
        "next_at": "2026-11-30T05:00:00.000Z",
        "created_at": "2026-11-03T10:00:00.000Z",
        "changed_at": "2026-11-03T10:00:00.000Z",
        **fields,
    }


TEAS, MILKS = schedule(1, "Teas"), schedule(2, "Milks")
URL = f"{SCHEDULES}/{1:024x}"


@pytest.fixture(autouse=True)
def _listed(service: ScriptedService) -> None:
    service.answers("GET", SCHEDULES, {"schedules": [TEAS, MILKS]})


def test_schedules_are_listed_with_when_they_fire(invoke: Invoke, service: ScriptedService) -> None:
    hours = {"from": "22:00", "to": "06:00"}
    stopped = schedule(3, "Red\x1b[31m", state="paused", next_at=None, pause_reason=REASON, run_between=hours)
    service.answers("GET", SCHEDULES, {"schedules": [TEAS, stopped]})
    result = invoke("schedules", "list")
    assert result.exit_code == 0
    first, second = result.stdout.splitlines()[1:]
    assert [first.split()[0], *first.split()[1:2]] == [TEAS["id"], "active"]
    assert "0 6 * * 1 in Europe/Berlin" in first
    assert first.endswith("Teas")
    assert "paused itself" in second
    assert "0 6 * * 1 in Europe/Berlin, 22:00 to 06:00" in second
    assert "\x1b" not in result.stdout


def test_the_list_as_json_is_what_was_answered(invoke: Invoke) -> None:
    assert json.loads(invoke("schedules", "list", "--json").stdout) == {"schedules": [TEAS, MILKS]}


def test_without_schedules_it_is_said_where_they_are_made(invoke: Invoke, service: ScriptedService) -> None:
    service.answers("GET", SCHEDULES, {"schedules": []})
    assert "the page /schedules makes one" in invoke("schedules", "list").stdout


@pytest.mark.parametrize("which", ["Teas", TEAS["id"]])
def test_one_is_shown_with_its_next_firings(invoke: Invoke, service: ScriptedService, which: str) -> None:
    coming = [f"2026-12-0{day}T05:00:00.000Z" for day in range(1, 6)]
    paused = schedule(1, "Teas", state="paused", pause_reason=REASON)
    answer = {"schedule": paused, "next_firings": coming}
    service.answers("GET", URL, answer, answer)
    shown = invoke("schedules", "show", which).stdout.splitlines()
    assert shown[:2] == [
        "Teas  (paused itself; 0 6 * * 1 in Europe/Berlin)",
        f"It has paused itself: {REASON}",
    ]
    assert len(shown) == 7
    assert json.loads(invoke("schedules", "show", which, "--json").stdout) == answer


def test_one_is_paused_and_resumed_by_its_name(invoke: Invoke, service: ScriptedService) -> None:
    for verb in ("pause", "resume"):
        service.answers("POST", f"{URL}/{verb}", {"success": True, "schedule": TEAS, "next_firings": []})
    assert invoke("schedules", "pause", "Teas").stdout == "The schedule Teas is paused.\n"
    assert invoke("schedules", "resume", "Teas").stdout.startswith("The schedule Teas fires next at 2026-11-")


def test_one_is_run_now_and_its_bulk_is_told(invoke: Invoke, service: ScriptedService) -> None:
    firing = {"id": "x", "outcome": "fired", "bulk_job_id": BULK, "total_items": 10}
    service.answers("POST", f"{URL}/run", {"success": True, "firing": firing})
    result = invoke("schedules", "run", "Teas")
    assert f"Bulk {BULK} is queued: 10 articles." in result.stdout
    assert f"pressrun status {BULK} --watch --url {service.url}" in result.stdout


def test_a_run_that_is_refused_is_not_asked_again(invoke: Invoke, service: ScriptedService) -> None:
    service.answers("POST", f"{URL}/run", Answer({"error": "There is no such template."}, 404))
    result = invoke("schedules", "run", "Teas")
    assert isinstance(result.exception, Refused)
    assert len(service.asked_for("POST", f"{URL}/run")) == 1


def test_one_is_removed_when_that_is_meant(invoke: Invoke, service: ScriptedService) -> None:
    service.answers("DELETE", URL, {"success": True, "message": "Schedule removed"})
    assert invoke("schedules", "remove", "Teas").exit_code == 1
    assert service.asked_for("DELETE", URL) == []
    assert invoke("schedules", "remove", "Teas", "--yes").stdout == "The schedule Teas is removed.\n"


def test_what_names_none_or_several_is_a_sentence(invoke: Invoke, service: ScriptedService) -> None:
    twice = {"schedules": [TEAS, schedule(3, "Teas")]}
    service.answers("GET", SCHEDULES, twice, twice)
    for which, said in (
        ("teas", "There is no schedule 'teas': `pressrun schedules list` shows them."),
        ("Teas", "2 schedules are called 'Teas': name one by its id."),
    ):
        result = invoke("schedules", "pause", which)
        assert isinstance(result.exception, InvalidInput)
        assert str(result.exception) == said
