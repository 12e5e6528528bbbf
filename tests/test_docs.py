"""What the documentation names is there: links, settings, pipelines, options, reasons to wait, a receiver's check."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

import generator.settings
from jobs.configuration.settings import OTHERS, Settings
from jobs.pipelines import BUILT_IN
from jobs.reading.waiting import WaitingCode
from service.schemas.pipeline_requests import PipelineOptions
from worker.text.quality import Code

ROOT = Path(__file__).parent.parent
WRITTEN = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "examples").rglob("*.md")]
PAGES = [page for page in WRITTEN if "node_modules" not in page.parts]
PIPELINES, API = ((ROOT / "docs" / f"{name}.md").read_text() for name in ("pipelines", "api"))
NEXTJS, GUIDED = (ROOT / "docs" / "nextjs.md").read_text(), ("next.config.ts", "auth.ts", "lib/insert-bulk.ts")
NAMED_ELSEWHERE = tuple(name for name in OTHERS if not name.startswith(("PRESSRUN_DEMO", "PRESSRUN_OPENAI")))


def anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^a-z0-9_ -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_link_leads_somewhere(page: Path) -> None:
    for link in re.findall(r"\]\((?!https://)([^)]+)\)", page.read_text()):
        path, _, anchor = link.partition("#")
        there = (page.parent / path).resolve() if path else page
        assert there.exists(), link
        if anchor:
            assert anchor in anchors(there), link


def code(text: str) -> str:
    """Without comment lines and spaces, in which a piece may differ from the whole."""
    return "".join("".join(line.split()) for line in text.splitlines() if not line.strip().startswith("//"))


def test_the_code_of_the_guide_to_next_js_is_the_examples_which_is_run() -> None:
    written = [code((ROOT / "examples" / "nextjs" / name).read_text()) for name in GUIDED]
    shown = [code(block) for block in re.findall(r"```ts\n(.*?)```", NEXTJS, re.DOTALL)]
    assert len(shown) == len(GUIDED)
    assert [block for block in shown if not any(block in whole for whole in written)] == []


def test_the_collections_that_an_application_must_not_have_are_all_named() -> None:
    opened = {
        name
        for file in (ROOT / "jobs").rglob("*.py")
        if file.stem != "app_sessions"
        for name in re.findall(r"collection\(\"([a-z_]+)\"\)", file.read_text())
    }
    told = set(re.findall(r"`([a-z_]+)`", NEXTJS.split("**Look at the names first.**")[1].split("If the")[0]))
    assert told == opened - {"bulk_jobs", "generation_jobs"}


def of_sections(settings: type[BaseModel], prefix: str) -> Iterator[str]:
    for name, field in settings.model_fields.items():
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            yield from of_sections(inner, f"{prefix}{name}__".upper())
        else:
            yield f"{prefix}{name}".upper()


def settings() -> set[str]:
    demo = {f"PRESSRUN_DEMO__{name}".upper() for name in generator.settings.Settings.model_fields.keys() - {"openai"}}
    model = {f"PRESSRUN_OPENAI__{name}".upper() for name in generator.settings.OpenAI.model_fields}
    return {*of_sections(Settings, "PRESSRUN_"), *demo, *model}


@pytest.mark.parametrize("page", [*PAGES, ROOT / "docker-compose.yml"], ids=lambda page: page.stem)
def test_every_setting_that_is_named_is_one(page: Path) -> None:
    named = set(re.findall(r"PRESSRUN_[A-Z_]*[A-Z]\b(?!__)", page.read_text()))
    assert {name for name in named if not name.startswith(NAMED_ELSEWHERE)} <= settings()


def test_every_setting_is_told_to_the_operator() -> None:
    told = (ROOT / "docs" / "reference" / "settings.md").read_text()
    assert {name for name in settings() if f"`{name}`" not in told} == set()


def rows(text: str, heading: str) -> Iterator[list[str]]:
    """The table under the row that begins with this heading, without that row."""
    lines = text.split(f"| {heading} |", 1)[1].splitlines()[2:]
    for line in lines:
        if not line.startswith("|"):
            return
        yield [cell.strip() for cell in line.strip("|").split("|")]


def test_the_pipelines_and_their_stages_are_those_of_the_code() -> None:
    told: dict[str, list[str]] = {}
    for pipeline, stage, *_ in rows(PIPELINES, "pipeline"):
        told.setdefault(pipeline.strip("`") or list(told)[-1], []).append(stage.strip("`"))
    assert told == {spec.name: list(spec.stage_names) for spec in BUILT_IN}


def test_the_findings_are_those_of_the_code() -> None:
    told = {code for codes, _ in rows(PIPELINES, "finding") for code in re.findall(r"`(\w+)`", codes)}
    assert told >= {code.value for code in Code}


def test_the_options_are_those_of_the_api() -> None:
    assert {option.strip("`") for option, *_ in rows(API, "option")} == PipelineOptions.model_fields.keys()


def test_every_reason_to_wait_is_told() -> None:
    told = API.split("**Why it waits**")[1].split("\n\n")[0]
    assert [code.value for code in WaitingCode if f"`{code.value}`" not in told] == []


def recipe() -> Mapping[str, Any]:
    names: dict[str, Any] = {}
    exec(PIPELINES.split("```python\n")[1].split("```")[0], names)
    return names


def test_a_receiver_verifies_a_message_as_the_page_says() -> None:
    secret, body, at = "whsec_" + "QUJD" * 8, '{"title":"Größe"}', datetime.now(UTC)
    signed = Webhook(secret).sign("message", at, body)
    headers = {"webhook-id": "message", "webhook-timestamp": str(int(at.timestamp())), "webhook-signature": signed}
    verified = recipe()["verified"]
    assert verified(secret, body.encode(), headers) == {"title": "Größe"}
    with pytest.raises(WebhookVerificationError):
        verified(secret, body.replace("t", "T").encode(), headers)
