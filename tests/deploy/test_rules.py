"""Prometheus' rules, played through by promtool: what fires, what does not yet; and each alert can be looked up."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.deploy import prometheus_rule
from tests.deploy.metric_names import NAMES
from tests.deploy.promtool import ROOT, RULES, Series, assert_firing, check

LOADED: list[dict[str, Any]] = [group for path in RULES for group in yaml.safe_load(path.read_text())["groups"]]
ALERTS: list[dict[str, Any]] = [rule for group in LOADED for rule in group["rules"] if "alert" in rule]
RECORDED = {rule["record"] for group in LOADED for rule in group["rules"] if "record" in rule}
HOURS = "x400"  # steps of 15 s: 100 minutes
QUIET: dict[str, str] = {
    'up{job="pressrun-service", instance="s1"}': f"1+0{HOURS}",
    'pressrun_workers_live{instance="s1"}': f"2+0{HOURS}",
    'pressrun_build_info{version="1.0.0", instance="s1"}': f"1+0{HOURS}",
    'pressrun_claims_total{outcome="taken", instance="w1"}': f"0+1{HOURS}",
    'pressrun_queue_oldest_waiting_seconds{priority="normal", instance="w1"}': f"2000+0{HOURS}",
}


@dataclass(frozen=True)
class Case:
    """`fires` are the series with which the alert fires at `at`, `keeps` those with which it does not."""

    alert: str
    fires: dict[str, str]
    keeps: dict[str, str] = field(default_factory=dict)
    at: str = "40m"


def attempts(completed: str, failed: str) -> dict[str, str]:
    of = 'pressrun_attempts_total{{mode="topic", outcome="{}"}}'.format
    return {of("completed"): completed, of("failed"): failed, of("handed_back"): f"0+50{HOURS}"}


def answers(status: str, others: str, these: str) -> dict[str, str]:
    of = 'pressrun_http_requests_total{{route="/api/bulk-generate", method="GET", status="{}"}}'.format
    return {of("200"): others, of(status): these}


def calls(ok: str, throttled: str) -> dict[str, str]:
    of = 'pressrun_generator_calls_total{{endpoint="default", outcome="{}"}}'.format
    return {of("ok"): ok, of("throttled"): throttled}


def pool(in_use: int) -> dict[str, str]:
    return {
        'pressrun_mongodb_pool_connections{state="in_use", job="pressrun-worker", instance="w1"}': f"{in_use}+0{HOURS}",
        'pressrun_mongodb_pool_connections{state="idle", job="pressrun-worker", instance="w1"}': f"50+0{HOURS}",
        'pressrun_mongodb_pool_size{job="pressrun-worker", instance="w1"}': f"50+0{HOURS}",
    }


def seconds(name: str, labels: str, quick: float, slow: float) -> dict[str, str]:
    """A histogram of which `slow` of `quick` + `slow` observations a step are beyond what the alert stands."""
    bounds = {"1": quick, "60": quick, "240": quick, "300": quick + slow, "+Inf": quick + slow}
    return {f'{name}_bucket{{{labels}, le="{le}"}}': f"0+{count}{HOURS}" for le, count in bounds.items()}


def still(value: float) -> str:
    return f"{value}+0{HOURS}"


def once(value: int) -> str:
    return f"0+0x100 {value}+0x300"


CASES = [
    Case("PressrunServiceDown", {'up{job="pressrun-service", instance="s1"}': still(0)}),
    Case("PressrunNoWorker", {'pressrun_workers_live{instance="s1"}': still(0)}),
    Case(
        "PressrunVersionsMixed",
        {'pressrun_build_info{version="1.1.0", instance="s2"}': still(1)},
        {'pressrun_build_info{version="1.0.0", instance="s2"}': still(1)},
        at="70m",
    ),
    Case(
        "PressrunQueueStuck",
        {'pressrun_claims_total{outcome="taken", instance="w1"}': still(7)},
        {
            'pressrun_claims_total{outcome="taken", instance="w1"}': still(7),
            'pressrun_queue_oldest_waiting_seconds{priority="normal", instance="w1"}': still(800),
        },
    ),
    Case(
        "PressrunHighPriorityWaits",
        {'pressrun_queue_oldest_waiting_seconds{priority="high", instance="w1"}': still(15000)},
        {'pressrun_queue_oldest_waiting_seconds{priority="low", instance="w1"}': still(15000)},
    ),
    Case(
        "PressrunInvariantBroken",
        {'pressrun_invariants_broken_total{fault="counters"}': once(1)},
        {'pressrun_invariants_broken_total{fault="counters"}': still(1)},
    ),
    Case(
        "PressrunCounterDrift",
        {"pressrun_counter_drift_total": once(1)},
        {"pressrun_counter_drift_total": still(1)},
    ),
    Case(
        "PressrunLeasesLost",
        {"pressrun_leases_lost_total": once(9)},
        {"pressrun_leases_lost_total": once(2)},
        at="30m",
    ),
    Case(
        "PressrunJobsReclaimed", {"pressrun_jobs_reclaimed_total": once(9)}, {"pressrun_jobs_reclaimed_total": once(4)}
    ),
    Case(
        "PressrunBudgetNearlySpent",
        {'pressrun_budget_used_ratio{scope="system", what="cost"}': still(0.95)},
        {'pressrun_budget_used_ratio{scope="system", what="cost"}': still(0.85)},
    ),
    Case(
        "PressrunSchedulesFailing",
        {'pressrun_schedules_fired_total{outcome="failed"}': once(1)},
        {'pressrun_schedules_fired_total{outcome="skipped"}': once(1)},
    ),
    Case(
        "PressrunFailuresHigh",
        attempts(f"0+3{HOURS}", f"0+1{HOURS}"),
        attempts(f"0+9{HOURS}", f"0+2{HOURS}"),
    ),
    Case("PressrunPoolNearlyFull", pool(41), pool(39)),
    Case(
        "PressrunRefusedMuch",
        answers("429", f"0+90{HOURS}", f"0+10{HOURS}"),
        answers("429", f"0+96{HOURS}", f"0+4{HOURS}"),
    ),
    Case("PressrunGeneratorThrottled", calls(f"0+9{HOURS}", f"0+1{HOURS}"), calls(f"0+24{HOURS}", f"0+1{HOURS}")),
    Case(
        "PressrunGeneratorDown",
        {'pressrun_generator_breaker_open{endpoint="default"}': still(1)},
        {'pressrun_generator_breaker_open{endpoint="default"}': still(0)},
    ),
    Case(
        "PressrunGeneratorSlow",
        seconds("pressrun_generator_call_seconds", 'endpoint="default"', 8, 2),
        seconds("pressrun_generator_call_seconds", 'endpoint="default"', 98, 2),
    ),
    Case(
        "PressrunNoticesDead",
        {'pressrun_notices_total{channel="webhook", outcome="dead"}': once(1)},
        {'pressrun_notices_total{channel="webhook", outcome="failed"}': once(1)},
    ),
    Case("PressrunNoticesLate", {"pressrun_outbox_untold": still(101)}, {"pressrun_notices_pending": still(900)}),
    Case(
        "PressrunArchiveFailing",
        {"pressrun_archive_failures_total": once(9)},
        {"pressrun_archive_failures_total": once(2)},
        at="30m",
    ),
    Case(
        "PressrunServiceErrors",
        answers("503", f"0+98{HOURS}", f"0+2{HOURS}"),
        answers("404", f"0+98{HOURS}", f"0+2{HOURS}"),
    ),
    Case(
        "PressrunServiceSlow",
        seconds("pressrun_http_request_seconds", 'route="/api/queue"', 8, 2),
        seconds("pressrun_http_request_seconds", 'route="/api/queue/events"', 8, 2),
    ),
]


def series(*added: dict[str, str]) -> list[Series]:
    whole = dict(QUIET)
    for more in added:
        whole |= more
    return list(whole.items())


def test_prometheus_takes_the_configuration_and_every_rule() -> None:
    check("check", "config", ROOT / "deploy" / "prometheus" / "prometheus.yml")
    check("check", "rules", *RULES)


def test_nothing_fires_while_all_is_well(tmp_path: Path) -> None:
    assert_firing(
        series(attempts(f"0+3{HOURS}", still(0)), pool(10), calls(f"0+3{HOURS}", still(0))), "70m", [], tmp_path
    )


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.alert)
def test_an_alert_fires_when_its_thing_happens_and_alone(case: Case, tmp_path: Path) -> None:
    assert_firing(series(case.fires), case.at, [case.alert], tmp_path)


@pytest.mark.parametrize("case", [case for case in CASES if case.keeps], ids=lambda case: case.alert)
def test_an_alert_is_silent_short_of_it(case: Case, tmp_path: Path) -> None:
    assert_firing(series(case.keeps), case.at, [], tmp_path)


def test_a_system_that_tells_nothing_at_all_is_noticed(tmp_path: Path) -> None:
    assert_firing([], "10m", ["PressrunNoWorker", "PressrunServiceDown"], tmp_path)


def test_every_alert_is_played_through() -> None:
    assert [rule["alert"] for rule in ALERTS] == [case.alert for case in CASES]


def test_every_alert_leads_to_its_entry_in_the_runbook_and_every_entry_is_an_alerts() -> None:
    told = re.findall(r"^### (Pressrun\w+)$", (ROOT / "docs" / "runbook.md").read_text(), re.MULTILINE)
    assert told == [rule["alert"] for rule in ALERTS]
    for rule in ALERTS:
        assert rule["annotations"]["runbook_url"] == f"docs/runbook.md#{rule['alert'].lower()}"


def test_the_prometheus_operator_is_given_the_same_rules() -> None:
    assert prometheus_rule.FILE.read_text() == prometheus_rule.written()
    assert yaml.safe_load(prometheus_rule.written())["spec"]["groups"] == LOADED


def test_what_takes_a_parallel_roll_out_back_is_told_apart() -> None:
    taking_back = {rule["alert"] for rule in ALERTS if rule["labels"].get("action") == "rollback"}
    assert taking_back == {
        "PressrunFailuresHigh",
        "PressrunPoolNearlyFull",
        "PressrunRefusedMuch",
        "PressrunGeneratorThrottled",
    }


def test_rules_ask_for_nothing_that_is_not_measured() -> None:
    asked = {
        name for group in LOADED for rule in group["rules"] for name in re.findall(r"pressrun[:_][\w:]+", rule["expr"])
    }
    assert {name for name in asked if ":" in name} <= RECORDED
    assert {name for name in asked if ":" not in name} <= NAMES
