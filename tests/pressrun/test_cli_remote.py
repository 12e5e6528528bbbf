from __future__ import annotations

import pytest

from jobs.errors import Fault, InvalidInput
from pressrun.refusals import AnswerLost, Refused, ServiceAway, UnexpectedAnswer
from pressrun.remote import Remote
from tests.pressrun.scripted_service import BULK, Answer, ScriptedService, bulk_answer

BULK_PATH = f"/api/bulk-generate/{BULK}"
BUSY = Answer({"error": "The database does not answer"}, 503, {"Retry-After": "3"})


def test_the_key_and_the_user_are_sent(service: ScriptedService) -> None:
    service.answers("GET", "/api/limits", {"limits": {}})
    with Remote(f"{service.url}/", "pk_1", "anna") as remote:
        assert remote.limits() == {"limits": {}}
    assert service.asked[0].headers["authorization"] == "Bearer pk_1"
    assert service.asked[0].headers["x-pressrun-user"] == "anna"


def test_a_root_path_of_the_service_is_kept(service: ScriptedService) -> None:
    service.answers("GET", "/press/api/limits", {"limits": {}})
    with Remote(f"{service.url}/press/") as remote:
        assert remote.limits() == {"limits": {}}


@pytest.mark.parametrize(
    "url",
    [
        "127.0.0.1:8000",
        "localhost:8000",
        "ftp://host",
        "http://",
        "",
        "http://a:b@host",
        "http://h:99999",
        "http://\udcff",
    ],
)
def test_what_is_no_address_is_refused_before_anything_is_sent(url: str) -> None:
    with pytest.raises(InvalidInput):
        Remote(url)


def test_a_key_that_no_header_can_hold_is_refused_without_being_shown() -> None:
    with pytest.raises(InvalidInput) as refused:
        Remote("http://127.0.0.1:8000", "geheim\n")
    assert "geheim" not in str(refused.value)


def test_a_read_is_repeated_while_the_service_asks_to_come_back(service: ScriptedService) -> None:
    service.answers("GET", BULK_PATH, BUSY, BUSY, BUSY, bulk_answer())
    pauses: list[float] = []
    with Remote(service.url, sleep=pauses.append) as remote:
        assert remote.bulk(BULK)["bulk_job"]["_id"] == BULK
    assert pauses == [3, 3, 3]


def test_a_read_is_given_up_after_three_repeats(service: ScriptedService, remote: Remote) -> None:
    service.answers("GET", BULK_PATH, BUSY)
    with pytest.raises(Refused, match=r"The database does not answer \(try again in 3 s\)\."):
        remote.bulk(BULK)
    assert len(service.asked) == 4


def test_nobody_waits_at_the_terminal_for_a_long_retry_after(service: ScriptedService, remote: Remote) -> None:
    service.answers("GET", BULK_PATH, Answer({"error": "Too many"}, 429, {"Retry-After": "600"}))
    with pytest.raises(Refused, match="try again in 600 s"):
        remote.bulk(BULK)
    assert len(service.asked) == 1


def test_a_control_is_sent_once(service: ScriptedService, remote: Remote) -> None:
    service.answers("POST", f"{BULK_PATH}/cancel", BUSY)
    with pytest.raises(Refused):
        remote.control(BULK, "cancel")
    assert len(service.asked) == 1


def test_a_submission_whose_answer_is_lost_is_repeated_under_the_same_key(
    service: ScriptedService, remote: Remote
) -> None:
    lost = Answer(b'{"success"', breaks_off=True)
    still_running = Answer({"error": "The first is still being worked on"}, 409, {"Retry-After": "1"})
    service.answers("POST", "/api/bulk-generate", lost, still_running, {"bulk_job_id": BULK})
    assert remote.submit({"mode": "topic"}) == {"bulk_job_id": BULK}
    keys = {asked.headers["idempotency-key"] for asked in service.asked}
    assert len(service.asked) == 3
    assert len(keys) == 1


def test_two_submissions_have_two_keys(service: ScriptedService, remote: Remote) -> None:
    service.answers("POST", "/api/bulk-generate", {})
    remote.submit({})
    remote.submit({})
    assert len({asked.headers["idempotency-key"] for asked in service.asked}) == 2


