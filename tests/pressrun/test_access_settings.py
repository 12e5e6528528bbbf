"""What the settings about who may call can be, and what is said of what they cannot be."""

from __future__ import annotations

from typing import Any

import pytest

from jobs.configuration.settings import Settings, WrongSettings, load_settings

SECRET = "a-secret-of-the-application-0123456789"


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch) -> Any:
    def loaded(**environment: str) -> Settings:
        given = {"AUTH__MODE": "sessions", **environment}
        for name, value in given.items():
            monkeypatch.setenv(f"PRESSRUN_{name}", value)
        return load_settings(environment={f"PRESSRUN_{name}": value for name, value in given.items()})

    return loaded


def test_lists_are_given_with_commas_or_as_json(load: Any) -> None:
    settings = load(
        AUTH__SECRETS=f"{SECRET}, {SECRET}-before",
        AUTH__ORIGINS='["https://App.example.com/", "http://localhost:3000"]',
        AUTH__ADMINS="ada, grace",
        SERVICE__TRUSTED_PROXIES="10.1.2.3/8,::1",
    )
    assert [secret.get_secret_value() for secret in settings.auth.secrets] == [SECRET, f"{SECRET}-before"]
    assert settings.auth.origins == ("https://app.example.com", "http://localhost:3000")
    assert settings.auth.admins == ("ada", "grace")
    assert settings.service.trusted_proxies == ("10.0.0.0/8", "::1/128")


def test_a_secret_that_holds_a_comma_is_given_in_json(load: Any) -> None:
    (secret,) = load(AUTH__SECRETS=f'["{SECRET},and more"]').auth.secrets
    assert secret.get_secret_value() == f"{SECRET},and more"


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("AUTH__SECRETS", "short", "must have at least 16 characters"),
        ("AUTH__SECRETS", '["unfinished', "is no valid JSON list"),
        ("AUTH__ORIGINS", "https://app.example.com/path", "must be an origin like https://app.example.com"),
        ("AUTH__ORIGINS", "*", "must be an origin like https://app.example.com"),
        ("AUTH__COOKIE", "a name", "must be a cookie's name"),
        ("AUTH__MODE", "open", "must be 'off', 'keys' or 'sessions'"),
        ("SERVICE__TRUSTED_PROXIES", "everybody", "must be an address or a network like 10.0.0.0/8"),
        ("USER__OPEN_BULKS", "0", "must be greater than or equal to 1"),
    ],
)
def test_what_is_wrong_is_said_and_no_value_is_shown(load: Any, name: str, value: str, sentence: str) -> None:
    with pytest.raises(WrongSettings) as refused:
        load(**{name: value})
    (fault,) = refused.value.faults
    assert fault.path.startswith(f"PRESSRUN_{name}")
    assert sentence in fault.message
    assert value not in fault.message
