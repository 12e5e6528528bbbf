"""The commands about what waits for a person, and the one that sends a job back."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from typer.testing import Result

from jobs.errors import InvalidInput
from pressrun.refusals import Refused, UnexpectedAnswer
from tests.pressrun.scripted_service import BULK, JOB, Answer, ScriptedService

Invoke = Callable[..., Result]
SELECTIONS = "/api/selections"


def waiting(number: int, **fields: Any) -> dict[str, Any]:
    return {
        "job_id": f"{number:024x}",
        "bulk_job_id": BULK,
        "topic": f"Topic {number}",
        "keywords": None,
        "trend": None,
        "source_url": None,
        "external_id": None,
        "queue_position": number,
        "stage": "selection",
        "options": [{"title": "First"}, {"title": "[red]Second\x1b[0m", "summary": "s"}],
        "recommended": 1,
        "until": None,
        "asked_at": "2026-11-03T10:00:00.000Z",
        **fields,
    }


def page(*found: dict[str, Any], cursor: str | None = None) -> dict[str, Any]:
    return {"selections": list(found), "next_cursor": cursor}


def controlled(message: str) -> dict[str, Any]:
    return {"success": True, "message": message, "status": "queued"}


def test_what_waits_is_listed_with_its_options_counted_from_one(invoke: Invoke, service: ScriptedService) -> None:
    service.answers("GET", SELECTIONS, page(waiting(7, until="2026-11-04T10:00:00.000Z"), waiting(8, topic=None)))
    result = invoke("selections", "--bulk", BULK.upper(), "--limit", "5")
    assert result.exit_code == 0
    first, *options, other, _, _ = result.stdout.splitlines()
    assert first.startswith(f"Job {7:024x}  Topic 7  (#7, else the recommended one at 2026-11-04 ")
    assert options == ["    1  First", "  * 2  [red]Second [0m"]
    assert other == f"Job {8:024x}  (#8)"
    assert service.asked[0].query == {"bulk_job_id": BULK, "limit": "5"}


def test_an_option_without_a_title_is_shown_as_it_is(invoke: Invoke, service: ScriptedService) -> None:
    service.answers("GET", SELECTIONS, page(waiting(7, options=[{"colour": "red"}], recommended=0)))
    assert "  * 1  {'colour': 'red'}" in invoke("selections").stdout


def test_that_nothing_waits_is_said_so(invoke: Invoke, service: ScriptedService) -> None:
    service.answers("GET", SELECTIONS, page())
    assert invoke("selections").stdout == "No job waits for a person to choose.\n"


def test_a_long_list_of_selections_is_fetched_page_by_page(invoke: Invoke, service: ScriptedService) -> None:
    some = [waiting(number) for number in range(1, 51)]
    service.answers("GET", SELECTIONS, page(*some, cursor="c1"), page(*some[:20], cursor="c2"))
    answer = json.loads(invoke("selections", "--limit", "70", "--json").stdout)
    assert (len(answer["selections"]), answer["next_cursor"]) == (70, "c2")
    assert [asked.query for asked in service.asked] == [{"limit": "50"}, {"limit": "20", "cursor": "c1"}]


def test_a_list_of_another_shape_is_told_with_its_field(invoke: Invoke, service: ScriptedService) -> None:
    service.answers("GET", SELECTIONS, page(waiting(7, options=None)))
    result = invoke("selections")
    assert isinstance(result.exception, UnexpectedAnswer)
    assert "selections.0.options" in str(result.exception)


def test_an_option_is_chosen_as_people_count(invoke: Invoke, service: ScriptedService) -> None:
    service.answers("POST", f"/api/jobs/{JOB}/select", controlled("Choice taken"))
    result = invoke("select", JOB, "2")
    assert (result.exit_code, result.stdout) == (0, "Option 2 is chosen.\n")
    assert service.asked[0].body == {"choice": 1}


@pytest.mark.parametrize("number", ["0", "-1"])
def test_an_option_that_cannot_be_there_is_refused_before_the_service_is_asked(
    invoke: Invoke, service: ScriptedService, number: str
) -> None:
    result = invoke("select", JOB, "--", number)
    assert isinstance(result.exception, InvalidInput)
    assert not service.asked


@pytest.mark.parametrize("number", ["x", "1.5", ""])
def test_what_is_no_number_is_refused(invoke: Invoke, service: ScriptedService, number: str) -> None:
    assert invoke("select", JOB, number).exit_code == 2
    assert not service.asked


def test_an_option_that_is_not_there_is_told_as_people_count(invoke: Invoke, service: ScriptedService) -> None:
    fault = {"path": "choice", "message": "must be the number of an option, from 0 to 2"}
    answer = Answer({"error": "The request is not valid.", "details": [fault]}, 400)
    service.answers("POST", f"/api/jobs/{JOB}/select", answer)
    result = invoke("select", JOB, "9")
    assert isinstance(result.exception, InvalidInput)
    assert str(result.exception) == "There is no option 9: `pressrun selections` shows them."


def test_a_choice_that_comes_too_late_is_told_in_the_words_of_the_service(
    invoke: Invoke, service: ScriptedService
) -> None:
    service.answers("POST", f"/api/jobs/{JOB}/select", Answer({"error": "The deadline has passed."}, 409))
    result = invoke("select", JOB, "1")
    assert isinstance(result.exception, Refused)
    assert str(result.exception) == "The deadline has passed."


@pytest.mark.parametrize(
    ("approved", "sentence"),
    [
        (0, "No job of this bulk waits for a person to choose."),
        (1, "Chosen as recommended, for 1 job."),
        (3, "Chosen as recommended, for 3 jobs."),
    ],
)
def test_a_bulk_is_approved(invoke: Invoke, service: ScriptedService, approved: int, sentence: str) -> None:
    answer = {"success": True, "message": "ok", "approved": approved}
    service.answers("POST", f"{SELECTIONS}/approve", answer)
    assert invoke("approve", BULK).stdout == f"{sentence}\n"
    assert service.asked[0].body == {"bulk_job_id": BULK}


@pytest.mark.parametrize(
    ("options", "body"), [([], {}), (["--from-stage", "template-assembly"], {"from_stage": "template-assembly"})]
)
def test_one_job_is_sent_back(
    invoke: Invoke, service: ScriptedService, options: list[str], body: dict[str, Any]
) -> None:
    service.answers("POST", f"/api/jobs/{JOB}/retry", controlled("Job sent back to the queue"))
    assert invoke("retry-job", JOB, *options).stdout == "Job sent back to the queue.\n"
    assert service.asked[0].body == body


@pytest.mark.parametrize("wrong", ["", "65f0", "..", f"{BULK}/../x", "zzf0a1b2c3d4e5f6a7b8c9d0"])
@pytest.mark.parametrize("command", [["select", "1"], ["retry-job"], ["approve"], ["selections", "--bulk"]])
def test_what_is_no_id_of_a_job_or_bulk_is_refused_before_the_service_is_asked(
    invoke: Invoke, service: ScriptedService, command: list[str], wrong: str
) -> None:
    name, *rest = command
    arguments = [*rest, wrong] if rest == ["--bulk"] else [wrong, *rest]
    result = invoke(name, *arguments)
    assert isinstance(result.exception, InvalidInput)
    assert "is not the id of a" in str(result.exception)
    assert not service.asked
