"""The scripts that check the image and what it is deployed with, run as CI and people run them."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def script(name: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([ROOT / "scripts" / name], capture_output=True, text=True, check=False, timeout=500)


@pytest.mark.timeout(540)
def test_the_images_steps_make_what_starts_in_a_bare_folder() -> None:
    finished = script("check-image")
    assert finished.returncode == 0, finished.stdout + finished.stderr
    assert finished.stdout.splitlines()[-1].endswith("with nothing of its own to write to")


def test_what_is_deployed_with_is_in_order() -> None:
    finished = script("check-deploy")
    assert finished.returncode == 0, finished.stdout + finished.stderr
