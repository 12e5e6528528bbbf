"""What Docker Compose and Kubernetes are given, held against their published schemas. No rule of ours stands here.

`python -m tests.deploy.documents` does so for all, and ends with 1 and a line for each fault. Kinds that a cluster has
from elsewhere (KEDA, External Secrets, the Prometheus operator, kustomize) have no published schema here.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kubernetes_validate
import yaml
from compose_spec import PyCompose

ROOT = Path(__file__).parents[2]
COMPOSE = (ROOT / "docker-compose.yml", ROOT / "deploy" / "compose" / "https.yml")
KUBERNETES = ROOT / "deploy" / "kubernetes"
VERSIONS = ("1.31", "1.37")
"""The oldest that the manifests are written for, and the newest known."""
FROM_ELSEWHERE = ("keda.sh/", "monitoring.coreos.com/", "external-secrets.io/", "kustomize.config.k8s.io/")

Document = dict[str, Any]


def compose(path: Path) -> Document:
    loaded: Document = yaml.safe_load(path.read_text())
    return loaded


def manifests(folder: Path = KUBERNETES) -> list[tuple[Path, Document]]:
    """All that have a kind; what a patch or a configuration of kustomize is, has none."""
    return [
        (path, document)
        for path in sorted(folder.rglob("*.yaml"))
        for document in yaml.safe_load_all(path.read_text())
        if isinstance(document, dict) and "kind" in document
    ]


def faults_of_compose(document: Document) -> Iterator[str]:
    try:
        PyCompose.from_yaml(yaml.safe_dump(document))  # merged keys written out, which this reader does not know
    except ValueError as error:
        yield str(error)


def faults_of_manifest(document: Document) -> Iterator[str]:
    """An unknown field is a fault too."""
    if document["apiVersion"].startswith(FROM_ELSEWHERE):
        return
    for version in VERSIONS:
        try:
            kubernetes_validate.validate(document, version, strict=True)
        except kubernetes_validate.ValidationError as error:
            where = ".".join(str(part) for part in error.absolute_path)
            yield f"Kubernetes {version}: {where}: {error.message}"
        except kubernetes_validate.SchemaNotFoundError as error:
            yield error.message


def all_faults() -> Iterator[str]:
    for path in COMPOSE:
        yield from (f"{path.relative_to(ROOT)}: {fault}" for fault in faults_of_compose(compose(path)))
    for path, document in manifests():
        yield from (f"{path.relative_to(ROOT)}: {fault}" for fault in faults_of_manifest(document))


if __name__ == "__main__":
    found = list(all_faults())
    print(*found, sep="\n", end="\n" if found else "")
    sys.exit(bool(found))
