"""What the settings of order and limits may be, and what becomes of them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from jobs.capacity.limits import Limits
from jobs.configuration.settings import Settings, WrongSettings, load_settings


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch) -> Any:
    def loaded(**environment: str) -> Settings:
        given = {"AUTH__MODE": "keys", **environment}
        for name, value in given.items():
            monkeypatch.setenv(f"PRESSRUN_{name}", value)
        return load_settings(environment={f"PRESSRUN_{name}": value for name, value in given.items()})

    return loaded


def test_one_job_runs_at_a_time_and_twenty_calls_a_minute_are_made_where_nothing_is_set(load: Any) -> None:
    settings = load()
    others = {"ideas_requests_per_minute": 20, "images_requests_per_minute": 20}
    assert settings.limits_at_first == Limits(max_running=1, requests_per_minute=20, tenant_max_running=20, **others)
    assert (settings.parallel, settings.queue.priority_changes) == (100, "on")
    defaults = settings.bulk_defaults
    assert (defaults.stagger, defaults.cost_per_job) == (timedelta(milliseconds=150), 0.1)


def test_each_limit_comes_from_its_setting(load: Any) -> None:
    settings = load(
        GENERATOR__REQUESTS_PER_MINUTE="5",
        IDEAS__REQUESTS_PER_MINUTE="6",
        IMAGES__REQUESTS_PER_MINUTE="7",
        LIMITS__MAX_RUNNING="2",
        LIMITS__JOBS_PER_DAY="1000",
        LIMITS__COST_PER_DAY="99.5",
        TENANT__MAX_RUNNING="3",
        TENANT__REQUESTS_PER_MINUTE="4",
        TENANT__JOBS_PER_DAY="100",
        TENANT__COST_PER_DAY="9.5",
    )
    assert settings.limits_at_first == Limits(
        max_running=2,
        requests_per_minute=5,
        ideas_requests_per_minute=6,
        images_requests_per_minute=7,
        jobs_per_day=1000,
        cost_per_day=99.5,
        tenant_max_running=3,
        tenant_requests_per_minute=4,
        tenant_jobs_per_day=100,
        tenant_cost_per_day=9.5,
    )


def test_each_limit_can_be_off(load: Any) -> None:
    names = (
        *("GENERATOR__REQUESTS_PER_MINUTE", "LIMITS__MAX_RUNNING", "LIMITS__JOBS_PER_DAY", "LIMITS__COST_PER_DAY"),
        *("IDEAS__REQUESTS_PER_MINUTE", "IMAGES__REQUESTS_PER_MINUTE"),
        *("TENANT__MAX_RUNNING", "TENANT__REQUESTS_PER_MINUTE", "TENANT__JOBS_PER_DAY", "TENANT__COST_PER_DAY"),
    )
    assert load(**dict.fromkeys(names, "off")).limits_at_first == Limits()


@pytest.mark.parametrize(("text", "percent"), [("off", 0), ("on", 100), ("0", 0), ("25", 25), ("100", 100)])
def test_parallel_is_off_on_or_a_percentage_of_the_tenants(load: Any, text: str, percent: int) -> None:
    assert load(PARALLEL=text).parallel == percent


def test_what_a_new_bulk_has_comes_from_the_settings(load: Any) -> None:
    settings = load(BULK__STAGGER_MS="0", BULK__COST_PER_JOB="0.25", QUEUE__PRIORITY_CHANGES="off")
    assert (settings.bulk_defaults.stagger, settings.bulk_defaults.cost_per_job) == (timedelta(0), 0.25)
    assert settings.queue.priority_changes == "off"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("GENERATOR__REQUESTS_PER_MINUTE", "0"),
        ("GENERATOR__REQUESTS_PER_MINUTE", "1001"),
        ("LIMITS__JOBS_PER_DAY", "0"),
        ("LIMITS__COST_PER_DAY", "0"),
        ("LIMITS__COST_PER_DAY", "much"),
        ("TENANT__MAX_RUNNING", "0"),
        ("TENANT__COST_PER_DAY", "-1"),
        ("QUEUE__PRIORITY_CHANGES", "maybe"),
        ("BULK__STAGGER_MS", "60001"),
        ("BULK__COST_PER_JOB", "-1"),
        ("PARALLEL", "half"),
        ("PARALLEL", "101"),
        ("PARALLEL__PERCENT", "5"),
        ("TENANT__WEIGHT", "2"),
    ],
)
def test_a_wrong_setting_stops_the_start_and_is_named(load: Any, name: str, value: str) -> None:
    with pytest.raises(WrongSettings) as refusal:
        load(**{name: value})
    assert f"PRESSRUN_{name}" in {fault.path for fault in refusal.value.faults}
