"""How Sphinx makes the site of the repository's own Markdown. `scripts/docs` calls it; no page is written here."""

from __future__ import annotations

from pathlib import Path

from pygments.lexers.special import TextLexer
from sphinx.application import Sphinx

ROOT = Path(__file__).parent.parent.parent

project = "Pressrun"
author = "the authors of Pressrun"
extensions = ["myst_parser"]
root_doc = "README"
include_patterns = ["*.md", "docs/*.md", "docs/*/*.md", "examples/*/README.md"]
exclude_patterns = [".*", "site"]
myst_heading_anchors = 4
nitpicky = True

html_theme = "furo"
html_title = "Pressrun"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sphinx = False

PARTS = {
    "Learn": ["docs/tutorial"],
    "Guides": [
        "docs/nextjs",
        "examples/nextjs/README",
        "docs/client",
        "docs/sessions",
        "docs/generator",
        "docs/pipelines",
        "examples/pipeline/README",
        "docs/webhooks",
        "docs/mail",
        "docs/schedules",
        "docs/deploy",
        "docs/scaling",
        "docs/versions",
        "docs/operations",
        "docs/backup",
        "docs/runbook",
    ],
    "Reference": [
        "docs/reference/settings",
        "docs/reference/commands",
        "docs/api",
        "docs/reference/http",
        "docs/reference/bodies",
        "docs/reference/events",
        "docs/metrics",
        "docs/state_machine",
    ],
    "Explanation": [
        "docs/why",
        "docs/protocol",
        "docs/proof",
        "docs/scale",
        "docs/query_plans",
        "docs/decisions/README",
    ],
    "The project": ["docs/README", "CHANGELOG", "CONTRIBUTING", "SECURITY"],
}
"""What stands beside every page, by what a reader wants (diataxis.fr). A page that is named nowhere fails the build."""


def add_navigation(app: Sphinx, page: str, source: list[str]) -> None:
    """Trees that are not shown in the text: on the forge the same files are read without Sphinx."""
    if page == root_doc:
        source[0] += "".join(_tree(f":caption: {title}", names) for title, names in PARTS.items())
    elif page == "docs/decisions/README":
        names = sorted(path.stem for path in (ROOT / "docs" / "decisions").glob("0*.md"))
        source[0] += _tree(":maxdepth: 1", names)


def _tree(option: str, names: list[str]) -> str:
    return "\n```{toctree}\n:hidden:\n" + option + "\n\n" + "\n".join(names) + "\n```\n"


def setup(app: Sphinx) -> None:
    app.connect("source-read", add_navigation)
    app.add_lexer("mermaid", TextLexer)  # drawn by forges; here it is shown as it is written
