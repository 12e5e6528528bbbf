"""Cookies that the real Auth.js and NextAuth made: each is taken or refused as they did when it was given back."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from bson import ObjectId

from jobs.storage.store import Store
from jobs.system import System
from service.auth.session_cookies import cookie_names, session_values
from service.auth.session_keys import SessionKeys
from service.auth.session_tokens import SessionTokens
from tests.service.conftest import As
from tests.service.requesting import BULKS, bulk, on_embedded
from tests.service.signing_in import UNAUTHORIZED, VECTORS, Vector, sessions_app
from tests.support.clock import MovableClock


def named(vector: Vector) -> str:
    return vector.name


def own_name(vector: Vector) -> str | None:
    return None if vector.cookie_name in cookie_names(None, ()) else vector.cookie_name


def moved(clock: MovableClock, vector: Vector) -> None:
    if vector.now is not None:
        clock.move(datetime.fromtimestamp(vector.now, UTC) - clock.now())


def test_there_are_cookies_of_both_libraries_that_are_taken_and_that_are_not() -> None:
    kinds = {(vector.flavor, vector.claims is None) for vector in VECTORS}
    assert len(VECTORS) == 31
    assert kinds == {(flavor, wrong) for flavor in ("next-auth-v4", "authjs-v5") for wrong in (True, False)}


@pytest.mark.parametrize("vector", VECTORS, ids=named)
def test_the_reader_finds_the_user_whom_the_real_one_finds(vector: Vector, clock: MovableClock) -> None:
    moved(clock, vector)
    names = cookie_names(own_name(vector), ())
    tokens = SessionTokens(SessionKeys(names, vector.secrets))
    read = [tokens.read(name, value, clock.now().timestamp()) for name, value in session_values(vector.cookies, names)]
    found = [session for session in read if session is not None]
    if vector.claims is None:
        assert found == []
        return
    (session,) = found
    assert str(session.user) == vector.user
    assert (session.email, session.expires) == (vector.claims.get("email"), vector.claims["exp"])


@pytest.mark.parametrize("vector", VECTORS, ids=named)
@on_embedded
async def test_a_request_is_the_users_or_nobodys(
    vector: Vector, system: System, store: Store, clock: MovableClock, open_client: As
) -> None:
    moved(clock, vector)
    app = sessions_app(system, secrets=vector.secrets, cookie=own_name(vector))
    response = await open_client(app, {"Cookie": vector.cookie_header}).post(BULKS, json=bulk())
    stored = await store.collection("bulk_jobs").find({})
    if vector.user is None:
        assert (response.status_code, response.json(), stored) == (401, UNAUTHORIZED, [])
    else:
        assert response.status_code == 200, response.text
        assert [found["userId"] for found in stored] == [ObjectId(vector.user)]
