"""Grafana's dashboard: Prometheus can read its queries, which ask for what is measured, by labels that there are."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.deploy.metric_names import MEASURES, NAMES
from tests.deploy.promtool import ROOT, RULES, check
from tests.support.measured import values

GRAFANA = ROOT / "deploy" / "grafana"
DASHBOARD: dict[str, Any] = json.loads((GRAFANA / "dashboards" / "pressrun.json").read_text())
PANELS: list[dict[str, Any]] = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
QUERIES = [target["expr"] for panel in PANELS for target in panel["targets"]]
ASKED_BY_RULES: list[str] = [
    rule["expr"] for path in RULES for group in yaml.safe_load(path.read_text())["groups"] for rule in group["rules"]
]
RECORDED: dict[str, str] = {
    rule["record"]: rule["expr"]
    for path in RULES
    for group in yaml.safe_load(path.read_text())["groups"]
    for rule in group["rules"]
    if "record" in rule
}


def test_prometheus_can_read_every_query(tmp_path: Path) -> None:
    rules = [
        {"record": f"query:{number}", "expr": query.replace("$__rate_interval", "1m")}
        for number, query in enumerate(QUERIES)
    ]
    file = tmp_path / "queries.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": rules}]}))
    check("check", "rules", file)


def test_every_measure_is_shown_and_none_that_is_not_measured() -> None:
    asked = {name for query in QUERIES for name in re.findall(r"pressrun[:_][\w:]+", query)}
    direct = {name for name in asked if ":" not in name}
    recorded = {name for name in asked if ":" in name}
    assert direct <= NAMES
    assert recorded <= RECORDED.keys()
    through = {name for record in recorded for name in re.findall(r"pressrun_\w+", RECORDED[record])}
    shown = {re.sub(r"_(bucket|sum|count)$", "", name) for name in direct | through}
    assert shown == {f"pressrun_{name}" for name in MEASURES}


@pytest.mark.parametrize("name", sorted(MEASURES))
def test_a_measure_is_asked_by_labels_that_it_has(name: str) -> None:
    labels = MEASURES[name] | {"le", "job", "instance"}
    for query in [*QUERIES, *ASKED_BY_RULES]:
        for braces in re.findall(rf"pressrun_{name}(?:_bucket|_sum|_count)?\{{([^}}]*)\}}", query):
            assert set(re.findall(r"(\w+)\s*[=!]", braces)) <= labels, query
        if re.fullmatch(rf".*\bpressrun_{name}\b.*", query, re.DOTALL) and query.count("pressrun_") == 1:
            for grouped in re.findall(r"by \(([^)]*)\)", query):
                assert {label.strip() for label in grouped.split(",")} <= labels, query


@pytest.mark.parametrize(
    ("name", "label"), [(name, label) for name, of in sorted(values().items()) for label in sorted(of)]
)
def test_a_label_is_asked_for_values_that_it_may_have(name: str, label: str) -> None:
    known = values()[name][label]
    for query in [*QUERIES, *ASKED_BY_RULES]:
        for braces in re.findall(rf"pressrun_{name}(?:_bucket|_sum|_count)?\{{([^}}]*)\}}", query):
            for asked in re.findall(rf'\b{label}\s*[=!]~?"([^"]*)"', braces):
                assert set(asked.split("|")) <= known, query


def test_panels_have_their_own_ids_and_do_not_lie_over_each_other() -> None:
    ids = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(ids) == len(set(ids))
    taken: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        at = panel["gridPos"]
        cells = {(at["x"] + x, at["y"] + y) for x in range(at["w"]) for y in range(at["h"])}
        assert at["x"] + at["w"] <= 24
        assert not cells & taken, panel["title"]
        taken |= cells


def test_the_dashboard_asks_the_data_source_that_is_provisioned() -> None:
    sources = yaml.safe_load((GRAFANA / "provisioning" / "datasources" / "prometheus.yml").read_text())["datasources"]
    assert {panel["datasource"]["uid"] for panel in PANELS} == {source["uid"] for source in sources}
