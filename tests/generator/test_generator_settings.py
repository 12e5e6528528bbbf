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


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """An environment that names a model."""
    monkeypatch.setenv("PRESSRUN_OPENAI__BASE_URL", "https://models.example.com/v1")
    monkeypatch.setenv("PRESSRUN_OPENAI__MODEL", "writer-1")
    return monkeypatch


def test_without_a_base_url_the_demo_writes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PRESSRUN_OPENAI__BASE_URL", "")
    assert load_settings().openai is None


def test_a_model_is_named_by_the_environment(model: pytest.MonkeyPatch) -> None:
    model.setenv("PRESSRUN_OPENAI__API_KEY", "sk-secret\n")
    model.setenv("PRESSRUN_OPENAI__PRICES", '{"writer-1": {"input": 2, "output": 8}}')
    openai = load_settings().openai
    assert openai is not None
    assert str(openai.base_url) == "https://models.example.com/v1"
    assert openai.api_key is not None
    assert openai.api_key.get_secret_value() == "sk-secret"
    assert "secret" not in repr(openai)
    price = openai.prices.of("writer-1")
    assert price is not None
    assert price.cost(1_000_000, 500_000) == 6
    assert openai.prices.of("writer-2") is None
    assert (openai.timeout_seconds, openai.max_output_tokens, openai.image_model) == (280, None, None)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("prices.toml", '["maker/writer-1.5"]\ninput = 0.5\noutput = 1.5\n'),
        ("prices.json", '{"maker/writer-1.5": {"input": 0.5, "output": 1.5}}'),
    ],
)
def test_prices_are_read_from_a_file(model: pytest.MonkeyPatch, tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    model.setenv("PRESSRUN_OPENAI__PRICES", str(tmp_path / name))
    openai = load_settings().openai
    assert openai is not None
    price = openai.prices.of("maker/writer-1.5")
    assert price is not None
    assert (price.input, price.output) == (0.5, 1.5)


@pytest.mark.parametrize(
    ("variable", "value", "sentence"),
    [
        ("BASE_URL", "models.example.com", "PRESSRUN_OPENAI__BASE_URL: "),
        ("BASE_URL", "ftp://models.example.com", "PRESSRUN_OPENAI__BASE_URL: "),
        ("BASE_URL", "https://me:sk-secret@models.example.com/v1", "PRESSRUN_OPENAI__BASE_URL: only scheme, host"),
        ("BASE_URL", "https://models.example.com/v1?key=sk-secret", "PRESSRUN_OPENAI__BASE_URL: only scheme, host"),
        ("API_KEY", "sk-secret\nX-Other: 1", "PRESSRUN_OPENAI__API_KEY: a key has printable ASCII characters only."),
        ("API_KEY", " \n", "PRESSRUN_OPENAI__API_KEY: a key"),
        ("TIMEOUT_SECONDS", "sk-secret", "PRESSRUN_OPENAI__TIMEOUT_SECONDS: "),
        ("TIMEOUT_SECONDS", "0", "PRESSRUN_OPENAI__TIMEOUT_SECONDS: "),
        ("MAX_OUTPUT_TOKENS", "-1", "PRESSRUN_OPENAI__MAX_OUTPUT_TOKENS: "),
        ("OUTPUT_TOKENS_FIELD", "tokens", "PRESSRUN_OPENAI__OUTPUT_TOKENS_FIELD: "),
        ("PRICES", "{", "PRESSRUN_OPENAI__PRICES: the price table is not valid JSON: "),
        ("PRICES", "nowhere.toml", "PRESSRUN_OPENAI__PRICES: the price table cannot be read: No such file"),
        ("PRICES", '{"a": {"input": 1}}', "PRESSRUN_OPENAI__PRICES.a.output must be set."),
        ("PRICES", '{"a": {"input": 1, "output": -1}}', "PRESSRUN_OPENAI__PRICES.a.output: "),
        ("KEY", "sk-secret", "PRESSRUN_OPENAI__KEY is not a setting of the generator."),
    ],
)
def test_a_fault_is_named_without_its_value(
    model: pytest.MonkeyPatch, variable: str, value: str, sentence: str
) -> None:
    model.setenv(f"PRESSRUN_OPENAI__{variable}", value)
    with pytest.raises(InvalidSettings) as raised:
        load_settings()
    assert str(raised.value).startswith(sentence)
    assert len(str(raised.value).splitlines()) == 1
    assert "secret" not in str(raised.value)


def test_the_faults_of_demo_and_model_are_named_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PRESSRUN_OPENAI__API_KEY", "sk-secret")
    monkeypatch.setenv("PRESSRUN_DEMO__RATE_500", "often")
    monkeypatch.setenv("PRESSRUN_DEMO__OPENAI", "{")
    with pytest.raises(InvalidSettings) as raised:
        load_settings()
    assert [sentence.partition(" is ")[0] for sentence in str(raised.value).splitlines()] == [
        "PRESSRUN_DEMO__OPENAI",
        "PRESSRUN_OPENAI__BASE_URL must be set.",
        "PRESSRUN_OPENAI__MODEL must be set.",
        "PRESSRUN_DEMO__RATE_500",
    ]
