"""What tests of npm packages need: Node.js, commands, and not being in each other's way. No tests here."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
CLIENT = ROOT / "clients" / "typescript"
OLDEST_NODE = 20
PATIENCE_SECONDS = 300


def node() -> str:
    """The command. Where there is none that is new enough, the test is skipped; in CI it fails."""
    found = shutil.which("node")
    version = run(found, "--version").strip() if found else "none"
    if found and shutil.which("npm") and int(version.removeprefix("v").partition(".")[0]) >= OLDEST_NODE:
        return found
    message = (
        f"npm and Node.js {OLDEST_NODE} or newer are needed, and Node.js is {version}: the typed client was not tested"
    )
    if os.environ.get("CI") == "true":
        pytest.fail(message)
    pytest.skip(message)


@contextlib.contextmanager
def alone(package: Path) -> Iterator[None]:
    """Other processes that want to do something with the same package wait meanwhile."""
    with (package / "build" / "alone").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def run(*command: str, folder: Path = ROOT) -> str:
    """What it prints to standard output; it must succeed."""
    done = subprocess.run(command, check=False, cwd=folder, capture_output=True, text=True, timeout=PATIENCE_SECONDS)
    assert done.returncode == 0, f"{' '.join(command)} failed:\n{done.stdout}\n{done.stderr}"
    return done.stdout
