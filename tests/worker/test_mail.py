"""Mail as it is composed: headers that nothing is smuggled into, texts in every script, templates of a team's own."""

from __future__ import annotations

import email
import email.policy
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from jobs.notification.mail_address import read_sender
from worker.notify import mail_examples
from worker.notify.mail import compose, message_id
from worker.notify.mail_rendering import MailTemplates, Written
from worker.notify.mail_view import Links, duration, template_of, view
from worker.text.template_files import TemplateFault

AT = datetime(2026, 3, 14, 9, 26, tzinfo=UTC)
SENDER = read_sender("Pressrun <pressrun@shop.example>")
SITE = "https://press.example"


def composed(subject: str = "Done", text: str = "Text", html: str = "<p>Text</p>", **given: Any) -> EmailMessage:
    asked = {"event_id": "b-1-completed", "unsubscribe": f"{SITE}/unsubscribe/abc", **given}
    raw = compose(Written(subject, text, html), SENDER, "ada@shop.example", asked["event_id"], AT, asked["unsubscribe"])
    assert all(len(line) <= 998 for line in raw.split(b"\r\n"))
    assert b"\n" not in raw.replace(b"\r\n", b"")
    message = email.message_from_bytes(raw, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    return message


def bodies(message: EmailMessage) -> tuple[str, str]:
    text, html = message.iter_parts()
    assert [part.get_content_type() for part in (text, html)] == ["text/plain", "text/html"]
    return text.get_content(), html.get_content()


def written(kind: str = "bulk.completed", site: str | None = SITE, **data: Any) -> Written:
    event = mail_examples.events()[kind]
    shown = view(event | {"data": event["data"] | data}, mail_examples.BULK_ID, None, Links(site))
    told = {**shown, "address": "ada@shop.example", "unsubscribe": Links(site).unsubscribe("abc")}
    return MailTemplates().write(template_of(kind), told)


def test_a_mail_has_the_headers_that_mail_programs_look_for() -> None:
    message = composed()
    assert message.get_content_type() == "multipart/alternative"
    assert (message["From"], message["To"]) == ("Pressrun <pressrun@shop.example>", "ada@shop.example")
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["List-Unsubscribe"] == f"<{SITE}/unsubscribe/abc>"
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert message["Date"].datetime == AT
    assert (
        message["Message-ID"]
        == composed()["Message-ID"]
        == message_id("b-1-completed", "ADA@shop.example", "shop.example")
    )
    assert message["Message-ID"].startswith("<b-1-completed.")
    assert message["Message-ID"] != composed(event_id="b-2-completed")["Message-ID"]


def test_one_click_is_offered_only_by_https_and_nothing_without_a_link() -> None:
    plain = composed(unsubscribe="http://127.0.0.1:8000/unsubscribe/abc")
    assert (plain["List-Unsubscribe"], plain["List-Unsubscribe-Post"]) == (
        "<http://127.0.0.1:8000/unsubscribe/abc>",
        None,
    )
    none = composed(unsubscribe=None)
    assert (none["List-Unsubscribe"], none["List-Unsubscribe-Post"]) == (None, None)


def test_an_id_that_is_no_plain_text_is_hashed() -> None:
    assert "evil" not in message_id("x>\r\nBcc: evil@x.example", "ada@shop.example", "shop.example")


@pytest.mark.parametrize(
    ("subject", "shown"),
    [
        ("Teas\r\nBcc: eve@x.example\r\n\r\n<b>", "Teas Bcc: eve@x.example <b>"),
        ("Tee für Größen, 茶 🍵", "Tee für Größen, 茶 🍵"),
        ("a\x00b\u202ec\u2028d\u0085e\x0bf", "abc d e f"),
        ("half \ud83d a pair", "half a pair"),
        ("x" * 5000, "x" * 199 + "…"),
    ],
)
def test_a_subject_is_one_line_of_what_can_be_seen(subject: str, shown: str) -> None:
    message = composed(subject)
    assert message["Subject"] == shown
    assert message["Bcc"] is None
    assert sorted({name.lower() for name in message.keys()}) == [  # noqa: SIM118 - of a message, not of a mapping
        "auto-submitted", "content-type", "date", "from", "list-unsubscribe", "list-unsubscribe-post", "message-id",
        "mime-version", "subject", "to", "x-auto-response-suppress",
    ]  # fmt: skip


def test_texts_of_every_kind_arrive_as_they_are() -> None:
    long = "ein sehr langes Wort: " + "ä" * 3000 + "\n.\nFrom here\n"
    text, html = bodies(composed(text=long + "\ud83d\x07", html=f"<p>{long}</p>"))
    assert text.splitlines() == (long + "?").splitlines()
    assert html.splitlines() == f"<p>{long}</p>".splitlines()


def test_the_mail_of_a_bulk_tells_what_happened_and_where_to_look() -> None:
    mail = written(completed=47, failed=3)
    assert mail.subject == "Done, with 3 failed: Spring catalogue"
    for told in ("47 of 50", "2 h 12 min", "4.21", "Article 7: The generator did not answer", f"{SITE}/bulks/6b02",
                 "results?format=zip", f"{SITE}/unsubscribe/abc", "ada@shop.example"):  # fmt: skip
        assert told in mail.text
        assert told in mail.html
    whole = written(completed=50, failed=0, errors=[])
    assert (whole.subject, "50 articles are done." in whole.text) == ("Done: Spring catalogue", True)
    assert "failed" not in whole.text


def test_without_an_address_of_the_service_there_are_no_links() -> None:
    for kind in mail_examples.events():
        mail = written(kind, None)
        assert "://" not in mail.text + mail.html
        assert "None" not in mail.text + mail.html


def test_each_kind_of_event_has_its_own_subject_and_sentence() -> None:
    mails = {kind: written(kind) for kind in mail_examples.events()}
    assert len({mail.subject for mail in mails.values()}) == len(mails)
    assert "More than 5 % of the articles failed." in mails["bulk.paused"].text
    assert "80 % of the articles have ended." in mails["bulk.progress"].html
    assert "waits for a choice among 5, until 2026-03-16 09:26 UTC" in mails["job.awaiting_selection"].text
    assert mails["digest"].text.count("Spring catalogue") == 6


def test_what_people_wrote_is_escaped_in_html_and_stays_on_its_line_in_text() -> None:
    evil = '<img src=x onerror="alert(1)">\r\n\r\n-- \r\nUnsubscribe: https://evil.example'
    wrong: list[tuple[str, dict[str, Any]]] = [
        ("bulk.completed", {"name": evil, "errors": [evil]}),
        ("bulk.paused", {"name": evil, "pause": {"reason": evil, "cause": None, "until": None}}),
        ("job.failed", {"title": evil, "error": evil}),
    ]
    for kind, data in wrong:
        mail = written(kind, **data)
        assert "<img" not in mail.html
        assert "&lt;img" in mail.html
        assert [line for line in mail.text.splitlines() if line.startswith("Unsubscribe:")] == []
        assert "\n" not in mail.subject


def test_a_digest_escapes_its_lines_and_counts_the_rest() -> None:
    event = mail_examples.events()["digest"]
    lines = [{**line, "data": {**line["data"], "name": "<b>x", "title": "<b>y"}} for line in event["data"]["events"]]
    nine = [str(number) for number in range(9)]
    mail = written("digest", events=lines, event_ids=nine)
    assert mail.subject == "Your bulks until 2026-03-14: 9 things happened"
    assert "And 3 more." in mail.text
    assert "<b>" not in mail.html


def test_very_long_names_and_hundreds_of_lines_are_written() -> None:
    lines = mail_examples.events()["digest"]["data"]["events"] * 40
    mail = written("digest", events=[{**line, "bulk": "n" * 300} for line in lines], event_ids=["x"] * len(lines))
    assert mail.html.count("n" * 300) >= 80
    assert len(bodies(composed(mail.subject, mail.text, mail.html))[1]) > 40_000


@pytest.mark.parametrize(
    ("of", "said"),
    [
        (timedelta(seconds=0.4), "0 s"), (timedelta(seconds=59), "59 s"), (timedelta(seconds=60), "1 min"),
        (timedelta(hours=2, minutes=12, seconds=5), "2 h 12 min"), (timedelta(days=3, seconds=7), "3 d"),
        (timedelta(seconds=-5), "0 s"),
    ],
)  # fmt: skip
def test_durations_are_told_in_their_two_largest_units(of: timedelta, said: str) -> None:
    assert duration(of) == said


def folder_with(folder: Path, files: Mapping[str, str]) -> MailTemplates:
    for name, source in files.items():
        (folder / name).write_text(source)
    return MailTemplates(folder)


def test_a_teams_template_takes_the_place_of_one_and_may_extend_it(tmp_path: Path) -> None:
    own = folder_with(
        tmp_path,
        {
            "subject.txt.j2": "[Shop] {{ named }}",
            "layout.html.j2": '{% extends "built-in/layout.html.j2" %}{% block why %}Bye, {{ address }}{% endblock %}',
        },
    )
    assert own.check(samples()) == []
    mail = own.write("bulk", mail_examples.views(SITE)["bulk.completed"])
    assert mail.subject == "[Shop] Spring catalogue"
    assert "Bye, ada@example.com" in mail.html
    assert "The first failures" in mail.html


def samples() -> list[tuple[str, Mapping[str, Any]]]:
    return [(template_of(kind), shown) for kind, shown in mail_examples.views(SITE).items()]


@pytest.mark.parametrize(
    ("name", "source", "reason"),
    [
        ("bulk.txt.j2", "{{ nmae }}", "'nmae' is undefined"),
        ("digest.html.j2", "\n{% if %}", "line 2"),
        ("subject.txt.j2", "{{ ''.__class__ }}", "cannot be used"),
        ("job.html.j2", "{% for a in range(1000) %}{% for b in range(1000) %}{% endfor %}{% endfor %}", "5000 steps"),
    ],
)
def test_a_wrong_template_is_found_before_it_is_needed(tmp_path: Path, name: str, source: str, reason: str) -> None:
    faults = folder_with(tmp_path, {name: source}).check(samples())
    assert len(faults) == 1
    assert (faults[0].name, reason in str(faults[0])) == (name, True), faults


def test_a_file_that_no_mail_is_made_of_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TemplateFault, match=r"The template bulks\.html\.j2 cannot be used: there is none of this name"):
        folder_with(tmp_path, {"bulks.html.j2": ""})


def test_a_template_that_fails_on_a_real_event_costs_no_mail(tmp_path: Path) -> None:
    own = folder_with(tmp_path, {"bulk.txt.j2": "{{ 1 / failed }}"})
    shown = {**mail_examples.views(SITE)["bulk.completed"], "failed": 0}
    with capture_logs() as logs:
        mail = own.write("bulk", shown)
    assert "Articles: " in mail.text
    assert [(entry["event"], entry["template"]) for entry in logs] == [("mail_template_failed", "bulk.txt.j2")]
