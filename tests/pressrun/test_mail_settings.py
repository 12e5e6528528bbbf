"""What the settings of mail may be: faults are named before anything starts, and hold no credential."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from jobs.configuration.settings import Settings, WrongSettings, load_settings
from worker.__main__ import mail_route_of, mail_templates_of

SERVER = {"url": "smtps://ada:tr0ub4dor@mail.example", "sender": "Pressrun <press@shop.example>"}


def load(**given: Any) -> Settings:
    return load_settings({"auth": {"mode": "keys"}, **given}, {})


def start(**given: Any) -> None:
    settings = load(**given)
    mail_route_of(settings)
    mail_templates_of(settings)


def faults(**given: Any) -> dict[str, str]:
    with pytest.raises(WrongSettings) as caught:
        start(**given)
    assert "tr0ub4dor" not in repr(caught.value.faults)
    return {fault.path: fault.message for fault in caught.value.faults}


def test_without_settings_there_is_no_mail() -> None:
    settings = load()
    assert mail_route_of(settings) is None
    assert (settings.mail.digest_hour, settings.mail.domains, settings.public_url) == (7, (), None)


def test_a_servers_password_is_in_no_text_of_the_settings() -> None:
    settings = load(smtp=SERVER)
    assert "tr0ub4dor" not in repr(settings)
    assert mail_route_of(settings) is not None


@pytest.mark.parametrize(
    ("given", "path", "said"),
    [
        ({"smtp": {"url": SERVER["url"]}}, "PRESSRUN_SMTP", "PRESSRUN_SMTP__SENDER must be set too"),
        ({"smtp": {**SERVER, "url": "https://tr0ub4dor@x"}}, "PRESSRUN_SMTP__URL", "must be smtp://"),
        ({"smtp": {**SERVER, "sender": "Pressrun"}}, "PRESSRUN_SMTP__SENDER", "must be a mail address"),
        ({"smtp": {**SERVER, "starttls": "maybe"}}, "PRESSRUN_SMTP__STARTTLS", "must be 'auto'"),
        ({"smtp": {**SERVER, "ca_file": "/nowhere.pem"}}, "PRESSRUN_SMTP__CA_FILE", "No such file"),
        ({"mail": {"domains": ["@shop.example"]}}, "PRESSRUN_MAIL__DOMAINS__0", "must be a domain"),
        ({"mail": {"digest_hour": 24}}, "PRESSRUN_MAIL__DIGEST_HOUR", "less than or equal to 23"),
        ({"mail": {"templates": "/nowhere"}}, "PRESSRUN_MAIL__TEMPLATES", "the folder cannot be read"),
        ({"public_url": "press.example"}, "PRESSRUN_PUBLIC_URL", "valid URL"),
    ],
)
def test_a_wrong_setting_is_named(given: dict[str, Any], path: str, said: str) -> None:
    found = faults(**given)
    assert found.keys() == {path}
    assert said in found[path]


def test_a_wrong_template_stops_the_start_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "bulk.html.j2").write_text("\n{{ nmae }}")
    found = faults(smtp=SERVER, mail={"templates": str(tmp_path)})
    assert "bulk.html.j2, line 2" in found["PRESSRUN_MAIL__TEMPLATES"]
