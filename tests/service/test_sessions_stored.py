"""Sessions that the application keeps in its database, as the MongoDB adapter of Auth.js stores them."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import Any

import pytest
from bson import ObjectId
from fastapi import FastAPI

from jobs.callers.app_sessions import AppSessions
from jobs.callers.keys import Scope
from jobs.storage.store import Store
from jobs.system import System
from service.auth.caller import Caller
from tests.service.conftest import As
from tests.service.requesting import BULKS, refused
from tests.service.signing_in import caller, sessions_app
from tests.support.clock import MovableClock
from tests.support.faulty_store import FaultyStore
from tests.support.session_tokens import AUTHJS, NEXTAUTH, USER, authjs_token, claims, cookie

ADA = Caller(ObjectId(USER), Scope.WRITE, by_cookie=True, email="ada@example.com")


@pytest.fixture
def application(store: Store) -> FaultyStore:
    """The application's database. It can be away."""
    return FaultyStore(store)


@pytest.fixture
def app(system: System, application: FaultyStore, clock: MovableClock) -> FastAPI:
    return sessions_app(system, AppSessions(application, clock), secrets=[], database="shop")


async def signed_in(application: Store, clock: MovableClock, **changed: Any) -> str:
    """What the adapter writes when somebody signs in; the text in the cookie."""
    token = str(uuid.uuid4())
    session = {"sessionToken": token, "userId": ObjectId(USER), "expires": clock.now() + timedelta(days=30)}
    await application.collection("sessions").insert_one({"_id": ObjectId(), **session, **changed})
    return token


async def registered(application: Store, **changed: Any) -> None:
    user = {"_id": ObjectId(USER), "name": "Ada", "email": "ada@example.com", "emailVerified": None}
    await application.collection("users").insert_one({**user, **changed})


async def test_a_stored_session_is_its_user_under_every_name(
    app: FastAPI, application: FaultyStore, clock: MovableClock
) -> None:
    await registered(application)
    token = await signed_in(application, clock)
    for name in (AUTHJS, f"__Secure-{AUTHJS}", NEXTAUTH, f"__Secure-{NEXTAUTH}"):
        assert await caller(app, f"theme=dark; {name}={token}") == ADA
    assert await caller(app, f"session={token}") is None


async def test_a_session_ends_when_the_application_says_and_not_a_moment_later(
    app: FastAPI, application: FaultyStore, clock: MovableClock
) -> None:
    await registered(application)
    token = await signed_in(application, clock, expires=clock.now() + timedelta(seconds=10))
    assert await caller(app, cookie(AUTHJS, token)) == ADA
    clock.move(timedelta(seconds=10))
    assert await caller(app, cookie(AUTHJS, token)) == ADA
    clock.move(timedelta(milliseconds=1))
    assert await caller(app, cookie(AUTHJS, token)) is None


async def test_who_signs_out_is_nobody_within_half_a_minute(
    app: FastAPI, application: FaultyStore, clock: MovableClock
) -> None:
    await registered(application)
    token = await signed_in(application, clock)
    assert await caller(app, cookie(AUTHJS, token)) == ADA
    await application.collection("sessions").delete_many({"sessionToken": token})
    clock.move(timedelta(seconds=30))
    assert await caller(app, cookie(AUTHJS, token)) is None


async def test_a_session_is_read_once_in_half_a_minute(
    app: FastAPI, application: FaultyStore, clock: MovableClock
) -> None:
    await registered(application)
    token = await signed_in(application, clock)
    for _ in range(5):
        assert await caller(app, cookie(AUTHJS, token)) == ADA
    assert (application.done["sessions", "find_one"], application.done["users", "find_one"]) == (1, 1)


@pytest.mark.parametrize(
    "changed",
    [
        {"userId": None},
        {"userId": 42},
        {"userId": ""},
        {"userId": {"$gt": ""}},
        {"userId": ObjectId("665f1c2ab4d1e0a1b2c3d4ff")},
        {"expires": None},
        {"expires": "2046-01-01"},
        {"expires": 4102444800},
        {"expires": datetime(2020, 1, 1)},
        {"sessionToken": "another"},
    ],
    ids=str,
)
async def test_what_is_no_session_of_a_user_is_nobodys(
    app: FastAPI, application: FaultyStore, clock: MovableClock, changed: dict[str, Any]
) -> None:
    await registered(application)
    token = await signed_in(application, clock, **changed)
    assert await caller(app, cookie(AUTHJS, token)) is None


async def test_the_session_of_a_user_who_was_removed_is_nobodys(
    app: FastAPI, application: FaultyStore, clock: MovableClock
) -> None:
    token = await signed_in(application, clock)
    assert await caller(app, cookie(AUTHJS, token)) is None


@pytest.mark.parametrize("email", [None, 5, "no address", ["ada@example.com"]], ids=str)
async def test_a_user_needs_no_address(
    app: FastAPI, application: FaultyStore, clock: MovableClock, email: object
) -> None:
    await registered(application, email=email)
    token = await signed_in(application, clock)
    assert await caller(app, cookie(AUTHJS, token)) == Caller(ObjectId(USER), Scope.WRITE, by_cookie=True)


@pytest.mark.parametrize("text", ["x" * 257, "two words", "zoë-0123456789", "\x7f", "a.b.c.d.e", "...."])
async def test_what_can_be_no_session_is_not_looked_for(app: FastAPI, application: FaultyStore, text: str) -> None:
    assert await caller(app, cookie(AUTHJS, text)) is None
    assert application.done.total() == 0


async def test_a_stored_session_is_no_token_for_the_header(
    app: FastAPI, application: FaultyStore, clock: MovableClock
) -> None:
    await registered(application)
    token = await signed_in(application, clock)
    assert await caller(app, authorization=f"Bearer {token}") is None
    assert application.done["sessions", "find_one"] == 0


async def test_without_a_database_nothing_is_looked_for(system: System, store: Store, clock: MovableClock) -> None:
    await registered(store)
    token = await signed_in(store, clock)
    assert await caller(sessions_app(system), cookie(AUTHJS, token)) is None


async def test_an_application_may_have_both_kinds(
    system: System, application: FaultyStore, clock: MovableClock
) -> None:
    await registered(application)
    both = sessions_app(system, AppSessions(application, clock), database="shop")
    assert await caller(both, cookie(AUTHJS, await signed_in(application, clock))) == ADA
    assert await caller(both, cookie(AUTHJS, authjs_token(claims()))) == ADA
    assert application.done["sessions", "find_one"] == 1


async def test_while_that_database_is_away_one_is_asked_to_try_again(
    app: FastAPI, application: FaultyStore, clock: MovableClock, open_client: As
) -> None:
    await registered(application)
    client = open_client(app, {"Cookie": cookie(AUTHJS, await signed_in(application, clock))})
    application.go_down()
    answer = await client.get(BULKS)
    assert refused(answer, 503) == "The database does not answer: try again."
    assert answer.headers["retry-after"] == "1"
    application.come_back()
    assert (await client.get(BULKS)).status_code == 200
    application.go_down()
    assert (await client.get(BULKS)).status_code == 200, "who was known a moment ago still is"
