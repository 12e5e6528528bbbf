"""What is released: wheel and sdist with all that they need, installed in an empty environment, and run from there."""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from email.parser import Parser
from pathlib import Path

import httpx2
import pytest

from tests.acceptance.test_journey import finished, submit
from tests.support.deployment import ADDRESS
from tests.support.processes import start

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
VERSION: str = PROJECT["project"]["version"]
PACKAGES: list[str] = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
PAGES = (
    "/", "/bulks/new", "/jobs/new", "/formats/new", "/queue", "/selections", "/templates", "/schedules", "/webhooks",
    "/notifications", "/notifications/settings", "/keys",
)  # fmt: skip


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the two files: those of `scripts/release`, else built now, the wheel from the sdist."""
    if given := os.environ.get("PRESSRUN_TEST_DIST"):
        return Path(given)
    folder = tmp_path_factory.mktemp("dist")
    done = subprocess.run(
        [sys.executable, "-m", "build", "--outdir", folder, ROOT], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def sources() -> set[str]:
    """Every file of the packages, assets included."""
    files = (path for package in PACKAGES for path in (ROOT / package).rglob("*"))
    return {str(path.relative_to(ROOT)) for path in files if path.is_file() and path.parent.name != "__pycache__"}


def test_the_version_is_the_same_wherever_it_has_to_be_said() -> None:
    client = json.loads((ROOT / "clients" / "typescript" / "package.json").read_text())
    changes = (ROOT / "CHANGELOG.md").read_text()
    latest = re.search(r"^## (\S+) \((\d{4}-\d\d-\d\d)\)$", changes, re.MULTILINE)
    image = (ROOT / "deploy" / "kubernetes" / "overlays" / "example" / "kustomization.yaml").read_text()
    assert latest is not None
    assert {client["version"], latest[1], *re.findall(r"newTag: (\S+)", image)} == {VERSION}


async def test_the_wheel_has_every_file_and_runs_a_bulk_where_there_is_nothing_else(
    built: Path, tmp_path: Path
) -> None:
    (wheel,) = built.glob("*.whl")
    (sdist,) = built.glob("*.tar.gz")
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        told = Parser().parsestr(archive.read(f"pressrun-{VERSION}.dist-info/METADATA").decode())
    assert {name for name in names if ".dist-info/" not in name} == sources()
    with tarfile.open(sdist) as source:
        assert sources() | {"LICENSE", "CHANGELOG.md"} <= {name.partition("/")[2] for name in source.getnames()}
    assert (told["Name"], told["Version"], told["Requires-Python"]) == ("pressrun", VERSION, ">=3.11")
    assert (told["License-Expression"], told.get_all("License-File")) == ("Apache-2.0", ["LICENSE"])
    assert str(told.get_payload()).startswith("# Pressrun")

    environment = tmp_path / "environment"
    await asyncio.to_thread(installed, wheel, environment)
    version = await asyncio.to_thread(output_of, environment / "bin" / "pressrun", "--version", folder=tmp_path)
    assert version == f"pressrun {VERSION}\n"
    fast = {"PRESSRUN_BULK__DELAY_SECONDS": "0", "PRESSRUN_DEMO__LATENCY_SECONDS": "0.02"}
    python = environment / "bin" / "python"
    dev = await start("dev", "--port", "0", environment=fast, folder=tmp_path, python=python)
    try:
        url = (await dev.said(f"serves {ADDRESS}"))[1]
        async with httpx2.AsyncClient(base_url=url, timeout=20, trust_env=False) as api:
            bulk_id = await submit(api)
            assert len(await loaded(api, *PAGES, f"/bulks/{bulk_id}")) > 5
            assert (await finished(api, bulk_id))["progress"]["completed"] == 10
    finally:
        await dev.kill()


async def loaded(api: httpx2.AsyncClient, *pages: str) -> set[str]:
    """Pages with all that they refer to of ours; what is loaded."""
    assets: set[str] = set()
    for page in pages:
        answer = await api.get(page)
        assert answer.status_code == 200, f"{page}: {answer.status_code}"
        assets |= set(re.findall(r'(?:href|src)="(/static/[^"]+)"', answer.text))
    for asset in assets:
        answer = await api.get(asset)
        assert (answer.status_code, bool(answer.content)) == (200, True), asset
    return assets


def installed(wheel: Path, environment: Path) -> None:
    subprocess.run([sys.executable, "-m", "venv", environment], check=True)
    pip = [str(environment / "bin" / "pip"), "install", "-q", "--disable-pip-version-check"]
    within = ["-c", str(ROOT / "constraints.txt"), str(wheel)]
    done = subprocess.run([*pip, *within], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def output_of(*command: str | Path, folder: Path) -> str:
    clean = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return subprocess.run(command, cwd=folder, env=clean, capture_output=True, text=True, check=True).stdout
