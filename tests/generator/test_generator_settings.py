"""The generator's settings: defaults, and every fault named in a sentence."""

from __future__ import annotations

from pathlib import Path

import pytest

from generator.settings import InvalidSettings, load_settings


def test_defaults_are_two_seconds_and_no_failures() -> None:
    settings = load_settings()
    assert settings.latency_seconds == 2
    assert settings.store_file == Path(".pressrun/generator.jsonl")
    assert (settings.rate_500, settings.rate_429, settings.rate_hang, settings.rate_garbage) == (0, 0, 0, 0)


def test_the_environment_sets_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PRESSRUN_DEMO__LATENCY_SECONDS", "0.5")
    monkeypatch.setenv("PRESSRUN_DEMO__STORE_FILE", "")
    monkeypatch.setenv("PRESSRUN_GENERATOR__URL", "http://127.0.0.1:8100")
    settings = load_settings()
    assert settings.latency_seconds == 0.5
    assert settings.store_file is None


def test_every_fault_is_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PRESSRUN_DEMO__LATENCY", "1")
    monkeypatch.setenv("PRESSRUN_DEMO__RATE_500", "often")
    monkeypatch.setenv("PRESSRUN_DEMO__LATENCY_JITTER", "2")
    with pytest.raises(InvalidSettings) as raised:
        load_settings()
    sentences = str(raised.value).splitlines()
    assert sentences[0] == "PRESSRUN_DEMO__LATENCY is not a setting of the generator."
    assert sentences[1].startswith("PRESSRUN_DEMO__LATENCY_JITTER is '2': ")
    assert sentences[2].startswith("PRESSRUN_DEMO__RATE_500 is 'often': ")
    assert len(sentences) == 3
    assert "http" not in str(raised.value)


def test_an_unknown_variable_alone_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PRESSRUN_DEMO__SPEED", "11")
    with pytest.raises(InvalidSettings, match=r"^PRESSRUN_DEMO__SPEED is not a setting of the generator\.$"):
        load_settings()


def test_rates_that_exceed_all_calls_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PRESSRUN_DEMO__RATE_500", "0.6")
    monkeypatch.setenv("PRESSRUN_DEMO__RATE_HANG", "0.6")
    with pytest.raises(InvalidSettings, match=r"add up to 1\.2"):
        load_settings()