@pytest.mark.parametrize("value", [float("nan"), "\ud800"])
def test_what_json_cannot_say_is_refused_before_it_is_sent(
    service: ScriptedService, remote: Remote, value: object
) -> None:
    with pytest.raises(InvalidInput, match="JSON"):
        remote.submit({"items": [{"topic": value}]})
    assert not service.asked


def test_a_conflict_is_not_repeated(service: ScriptedService, remote: Remote) -> None:
    service.answers("POST", "/api/bulk-generate", Answer({"error": "Budget is spent"}, 409))
    with pytest.raises(Refused, match="Budget is spent"):
        remote.submit({})
    assert len(service.asked) == 1


def test_an_answer_that_breaks_off_is_lost(service: ScriptedService, remote: Remote) -> None:
    service.answers("POST", f"{BULK_PATH}/pause", Answer(b"{", breaks_off=True))
    with pytest.raises(AnswerLost):
        remote.control(BULK, "pause")


def test_the_details_of_a_refusal_become_its_faults(service: ScriptedService, remote: Remote) -> None:
    details = [{"path": "items.3.topic", "message": "is missing"}, "nonsense"]
    service.answers("POST", "/api/bulk-generate", Answer({"error": "Invalid", "details": details}, 400))
    with pytest.raises(Refused) as refused:
        remote.submit({})
    (fault,) = refused.value.faults
    assert (fault.path, fault.message) == ("items.3.topic", "is missing")
    assert isinstance(fault, Fault)


@pytest.mark.parametrize(
    ("key", "sentence"),
    [
        (None, "Unauthorized: give an API key with --key or PRESSRUN_API_KEY."),
        ("pk_1", "Unauthorized: the service does not accept this API key."),
    ],
)
def test_who_is_not_let_in_is_told_what_to_do(service: ScriptedService, key: str | None, sentence: str) -> None:
    service.answers("GET", "/api/limits", Answer({"error": "Unauthorized"}, 401))
    with Remote(service.url, key) as remote, pytest.raises(Refused) as refused:
        remote.limits()
    assert str(refused.value) == sentence


@pytest.mark.parametrize("sentence", ["Forbidden", "There is no such bulk.", "A bulk that is {completed}"])
@pytest.mark.parametrize("status", [403, 404, 409, 413, 500])
def test_the_sentence_of_the_service_is_passed_on(
    service: ScriptedService, remote: Remote, status: int, sentence: str
) -> None:
    service.answers("GET", BULK_PATH, Answer({"error": sentence}, status))
    with pytest.raises(Refused) as refused:
        remote.bulk(BULK)
    assert str(refused.value) == sentence


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (Answer(b"<html>", headers={"content-type": "text/html; charset=utf-8"}), "text/html instead"),
        (Answer([1]), "instead of a JSON object"),
        (Answer({"detail": "Not Found"}, 404), "it answers 404 with application/json"),
        (Answer(b"", 302, {"location": "https://elsewhere/"}), "it sends on to https://elsewhere/"),
    ],
)
def test_what_is_not_pressrun_is_said_so(service: ScriptedService, remote: Remote, answer: Answer, reason: str) -> None:
    service.answers("GET", "/api/limits", answer)
    with pytest.raises(UnexpectedAnswer) as unexpected:
        remote.limits()
    assert reason in str(unexpected.value)
    assert service.url in str(unexpected.value)


def test_a_gateway_without_its_service_counts_as_passing(service: ScriptedService, remote: Remote) -> None:
    service.answers("GET", BULK_PATH, Answer(b"<html>Bad gateway", 502, {"content-type": "text/html"}))
    with pytest.raises(Refused) as refused:
        remote.bulk(BULK)
    assert refused.value.passing
    assert str(refused.value) == f"The service at {service.url} is not available just now (502)."


def test_a_name_that_does_not_resolve_is_told_with_its_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.setenv("no_proxy", "*")
    with Remote("http://no-such-host.invalid") as remote, pytest.raises(ServiceAway) as away:
        remote.limits()
    assert "no-such-host.invalid (" in str(away.value)
