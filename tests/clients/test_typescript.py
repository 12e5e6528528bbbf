"""The typed client: generated from this service, built as it is published, and run against a real Pressrun."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest

from pressrun.openapi import document
from tests.clients.packages import CLIENT, PATIENCE_SECONDS, ROOT, node, run
from tests.support.deployment import Deployment
from tests.support.processes import Process

LONGEST_FILE = 300
PUBLISHED = {"LICENSE", "README.md", "package.json"}


def test_the_schema_is_generated_from_this_service(typescript_client: Path, tmp_path: Path) -> None:
    (tmp_path / "openapi.json").write_text(json.dumps(document()))
    command = json.loads((CLIENT / "package.json").read_text())["scripts"]["generate"]
    _, source, flag, target, *options = command.split()
    assert (source, flag, target) == ("build/openapi.json", "-o", "src/schema.ts")
    generated = tmp_path / "schema.ts"
    run("npx", "openapi-typescript", f"{tmp_path}/openapi.json", "-o", str(generated), *options, folder=CLIENT)
    assert generated.read_text() == (CLIENT / target).read_text(), "run scripts/client and commit src/schema.ts"


def test_the_clients_own_tests_pass(typescript_client: Path) -> None:
    files = sorted(str(path) for path in (typescript_client / "build" / "test").glob("*.test.js"))
    assert len(files) >= 4
    run(node(), "--test", *files, folder=typescript_client)


async def test_the_client_does_what_it_says_with_a_real_pressrun(
    typescript_client: Path, served: Deployment, keys: Mapping[str, str]
) -> None:
    await served.add_worker()
    async with running("journey", served, keys) as process:
        assert await process.ended(PATIENCE_SECONDS) == 0, process.output


async def test_a_watch_goes_on_over_a_restart_of_the_service(
    typescript_client: Path, served: Deployment, keys: Mapping[str, str]
) -> None:
    async with running("restart", served, keys) as process:
        await process.said("watching")
        await served.service.kill()
        await served.add_worker()
        await served.start_service()
        assert await process.ended(PATIENCE_SECONDS) == 0, process.output


@contextlib.asynccontextmanager
async def running(name: str, deployment: Deployment, keys: Mapping[str, str]) -> AsyncIterator[Process]:
    """Started; killed if they still run afterwards."""
    environment = {"PATH": os.environ["PATH"], "PRESSRUN_TEST_URL": deployment.url, **keys}
    process = Process(
        await asyncio.create_subprocess_exec(
            node(),
            CLIENT / "build" / "test" / "live" / f"{name}.test.js",
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            stdin=asyncio.subprocess.DEVNULL,
            cwd=CLIENT,
            env=environment,
        )
    )
    try:
        yield process
    finally:
        await process.kill()


@pytest.mark.parametrize("page", [ROOT / "docs" / "client.md", CLIENT / "README.md"], ids=lambda page: page.stem)
def test_what_the_documentation_shows_compiles_strictly(typescript_client: Path, page: Path) -> None:
    folder = typescript_client / "build" / f"shown-{page.stem}"
    folder.mkdir(exist_ok=True)
    shown = re.findall(r"^```tsx?\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL)
    for number, code in enumerate(shown):
        name = "pressrun.ts" if number == 0 else f"shown-{number}.tsx"  # the first makes what the others import
        (folder / name).write_text(code + "\nexport {};\n")
    options = {
        "types": ["node"],
        "jsx": "react-jsx",
        "noEmit": True,
        "rootDir": ".",
        "skipLibCheck": True,
        "noUnusedLocals": False,
    }
    config = {"extends": "../../tsconfig.json", "compilerOptions": options, "include": ["*.ts", "*.tsx"]}
    (folder / "tsconfig.json").write_text(json.dumps(config))
    run("npx", "tsc", "--noEmit", "-p", str(folder), folder=typescript_client)


def test_what_is_published_is_what_was_built_and_no_more(typescript_client: Path) -> None:
    (package,) = json.loads(run("npm", "pack", "--dry-run", "--json", "--ignore-scripts", folder=typescript_client))
    modules = [path.stem for path in (typescript_client / "src").glob("*.ts")]
    built = {f"dist/{name}.{suffix}" for name in modules for suffix in ("js", "d.ts")}
    assert {file["path"] for file in package["files"]} == built | PUBLISHED
    assert (package["name"], package["version"]) == ("pressrun-client", "1.0.0")


def test_the_lock_file_names_no_registry() -> None:
    locked = json.loads((CLIENT / "package-lock.json").read_text())["packages"]
    assert [name for name, package in locked.items() if "resolved" in package] == []
    assert all("integrity" in package for name, package in locked.items() if name)


def test_versions_are_exact_and_the_client_needs_one_package() -> None:
    package = json.loads((CLIENT / "package.json").read_text())
    versions = {**package["dependencies"], **package["devDependencies"]}
    assert all(version[0].isdigit() for version in versions.values()), versions
    assert package["dependencies"].keys() == {"openapi-fetch"}


def test_the_clients_files_are_such_as_a_reader_can_hold() -> None:
    written = [path for folder in ("src", "test") for path in (CLIENT / folder).rglob("*.ts")]
    long = {path.name for path in written if len(path.read_text().splitlines()) > LONGEST_FILE}
    assert long == {"schema.ts"}
    untyped = re.compile(r"(?::|<|\||\bas)\s*any\b|@ts-(?:ignore|nocheck)")
    assert [path.name for path in written if untyped.search(path.read_text())] == []
