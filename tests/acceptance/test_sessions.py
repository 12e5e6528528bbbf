"""A service behind an application that has people sign in: real processes, and both kinds of sessions."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
from bson import ObjectId
from pymongo import AsyncMongoClient

from tests.support.deployment import ADDRESS
from tests.support.processes import run, started
from tests.support.scripted_generator import ScriptedGenerator
from tests.support.session_tokens import AUTHJS, NEXTAUTH, SECRET, USER, authjs_token, claims, cookie, nextauth_token

READY = f"(?=.*service_started).*{ADDRESS}"
AWAY = "mongodb://somebody:hidden@127.0.0.1:9/?serverSelectionTimeoutMS=200"
STORED = "4f0c7f52-0e0b-4f61-9d0e-1d4c9a1a2b3c"
LIST = "/api/bulk-generate"


@pytest.fixture
async def application(mongodb_uri: str) -> AsyncIterator[str]:
    """The application's database, where Ada has signed in; its name."""
    name = f"pressrun_test_{secrets.token_hex(6)}"
    async with AsyncMongoClient[dict[str, Any]](mongodb_uri) as client:
        expires = datetime.now(UTC) + timedelta(days=30)
        session = {"sessionToken": STORED, "userId": ObjectId(USER), "expires": expires}
        await client[name].users.insert_one({"_id": ObjectId(USER), "email": "ada@example.com"})
        await client[name].sessions.insert_one(session)
        yield name
        await client.drop_database(name)


@pytest.fixture
async def settings(mongodb_uri: str, mongodb_database: str, application: str) -> AsyncIterator[dict[str, str]]:
    async with ScriptedGenerator() as generator:
        yield {
            "PRESSRUN_MONGODB__URI": mongodb_uri,
            "PRESSRUN_MONGODB__DATABASE": mongodb_database,
            "PRESSRUN_SERVICE__PORT": "0",
            "PRESSRUN_GENERATOR__URL": generator.url,
            "PRESSRUN_AUTH__MODE": "sessions",
            "PRESSRUN_AUTH__SECRETS": SECRET,
            "PRESSRUN_AUTH__DATABASE": application,
        }


async def answers(url: str, *cookies: str) -> list[int]:
    async with httpx2.AsyncClient(base_url=url, timeout=20, trust_env=False) as client:
        return [(await client.get(LIST, headers={"Cookie": sent})).status_code for sent in cookies]


async def test_who_has_signed_in_at_the_application_is_let_in(settings: dict[str, str], tmp_path: Path) -> None:
    async with started("service", environment=settings, folder=tmp_path, ready=READY) as (process, said):
        told = await answers(
            said[1],
            cookie(AUTHJS, authjs_token(claims())),
            cookie(NEXTAUTH, nextauth_token(claims())),
            cookie(AUTHJS, STORED),
            cookie(AUTHJS, "another-session"),
            cookie(AUTHJS, authjs_token(claims(), secret="another-secret-0123456789")),
        )
        assert told == [200, 200, 200, 401, 401]
        assert SECRET not in process.output
        assert STORED not in process.output


async def test_while_the_applications_database_is_away_tokens_still_hold(
    settings: dict[str, str], tmp_path: Path
) -> None:
    environment = {**settings, "PRESSRUN_AUTH__DATABASE_URI": AWAY}
    async with started("service", environment=environment, folder=tmp_path, ready=READY) as (process, said):
        assert await answers(said[1], cookie(AUTHJS, STORED), cookie(AUTHJS, authjs_token(claims()))) == [503, 200]
        assert "hidden" not in process.output
    code, told = await run("check", environment=environment, folder=tmp_path)
    assert code == 1
    assert "WRONG sessions: " in told
    assert "hidden" not in told


async def test_check_says_which_sessions_are_taken(settings: dict[str, str], tmp_path: Path, application: str) -> None:
    _, said = await run("check", environment=settings, folder=tmp_path)
    kinds = f"ok   sessions: taken where encrypted with 1 secret or stored in the database {application}"
    assert f"{kinds}, from the cookies __Secure-authjs.session-token, authjs.session-token, __Secure-next" in said


async def test_a_service_that_could_know_no_session_says_so_and_does_not_start(
    settings: dict[str, str], tmp_path: Path
) -> None:
    nothing = {
        name: value
        for name, value in settings.items()
        if name not in ("PRESSRUN_AUTH__SECRETS", "PRESSRUN_AUTH__DATABASE")
    }
    code, said = await run("service", environment=nothing, folder=tmp_path)
    assert code == 2
    assert "PRESSRUN_AUTH__SECRETS: must be set in mode sessions" in said
    assert "Traceback" not in said
    code, said = await run("check", environment=nothing, folder=tmp_path)
    assert code == 1
    assert "WRONG sessions: PRESSRUN_AUTH__SECRETS: must be set in mode sessions" in said


async def test_an_address_that_is_none_stops_the_start_and_is_not_shown(
    settings: dict[str, str], tmp_path: Path
) -> None:
    wrong = {**settings, "PRESSRUN_AUTH__DATABASE_URI": "mongodb://somebody:hid@den@127.0.0.1"}
    code, said = await run("service", environment=wrong, folder=tmp_path)
    assert code == 2
    assert "PRESSRUN_AUTH__DATABASE_URI" in said
    assert "den@" not in said
    assert "Traceback" not in said
