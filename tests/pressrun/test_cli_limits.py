from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from typer.testing import Result

from jobs.errors import InvalidInput
from tests.pressrun.scripted_service import ScriptedService

Invoke = Callable[..., Result]
LIMITS = {"limits": {"max_running": 1, "parallel": "on", "paused": None}}


def test_all_limits_are_shown(invoke: Invoke, service: ScriptedService) -> None:
    service.answers("GET", "/api/limits", LIMITS)
    lines = [line.split() for line in invoke("limits").stdout.splitlines()]
    assert lines == [["LIMIT", "VALUE"], ["max_running", "1"], ["parallel", "on"], ["paused", "null"]]


def test_one_limit_is_shown(invoke: Invoke, service: ScriptedService) -> None:
    service.answers("GET", "/api/limits", LIMITS)
    assert invoke("limits", "parallel").stdout.split() == ["LIMIT", "VALUE", "parallel", "on"]


def test_the_limits_can_be_had_as_the_answer_of_the_api(invoke: Invoke, service: ScriptedService) -> None:
    service.answers("GET", "/api/limits", LIMITS)
    assert json.loads(invoke("limits", "--json").stdout) == LIMITS


@pytest.mark.parametrize(("text", "sent"), [("3", 3), ("0.5", 0.5), ("off", "off"), ("null", None), ("NaN", "NaN")])
def test_a_limit_is_changed(invoke: Invoke, service: ScriptedService, text: str, sent: object) -> None:
    service.answers("PATCH", "/api/limits", {"limits": {"max_running": sent}})
    result = invoke("limits", "max_running", text)
    assert result.stdout == f"max_running is now {text}.\n"
    assert service.asked[0].body == {"max_running": sent}


def test_a_limit_that_is_not_there_is_told_with_those_that_are(invoke: Invoke, service: ScriptedService) -> None:
    service.answers("GET", "/api/limits", LIMITS)
    result = invoke("limits", "max_runing")
    assert isinstance(result.exception, InvalidInput)
    assert "max_running, parallel, paused" in str(result.exception)
