"""What whoever runs Pressrun does: check everything, make and take back keys, start with wrong settings."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest

from tests.support.deployment import ADDRESS
from tests.support.processes import run, started
from tests.support.scripted_generator import ScriptedGenerator

NOWHERE = "http://127.0.0.1:9"


@pytest.fixture
async def settings(mongodb_uri: str, mongodb_database: str) -> AsyncIterator[dict[str, str]]:
    async with ScriptedGenerator() as generator:
        yield {
            "PRESSRUN_MONGODB__URI": mongodb_uri,
            "PRESSRUN_MONGODB__DATABASE": mongodb_database,
            "PRESSRUN_GENERATOR__URL": generator.url,
            "PRESSRUN_IDEAS__URL": generator.url,
            "PRESSRUN_AUTH__MODE": "keys",
            "PRESSRUN_SERVICE__PORT": "0",
        }


async def test_check_reaches_everything_and_installs_the_rules(settings: dict[str, str], tmp_path: Path) -> None:
    code, said = await run("check", "--install", environment=settings, folder=tmp_path)
    assert code == 0, said
    assert [line.split()[:2] for line in said.splitlines()] == [
        ["ok", "settings:"],
        ["ok", "database:"],
        ["ok", "format:"],
        ["ok", "workers:"],
        ["ok", "services:"],
        ["ok", "indexes:"],
        ["ok", "documents:"],
        ["ok", "rules:"],
        ["ok", "generator:"],
        ["ok", "ideas:"],
        ["ok", "pipelines:"],
        ["ok", "mail:"],
    ]
    warning = "authentication: keys; PRESSRUN_AUTH__SECRETS is not set, so nobody can sign in on the pages"
    assert warning in said.splitlines()[0]


async def test_check_says_what_is_wrong_in_a_sentence_and_exits_1(settings: dict[str, str], tmp_path: Path) -> None:
    wrong = {
        **settings,
        "PRESSRUN_GENERATOR__URL": NOWHERE,
        "PRESSRUN_IMAGES__URL": NOWHERE,
        "PRESSRUN_PIPELINES": "nowhere",
        "PRESSRUN_MONGODB__URI": "mongodb://user:secret@127.0.0.1:9/?serverSelectionTimeoutMS=200",
    }
    code, said = await run("check", environment=wrong, folder=tmp_path)
    assert code == 1
    assert "WRONG database" in said
    assert f"WRONG generator: {NOWHERE} cannot be reached" in said
    assert f"WRONG images: {NOWHERE} cannot be reached" in said
    assert "WRONG pipelines: The pipelines of nowhere cannot be used: ModuleNotFoundError" in said
    assert "secret" not in said
    assert "Traceback" not in said


async def test_check_names_a_context_provider_that_could_not_be_asked(settings: dict[str, str], tmp_path: Path) -> None:
    providers = '[{"name": "pim", "url": "http://10.0.0.1/{topic}"}]'
    environment = {**settings, "PRESSRUN_CONTEXT__PROVIDERS": providers}
    code, said = await run("check", environment=environment, folder=tmp_path)
    assert code == 1
    assert "WRONG pipelines: PRESSRUN_CONTEXT__PROVIDERS__0__URL: The URL must begin with https://." in said


async def test_wrong_settings_stop_the_start_with_every_fault_named(tmp_path: Path) -> None:
    wrong = {"PRESSRUN_WORKER__SLOTS": "0", "PRESSRUN_WORKER__SLOT": "1", "PRESSRUN_SERVICE__PORT": "eight"}
    code, said = await run("service", environment=wrong, folder=tmp_path)
    assert code == 2
    for name in (*wrong, "PRESSRUN_AUTH"):
        assert name in said
    assert "Traceback" not in said


async def test_a_key_works_until_it_is_revoked(settings: dict[str, str], tmp_path: Path) -> None:
    arguments: tuple[str, ...] = ("keys", "create", "--user", "alice", "--scope", "write", "--name", "laptop")
    code, said = await run(*arguments, "--email", "no address", environment=settings, folder=tmp_path)
    assert (code, "must be one mail address" in said) == (2, True)
    arguments += ("--email", "alice@shop.example", "--expires", "30")
    code, said = await run(*arguments, environment=settings, folder=tmp_path)
    assert code == 0, said
    text, told = said.splitlines()[0], said.splitlines()[1]
    assert re.search(r"scope write, expires \d{4}-\d\d-\d\d \d\d:\d\d UTC\.", told), told
    key_id = told.split()[1]
    serving = started("service", environment=settings, folder=tmp_path, ready=f"(?=.*service_started).*{ADDRESS}")
    async with serving as (_, ready), httpx2.AsyncClient(base_url=ready[1], trust_env=False) as api:
        headers = {"Authorization": f"Bearer {text}"}
        assert (await api.get("/api/bulk-generate")).status_code == 401
        assert (await api.get("/api/bulk-generate", headers=headers)).status_code == 200
        preferences = (await api.get("/api/notifications/preferences", headers=headers)).json()
        assert preferences["own_address"] == "alice@shop.example"
        _, listed = await run("keys", "list", environment=settings, folder=tmp_path)
        assert "alice" in listed
        assert re.search(r"made \d{4}.* used \d{4}.* valid, expires \d{4}-\d\d-\d\d \d\d:\d\d  laptop", listed), listed
        assert text not in listed
        assert (await run("keys", "revoke", key_id, environment=settings, folder=tmp_path))[0] == 0
        assert (await api.get("/api/bulk-generate", headers=headers)).status_code == 401
        assert (await api.get("/readyz")).status_code == 503
    code, said = await run("keys", "revoke", "nonsense", environment=settings, folder=tmp_path)
    assert (code, said) == (2, "There is no such API key.")


async def test_without_authentication_the_service_serves_this_machine_only(
    settings: dict[str, str], tmp_path: Path
) -> None:
    open_door = {**settings, "PRESSRUN_AUTH__MODE": "off", "PRESSRUN_SERVICE__HOST": "0.0.0.0"}
    code, said = await run("service", environment=open_door, folder=tmp_path)
    assert code == 2
    assert "off serves this machine only" in said
