"""The site is built from the pages without a complaint, and what is built asks nobody else for anything."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.blocks import ROOT

SPHINX = ("-m", "sphinx", "--quiet", "--fail-on-warning", "--keep-going", "--fresh-env", "--conf-dir", "docs/site")
LOADED = re.compile(
    r"<(?:script|img|iframe|source)[^>]*\ssrc=\"(https?:)?//|<link[^>]*\shref=\"(https?:)?//|url\((https?:)?//"
)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    built = subprocess.run(
        [sys.executable, *SPHINX, "--doctree-dir", str(tmp_path_factory.mktemp("doctrees")), ".", str(folder)],
        check=False,
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert built.returncode == 0, built.stderr
    return folder


def test_no_page_is_missing(site: Path) -> None:
    pages = {page.relative_to(ROOT).with_suffix("") for page in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]}
    assert {page for page in pages if not (site / page).with_suffix(".html").exists()} == set()


def test_nothing_is_loaded_from_elsewhere(site: Path) -> None:
    built = [file for file in site.rglob("*") if file.suffix in {".html", ".css"}]
    assert built
    assert {str(file.relative_to(site)) for file in built if LOADED.search(file.read_text())} == set()


def test_a_link_that_leads_nowhere_is_noticed(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("# One\n\n[away](gone.md) and [nowhere](#nothing)\n")
    options = ("-D", "extensions=myst_parser", "-D", "master_doc=README", "-D", "myst_heading_anchors=4")
    built = subprocess.run(
        [
            sys.executable,
            "-m",
            "sphinx",
            "-C",
            *options,
            "--quiet",
            "--fail-on-warning",
            str(tmp_path),
            str(tmp_path / "o"),
        ],
        check=False,
        capture_output=True,
        text=True,
    )
    assert built.returncode != 0
    assert "gone.md" in built.stderr
    assert "nothing" in built.stderr
