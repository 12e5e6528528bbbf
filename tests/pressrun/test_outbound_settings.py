"""The settings about requests to elsewhere, and the key that `pressrun dev` makes for itself."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from jobs.configuration.settings import Settings, WrongSettings, load_settings
from jobs.errors import SecretUnreadable
from jobs.storage.encryption import Cipher
from pressrun.compose import rules_of
from pressrun.own_key import NAME, with_own_key

KEY = "0123456789abcdef0123456789abcdef"
PROVIDER = {"name": "pim", "url": "https://pim.example/{external_id}?q={topic}", "headers": {"X-Key": "s3cr3t"}}


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch) -> Any:
    def loaded(**environment: str) -> Settings:
        given = {f"PRESSRUN_{name}": value for name, value in {"AUTH__MODE": "off", **environment}.items()}
        for name, value in given.items():
            monkeypatch.setenv(name, value)
        return load_settings(environment=given)

    return loaded


def test_nothing_is_excepted_encrypted_or_asked_where_nothing_is_set(load: Any) -> None:
    settings = load()
    assert (settings.outbound.allow, settings.outbound.timeout_seconds) == ((), 20)
    assert (settings.encryption.keys, settings.context.providers) == ((), ())


def test_all_of_it_can_come_from_the_environment(load: Any) -> None:
    settings = load(
        OUTBOUND__ALLOW='["http://cms:8080"]',
        OUTBOUND__TIMEOUT_SECONDS="7.5",
        ENCRYPTION__KEYS=json.dumps([KEY]),
        CONTEXT__PROVIDERS=json.dumps([PROVIDER]),
    )
    assert (settings.outbound.allow, settings.outbound.timeout_seconds) == (("http://cms:8080",), 7.5)
    (provider,) = settings.context.providers
    assert (provider.timeout_seconds, provider.cache_seconds, provider.most_bytes) == (5, 600, 256 * 1024)
    assert (provider.slot, provider.headers["X-Key"].get_secret_value()) == ("other", "s3cr3t")
    assert KEY not in repr(settings)
    assert "s3cr3t" not in repr(settings)


def test_providers_can_stand_in_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    text = '[auth]\nmode = "off"\n[[context.providers]]\nname = "pim"\nurl = "https://pim.example/?q={topic}"\n'
    (tmp_path / "pressrun.toml").write_text(text + 'slot = "product"\n')
    assert [provider.slot for provider in load_settings(environment={}).context.providers] == ["product"]


@pytest.mark.parametrize(
    ("name", "value", "path", "said"),
    [
        ("OUTBOUND__ALLOW", "http://cms:8080", "OUTBOUND", "holds what is not valid JSON"),
        ("OUTBOUND__TIMEOUT_SECONDS", "0", "OUTBOUND__TIMEOUT_SECONDS", "must be greater than 0"),
        ("OUTBOUND__PROXY", "x", "OUTBOUND__PROXY", "is no setting of Pressrun"),
        ("ENCRYPTION__KEYS", f'["{KEY}', "ENCRYPTION", "holds what is not valid JSON"),
        ("ENCRYPTION__KEYS", f'["{KEY}", "{KEY[1:]}"]', "ENCRYPTION__KEYS__1", "must have at least 32 characters"),
        ("CONTEXT__PROVIDERS", "[{}]", "CONTEXT__PROVIDERS__0__NAME", "must be set"),
        ("CONTEXT__PROVIDERS", json.dumps([PROVIDER] * 2), "CONTEXT__PROVIDERS", "must have names that differ"),
        ("CONTEXT__PROVIDERS", json.dumps([PROVIDER] * 21), "CONTEXT__PROVIDERS", "at most 20"),
        (
            *("CONTEXT__PROVIDERS", json.dumps([{**PROVIDER, "url": "https://pim.example/{params}"}])),
            *("CONTEXT__PROVIDERS__0__URL", "may hold no {params}: there are topic, "),
        ),
        (
            *("CONTEXT__PROVIDERS", json.dumps([{**PROVIDER, "slot": "news"}])),
            *("CONTEXT__PROVIDERS__0__SLOT", "must be 'competitor', 'product', 'seo' or 'other'"),
        ),
        (
            *("CONTEXT__PROVIDERS", json.dumps([{**PROVIDER, "timeout_seconds": 61}])),
            *("CONTEXT__PROVIDERS__0__TIMEOUT_SECONDS", "must be less than or equal to 60"),
        ),
    ],
)
def test_a_wrong_one_stops_the_start_and_is_named_without_its_value(
    load: Any, name: str, value: str, path: str, said: str
) -> None:
    with pytest.raises(WrongSettings) as refusal:
        load(**{name: value})
    found = {fault.path: fault.message for fault in refusal.value.faults}
    assert said in found[f"PRESSRUN_{path}"]
    assert not found[f"PRESSRUN_{path}"].startswith("Value error")
    for secret in (KEY[1:], "s3cr3t"):
        assert secret not in repr(found)


def test_the_first_key_encrypts_and_all_decrypt(load: Any) -> None:
    other = KEY[::-1]
    cipher = rules_of(load(ENCRYPTION__KEYS=json.dumps([KEY, other]))).cipher
    assert cipher.decrypt(Cipher([other]).encrypt("whsec_x")) == "whsec_x"
    assert Cipher([KEY]).decrypt(cipher.encrypt("whsec_x")) == "whsec_x"


def test_dev_makes_a_key_once_that_nobody_else_can_read(load: Any, tmp_path: Path) -> None:
    (first,) = with_own_key(load(), tmp_path).encryption.keys
    (again,) = with_own_key(load(), tmp_path).encryption.keys
    assert first == again
    assert len(first.get_secret_value()) >= 32
    assert (tmp_path / NAME).stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == [NAME]


def test_a_key_that_is_set_later_goes_before_devs_own(load: Any, tmp_path: Path) -> None:
    encrypted = rules_of(with_own_key(load(), tmp_path)).cipher.encrypt("whsec_x")
    cipher = rules_of(with_own_key(load(ENCRYPTION__KEYS=json.dumps([KEY])), tmp_path)).cipher
    assert cipher.decrypt(encrypted) == "whsec_x"
    assert Cipher([KEY]).decrypt(cipher.encrypt("whsec_y")) == "whsec_y"
    with pytest.raises(SecretUnreadable):
        Cipher([KEY]).decrypt(encrypted)


def test_half_a_key_that_a_kill_left_is_not_taken_for_one(load: Any, tmp_path: Path) -> None:
    half = (tmp_path / NAME).with_suffix(".new")
    half.write_text("abc")
    (key,) = with_own_key(load(), tmp_path).encryption.keys
    assert len(key.get_secret_value()) >= 32
    assert not half.exists()
