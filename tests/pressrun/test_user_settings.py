"""What the settings say of one user reaches the parts that count."""

from __future__ import annotations

import pytest

from jobs.callers.user_limits import UserLimits
from jobs.configuration.settings import load_settings
from pressrun.compose import rules_of


def limits(patched: pytest.MonkeyPatch, **given: str) -> UserLimits:
    environment = {f"PRESSRUN_{name}": value for name, value in {"AUTH__MODE": "keys", **given}.items()}
    for name, value in environment.items():
        patched.setenv(name, value)
    return rules_of(load_settings(environment=environment)).user


def test_without_settings_there_are_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    assert limits(monkeypatch) == UserLimits(submissions_per_minute=60, open_bulks=1000, sends_per_minute=30)


def test_limits_can_be_others_or_none(monkeypatch: pytest.MonkeyPatch) -> None:
    found = limits(monkeypatch, USER__SUBMISSIONS_PER_MINUTE="off", USER__OPEN_BULKS="5")
    assert (found.submissions_per_minute, found.open_bulks) == (None, 5)
