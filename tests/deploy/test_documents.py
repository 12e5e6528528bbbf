"""Compose and Kubernetes: held against their schemas, and against each other and the code where they must agree."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from jobs.configuration.settings import OTHERS, Settings, load_settings
from jobs.states import BULK_MOVES, BulkStatus
from service.server import CLOSE_SECONDS
from tests.deploy.documents import COMPOSE, KUBERNETES, ROOT, all_faults, compose, manifests
from tests.test_docs import of_sections

SERVICES: dict[str, dict[str, Any]] = compose(COMPOSE[0])["services"]
DOCUMENTS = [document for _, document in manifests()]
DEPLOYMENTS = {
    document["metadata"]["name"].removeprefix("pressrun-"): document["spec"]["template"]["spec"]
    for document in DOCUMENTS
    if document["kind"] == "Deployment"
}
KUSTOMIZATIONS = sorted(KUBERNETES.rglob("kustomization.yaml"))


def variables(*paths: Path) -> dict[str, str]:
    lines = [line for path in paths for line in path.read_text().splitlines() if line and not line.startswith("#")]
    return dict(line.split("=", 1) for line in lines)


def of_kind(kind: str, name: str) -> dict[str, Any]:
    found = [each for each in DOCUMENTS if each["kind"] == kind and each["metadata"]["name"] == name]
    assert len(found) == 1, (kind, name)
    return found[0]


def settings_of(given: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Settings:
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    return load_settings()


def test_compose_and_kubernetes_are_what_their_schemas_want() -> None:
    assert list(all_faults()) == []


def test_compose_starts_without_any_settings_of_ones_own(monkeypatch: pytest.MonkeyPatch) -> None:
    files = [entry for entry in SERVICES["service"]["env_file"] if entry.get("required", True)]
    given = variables(*(ROOT / entry["path"] for entry in files))
    settings = settings_of(given, monkeypatch)
    assert settings.service.host == "0.0.0.0"
    assert SERVICES["worker"]["env_file"] == SERVICES["service"]["env_file"]
    front = compose(COMPOSE[0])["networks"]["front"]["ipam"]["config"]
    assert [network["subnet"] for network in front] == list(settings.service.trusted_proxies)


def test_kubernetes_settings_are_read_with_what_the_example_adds(monkeypatch: pytest.MonkeyPatch) -> None:
    example = yaml.safe_load((KUBERNETES / "overlays" / "example" / "kustomization.yaml").read_text())
    added = dict(literal.split("=", 1) for literal in example["configMapGenerator"][0]["literals"])
    given = variables(KUBERNETES / "base" / "settings.env") | added
    settings = settings_of(given, monkeypatch)
    assert settings.worker.shutdown_grace_seconds < DEPLOYMENTS["worker"]["terminationGracePeriodSeconds"]


def test_every_setting_that_is_named_is_one() -> None:
    known = set(of_sections(Settings, "PRESSRUN_"))
    assigned = {
        name
        for path in (ROOT / "deploy").rglob("*")
        if path.is_file() and path.suffix in {".env", ".yaml", ".yml", ".example"}
        for name in re.findall(r"\b(PRESSRUN_\w+)=", path.read_text())
    }
    assert {name for name in assigned if not name.startswith(OTHERS)} <= known


def test_no_secret_is_kept_here() -> None:
    example = KUBERNETES / "overlays" / "example" / "secret.env.example"
    assert set(variables(example).values()) == {""}
    assert [document for document in DOCUMENTS if document["kind"] == "Secret"] == []
    ignored = (ROOT / ".gitignore").read_text().splitlines()
    assert {"/pressrun.env", "deploy/kubernetes/**/secret.env"} <= set(ignored)


@pytest.mark.parametrize("name", SERVICES)
def test_a_container_of_compose_may_do_little(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["mem_limit"]
    assert {port.rpartition(":")[0].rpartition(":")[0] for port in service.get("ports", [])} <= {"127.0.0.1"}
    tag = service["image"].rpartition(":")[2]
    assert service.get("build") or re.fullmatch(r"v?\d[\d.]*", tag), "an image of others is named by its version"


@pytest.mark.parametrize("name", ["service", "worker", "generator", "mongodb"])
def test_a_container_of_compose_is_asked_after_its_health(name: str) -> None:
    test = SERVICES[name]["healthcheck"]["test"]
    assert test[1:] == ["pressrun", "health", name] if name != "mongodb" else test[1] == "mongosh"


@pytest.mark.parametrize("name", DEPLOYMENTS)
def test_a_pod_is_restricted(name: str) -> None:
    pod = DEPLOYMENTS[name]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert pod["automountServiceAccountToken"] is False
    # else the Service named pressrun would put what looks like settings into the environment
    assert pod["enableServiceLinks"] is False
    for container in pod["containers"]:
        context = container["securityContext"]
        assert context["allowPrivilegeEscalation"] is False
        assert context["readOnlyRootFilesystem"] is True
        assert context["capabilities"] == {"drop": ["ALL"]}
        assert "memory" in container["resources"]["limits"]


def test_a_stopping_service_has_the_time_that_it_needs() -> None:
    pod = DEPLOYMENTS["service"]
    before = pod["containers"][0]["lifecycle"]["preStop"]["sleep"]["seconds"]
    assert before + CLOSE_SECONDS < pod["terminationGracePeriodSeconds"]
    assert int(SERVICES["service"]["stop_grace_period"].removesuffix("s")) > CLOSE_SECONDS


def resolved(document: Any, pointer: str) -> Any:
    for part in pointer.strip("/").split("/"):
        key = part.replace("~1", "/").replace("~0", "~")
        document = document[int(key)] if isinstance(document, list) else document[key]
    return document


@pytest.mark.parametrize("path", KUSTOMIZATIONS, ids=lambda path: path.parent.name)
def test_what_a_kustomization_names_is_there(path: Path) -> None:
    kustomization = yaml.safe_load(path.read_text())
    folder = path.parent
    for kind in ("resources", "components", "configurations"):
        for named in kustomization.get(kind, []):
            assert (folder / named).exists(), named
    generated = [*kustomization.get("configMapGenerator", []), *kustomization.get("secretGenerator", [])]
    for file in [file for one in generated for file in one.get("envs", [])]:
        assert (folder / file).exists() or (folder / f"{file}.example").exists(), file
    for patch in kustomization.get("patches", []):
        target = of_kind(patch["target"]["kind"], patch["target"]["name"])
        changes = yaml.safe_load(patch["patch"] if "patch" in patch else (folder / patch["path"]).read_text())
        for change in changes:
            there = change["path"] if change["op"] != "add" else change["path"].rpartition("/")[0]
            assert resolved(target, there) is not None


def test_workers_are_scaled_by_the_bulks_that_may_run_and_one_stays() -> None:
    scaled = of_kind("ScaledObject", "pressrun-worker")["spec"]
    assert scaled["scaleTargetRef"]["name"] == "pressrun-worker"
    assert scaled["minReplicaCount"] >= 1
    (trigger,) = scaled["triggers"]
    asked = yaml.safe_load(trigger["metadata"]["query"])
    assert trigger["metadata"]["collection"] == "bulk_jobs"
    assert set(asked["status"]["$in"]) == {BulkStatus.QUEUED, BulkStatus.PROCESSING} <= set(BULK_MOVES)
    (reference,) = of_kind("TriggerAuthentication", trigger["authenticationRef"]["name"])["spec"]["secretTargetRef"]
    assert reference["key"] in variables(KUBERNETES / "overlays" / "example" / "secret.env.example")


def test_processes_have_the_same_names_for_rules_wherever_they_are_scraped() -> None:
    prometheus = yaml.safe_load((ROOT / "deploy" / "prometheus" / "prometheus.yml").read_text())
    of_compose = {job["job_name"] for job in prometheus["scrape_configs"]}
    (endpoint,) = of_kind("PodMonitor", "pressrun")["spec"]["podMetricsEndpoints"]
    (relabeling,) = endpoint["relabelings"]
    assert relabeling["targetLabel"] == "job"
    assert {relabeling["replacement"].replace("$1", component) for component in DEPLOYMENTS} == of_compose


def test_network_policies_choose_pods_that_there_are_and_begin_with_nothing() -> None:
    policies = [document["spec"] for document in DOCUMENTS if document["kind"] == "NetworkPolicy"]
    labels = [
        document["spec"]["template"]["metadata"]["labels"] for document in DOCUMENTS if document["kind"] == "Deployment"
    ]
    ports = {port["name"] for pod in DEPLOYMENTS.values() for port in pod["containers"][0]["ports"]}
    for policy in policies:
        chosen = policy["podSelector"]["matchLabels"].items()
        assert [each for each in labels if chosen <= each.items()], chosen
        named = {port["port"] for rule in policy.get("ingress", []) for port in rule["ports"]}
        assert named <= ports
    assert [policy for policy in policies if policy["policyTypes"] == ["Ingress", "Egress"] and len(policy) == 2]


def test_the_image_takes_in_every_package_and_nothing_else() -> None:
    wheel = re.search(
        r"\[tool\.hatch\.build\.targets\.wheel\]\npackages = \[(.*)\]", (ROOT / "pyproject.toml").read_text()
    )
    assert wheel is not None
    packages = set(re.findall(r'"(\w+)"', wheel[1]))
    copied = re.findall(r"^COPY (\w+) \1$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    assert set(copied) == packages
    let_through = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    assert let_through == packages | {"pyproject.toml", "constraints.txt", "README.md", "LICENSE", "deploy/image"}
