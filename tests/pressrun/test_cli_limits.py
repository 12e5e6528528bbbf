from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from typer.testing import Result

from jobs.errors import InvalidInput
from tests.pressrun.scripted_service import ScriptedService

Invoke = Callable[..., Result]
LIMITS = {"limits": {"max_running": 1, "parallel": 100, "cost_per_day": None}}
TENANT = {"tenant": "my shop/eu", "limits": {"weight": 1.0, "max_running": None}}


def test_all_limits_are_shown(invoke: Invoke, service: ScriptedService) -> None:
    service.answers("GET", "/api/limits", LIMITS)
    lines = [line.split() for line in invoke("limits").stdout.splitlines()]
    assert lines == [["LIMIT", "VALUE"], ["max_running", "1"], ["parallel", "on"], ["cost_per_day", "off"]]


def test_one_limit_is_shown(invoke: Invoke, service: ScriptedService) -> None:
    service.answers("GET", "/api/limits", LIMITS)
    assert invoke("limits", "parallel").stdout.split() == ["LIMIT", "VALUE", "parallel", "on"]


def test_the_limits_can_be_had_as_the_answer_of_the_api(invoke: Invoke, service: ScriptedService) -> None:
    service.answers("GET", "/api/limits", LIMITS)
    assert json.loads(invoke("limits", "--json").stdout) == LIMITS


@pytest.mark.parametrize(("text", "sent"), [("3", 3), ("0.5", 0.5), ("off", None), ("NaN", "NaN")])
def test_a_limit_is_changed(invoke: Invoke, service: ScriptedService, text: str, sent: object) -> None:
    service.answers("PATCH", "/api/limits", {"limits": {"max_running": sent}})
    result = invoke("limits", "max_running", text)
    assert result.stdout == f"max_running is now {text}.\n"
    assert service.asked[0].body == {"max_running": sent}


@pytest.mark.parametrize(("text", "sent", "answered"), [("on", "on", 100), ("off", "off", 0), ("25", 25, 25)])
def test_parallel_running_is_switched_on_off_or_for_a_part_of_the_tenants(
    invoke: Invoke, service: ScriptedService, text: str, sent: object, answered: int
) -> None:
    service.answers("PATCH", "/api/limits", {"limits": {"parallel": answered}})
    assert invoke("limits", "parallel", text).stdout == f"parallel is now {text}.\n"
    assert service.asked[0].body == {"parallel": sent}


def test_the_limits_of_one_tenant_are_shown_and_changed(invoke: Invoke, service: ScriptedService) -> None:
    for method in ("GET", "PATCH"):
        service.answers(method, "/api/limits/tenants/my shop/eu", TENANT)
    lines = [line.split() for line in invoke("limits", "--tenant", "my shop/eu").stdout.splitlines()]
    assert lines == [["LIMIT", "VALUE"], ["weight", "1.0"], ["max_running", "as", "for", "every", "tenant"]]
    result = invoke("limits", "max_running", "off", "--tenant", "my shop/eu")
    assert result.stdout == "max_running is now as for every tenant.\n"
    assert service.asked[-1].body == {"max_running": None}


def test_a_limit_that_is_not_there_is_told_with_those_that_are(invoke: Invoke, service: ScriptedService) -> None:
    service.answers("GET", "/api/limits", LIMITS)
    result = invoke("limits", "max_runing")
    assert isinstance(result.exception, InvalidInput)
    assert "cost_per_day, max_running, parallel" in str(result.exception)
