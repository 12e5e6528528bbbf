"""The commands about requests that are kept, and the one that submits a bulk again."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from typer.testing import Result

from jobs.errors import InvalidInput
from pressrun.refusals import Refused
from tests.pressrun.scripted_service import BULK, Answer, ScriptedService

Invoke = Callable[..., Result]
TEMPLATES = "/api/templates"
QUEUED = {"success": True, "bulk_job_id": BULK, "total_items": 2, "message": "Bulk generation queued"}


def template(number: int, name: str, **fields: Any) -> dict[str, Any]:
    created = {"created_at": "2026-11-03T10:00:00.000Z", "changed_at": "2026-11-03T10:00:00.000Z"}
    return {
        "id": f"{number:024x}",
        "name": name,
        "mode": "topic",
        "pipeline": None,
        "total_items": 1,
        **created,
        **fields,
    }


def page(*found: dict[str, Any], cursor: str | None = None) -> dict[str, Any]:
    return {"templates": list(found), "next_cursor": cursor}


def test_templates_of_all_pages_are_listed_with_what_they_make(invoke: Invoke, service: ScriptedService) -> None:
    first = page(template(1, "Teas\x1b[31m"), template(2, "Blog", pipeline="blog", total_items=12), cursor="c")
    service.answers("GET", TEMPLATES, first, page(template(3, "Half", mode=None, total_items=0)))
    result = invoke("templates", "list")
    assert result.exit_code == 0
    assert result.stdout.splitlines()[1:] == ["Blog  (topic, blog; 12 items)", "Half  (not said; 0 items)"]
    assert result.stdout.startswith("Teas")
    assert "\x1b" not in result.stdout
    assert [asked.query.get("cursor") for asked in service.asked] == [None, "c"]


def test_the_list_as_json_has_all_that_was_answered(invoke: Invoke, service: ScriptedService) -> None:
    service.answers("GET", TEMPLATES, page(template(1, "Teas"), cursor="c"), page(template(2, "Milks")))
    assert json.loads(invoke("templates", "list", "--json").stdout) == {
        "templates": [template(1, "Teas"), template(2, "Milks")]
    }


def test_without_templates_it_is_said_how_to_make_one(invoke: Invoke, service: ScriptedService) -> None:
    service.answers("GET", TEMPLATES, page())
    assert "pressrun templates save NAME BULK_ID" in invoke("templates", "list").stdout


def test_a_bulk_is_kept_under_a_name(invoke: Invoke, service: ScriptedService) -> None:
    service.answers("POST", TEMPLATES, {"success": True, "template": template(1, "Teas", total_items=10)})
    result = invoke("templates", "save", "Teas", BULK)
    assert (result.exit_code, result.stdout) == (0, "Kept as Teas: 10 items.\n")
    assert service.asked[0].body == {"name": "Teas", "bulk_job_id": BULK}


def test_a_template_is_submitted_by_its_name_wherever_it_stands(invoke: Invoke, service: ScriptedService) -> None:
    service.answers("GET", TEMPLATES, page(template(1, "Teas"), cursor="c"), page(template(2, "Milks")))
    service.answers("POST", f"{TEMPLATES}/{2:024x}/submit", QUEUED)
    result = invoke("templates", "submit", "Milks", "--name", "Spring")
    assert result.exit_code == 0
    assert f"Bulk {BULK} is queued: 2 articles." in result.stdout
    assert f"pressrun status {BULK} --watch --url {service.url}" in result.stdout
    sent = service.asked[-1]
    assert sent.body == {"name": "Spring"}
    assert sent.headers["idempotency-key"]


def test_a_template_is_deleted_by_its_name(invoke: Invoke, service: ScriptedService) -> None:
    service.answers("GET", TEMPLATES, page(template(1, "Teas")))
    service.answers("DELETE", f"{TEMPLATES}/{1:024x}", {"success": True, "message": "Template removed"})
    assert invoke("templates", "delete", "Teas").stdout == "The template Teas is deleted.\n"
    assert service.asked_for("DELETE", f"{TEMPLATES}/{1:024x}")


def test_a_name_that_no_template_has_is_a_sentence(invoke: Invoke, service: ScriptedService) -> None:
    service.answers("GET", TEMPLATES, page(template(1, "Teas")))
    for command in ("submit", "delete"):
        result = invoke("templates", command, "teas")
        assert isinstance(result.exception, InvalidInput)
        assert str(result.exception) == "There is no template 'teas': `pressrun templates list` shows them."
    assert {asked.method for asked in service.asked} == {"GET"}


def test_a_bulk_is_submitted_again_once_however_often_it_is_asked(invoke: Invoke, service: ScriptedService) -> None:
    path = f"/api/bulk-generate/{BULK}/again"
    service.answers("POST", path, Answer(b"{", breaks_off=True), QUEUED)
    result = invoke("again", BULK)
    assert result.exit_code == 0
    assert f"Bulk {BULK} is queued: 2 articles." in result.stdout
    keys = [asked.headers["idempotency-key"] for asked in service.asked_for("POST", path)]
    assert len(keys) == 2
    assert keys[0] == keys[1]


def test_what_is_refused_is_told_with_its_places(invoke: Invoke, service: ScriptedService) -> None:
    details = [{"path": "pipeline", "message": "there is no such pipeline"}]
    service.answers("POST", f"/api/bulk-generate/{BULK}/again", Answer({"error": "No.", "details": details}, 400))
    result = invoke("again", BULK)
    assert isinstance(result.exception, Refused)
    assert [fault.path for fault in result.exception.faults] == ["pipeline"]
