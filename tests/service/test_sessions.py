"""Sessions of the application: which cookies are looked at, with which secrets, and who the caller is then."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from bson import ObjectId

from jobs.callers.keys import Scope
from jobs.configuration.settings import WrongSettings
from jobs.system import System
from service.auth.caller import Caller
from tests.service.conftest import As
from tests.service.requesting import BULKS, OWNER, bulk, get, on_embedded, refused, submit_quick
from tests.service.signing_in import UNAUTHORIZED, caller, sessions_app
from tests.support.clock import MovableClock
from tests.support.session_tokens import (
    AUTHJS,
    CBC,
    GCM,
    NEXTAUTH,
    SECRET,
    USER,
    authjs_token,
    claims,
    cookie,
    nextauth_token,
)

BEFORE = "the-secret-that-was-there-before-0123456789"
ADA = Caller(ObjectId(USER), Scope.WRITE, by_cookie=True, email="ada@example.com")
SECURE = f"__Secure-{AUTHJS}"
pytestmark = on_embedded


def authjs_cookie(said: dict[str, Any] | None = None, **how: Any) -> str:
    return cookie(how.get("name", AUTHJS), authjs_token(said or claims(), **how))


def nextauth_cookie(secret: str = SECRET) -> str:
    return cookie(NEXTAUTH, nextauth_token(claims(), secret))


async def test_a_session_is_its_user_who_may_write_and_whose_browser_sent_it(system: System) -> None:
    app = sessions_app(system)
    assert await caller(app, authjs_cookie()) == ADA
    assert await caller(app, nextauth_cookie()) == ADA


async def test_a_user_whom_the_settings_name_is_an_admin(system: System, open_client: As) -> None:
    app = sessions_app(system, admins=[USER])
    admin = open_client(app, {"Cookie": authjs_cookie()})
    other = open_client(app, {"Cookie": authjs_cookie(claims(sub="other"))})
    assert (await admin.get("/api/limits")).status_code == 200
    refused(await other.get("/api/limits"), 403)


async def test_nobody_sees_what_belongs_to_another_session(system: System, open_client: As) -> None:
    app = sessions_app(system)
    ada = open_client(app, {"Cookie": authjs_cookie()})
    other = open_client(app, {"Cookie": authjs_cookie(claims(sub="other"))})
    bulk_id = await submit_quick(ada)
    assert (await get(ada, f"{BULKS}/{bulk_id}"))["bulk_job"]["userId"] == USER
    refused(await other.get(f"{BULKS}/{bulk_id}"), 404)


@pytest.mark.parametrize(
    ("said", "user"),
    [
        ({"id": "u-1", "sub": "u-2"}, "u-1"),
        ({"id": None, "sub": "u-2"}, "u-2"),
        ({"id": USER.upper(), "sub": "u-2"}, ObjectId(USER)),
        ({"sub": "Zoë 名"}, "Zoë 名"),
        ({"id": "", "sub": "u-2"}, None),
        ({"id": 42, "sub": "42"}, None),
        ({"sub": ["u-1"]}, None),
        ({"sub": None}, None),
        ({"sub": "u" * 201}, None),
        ({"sub": "a\nb"}, None),
    ],
)
async def test_the_user_is_the_id_of_the_claims_else_their_subject(
    system: System, said: dict[str, Any], user: Any
) -> None:
    found = await caller(sessions_app(system), authjs_cookie(claims(**said)))
    assert (found.user if found else None) == user


@pytest.mark.parametrize(
    "email", [None, 5, "", "no address", "Ada <ada@example.com>", "a@b\nBcc: c@d", ["a@example.com"]]
)
async def test_an_address_that_is_none_is_left_out(system: System, email: Any) -> None:
    found = await caller(sessions_app(system), authjs_cookie(claims(email=email)))
    assert found is not None
    assert found.email is None


@pytest.mark.parametrize(
    "changed",
    [
        {"exp": None},
        {"exp": True},
        {"exp": "4102444800"},
        {"exp": [4102444800]},
        {"nbf": "0"},
        {"nbf": False},
        {"iat": "yesterday"},
        {"exp": -1},
    ],
)
async def test_moments_that_are_no_numbers_make_no_session(system: System, changed: dict[str, Any]) -> None:
    assert await caller(sessions_app(system), authjs_cookie(claims(**changed))) is None


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b'"text"',
        b"\xff\xfe",
        b"{" * 50_000,
        b"[" * 40_000,
        b'{"sub": "u-1", "exp": NaN}',
        b'{"sub": "u-1", "exp": Infinity}',
        b'{"sub": "\\ud800", "exp": 99999999999}',
        b'{"sub": "u-1"}',
        b'{"exp": 99999999999}',
    ],
)
async def test_what_is_encrypted_and_holds_no_claims_is_no_session(system: System, content: bytes) -> None:
    token = authjs_token(content)
    assert await caller(sessions_app(system), cookie(AUTHJS, token)) is None


async def test_a_session_that_ends_later_than_any_date_is_one(system: System) -> None:
    app = sessions_app(system)
    for exp in (b"1e400", b"1" * 400, b"99999999999.5"):
        token = authjs_token(b'{"sub": "u-1", "exp": ' + exp + b"}")
        assert await caller(app, cookie(AUTHJS, token)) == Caller("u-1", Scope.WRITE, by_cookie=True)


async def test_each_librarys_token_is_worth_nothing_to_the_other(system: System) -> None:
    app = sessions_app(system)
    assert await caller(app, cookie(AUTHJS, nextauth_token(claims()))) is None
    assert await caller(app, cookie(NEXTAUTH, authjs_token(claims()))) is None
    assert await caller(app, cookie(NEXTAUTH, authjs_token(claims(), enc=GCM, kid=False))) is None


async def test_where_every_origin_is_encrypted_only_secure_cookies_are_looked_at(system: System) -> None:
    secure = cookie(SECURE, authjs_token(claims(), name=SECURE))
    for origins, plain_is_taken in [
        ((), True),
        (("https://app.example.com", "http://localhost:3000"), True),
        (("https://app.example.com",), False),
    ]:
        app = sessions_app(system, origins=list(origins))
        assert await caller(app, secure) == ADA
        assert (await caller(app, authjs_cookie()) == ADA) is plain_is_taken
        assert (await caller(app, nextauth_cookie()) == ADA) is plain_is_taken


async def test_a_name_of_the_applications_own_is_the_only_one_and_of_either_library(system: System) -> None:
    app = sessions_app(system, cookie="shop.sid", origins=["https://app.example.com"])
    assert await caller(app, cookie("shop.sid", authjs_token(claims(), name="shop.sid"))) == ADA
    assert await caller(app, cookie("shop.sid", authjs_token(claims(), name="shop.sid", enc=GCM, kid=False))) == ADA
    assert await caller(app, cookie("shop.sid", nextauth_token(claims()))) == ADA
    assert await caller(app, cookie("__Secure-shop.sid", nextauth_token(claims()))) is None
    assert await caller(app, cookie("shop.sid", authjs_token(claims()))) is None
    assert await caller(app, authjs_cookie()) is None


async def test_while_a_secret_takes_the_place_of_another_sessions_of_both_hold(system: System) -> None:
    app = sessions_app(system, secrets=[SECRET, BEFORE])
    for secret in (SECRET, BEFORE):
        assert await caller(app, authjs_cookie(secret=secret)) == ADA
        assert await caller(app, nextauth_cookie(secret)) == ADA
    assert await caller(app, authjs_cookie(secret="another-one-0123456789")) is None


async def test_a_token_of_authjs_that_names_no_key_was_made_with_the_first(system: System) -> None:
    app = sessions_app(system, secrets=[SECRET, BEFORE])
    for enc in (CBC, GCM):
        assert await caller(app, authjs_cookie(kid=False, enc=enc)) == ADA
        assert await caller(app, authjs_cookie(secret=BEFORE, enc=enc)) == ADA
        assert await caller(app, authjs_cookie(secret=BEFORE, kid=False, enc=enc)) is None


async def test_a_leftover_beside_chunks_and_chunks_beside_a_whole_cookie_harm_nothing(system: System) -> None:
    app = sessions_app(system)
    token = authjs_token(claims())
    old = authjs_token(claims(exp=1_000_000))
    chunks = cookie(AUTHJS, token, chunk=100)
    assert chunks.count(";") == 3
    assert await caller(app, f"{AUTHJS}={old}; {chunks}; {AUTHJS}X=more; {AUTHJS}.99=more") == ADA
    assert await caller(app, f"{cookie(AUTHJS, old, chunk=100)}; {AUTHJS}={token}") == ADA
    assert await caller(app, chunks.partition("; ")[2]) is None
    assert await caller(app, chunks.replace(".2=", ".3=")) is None


async def test_the_next_cookie_is_looked_at_where_one_is_worth_nothing(system: System) -> None:
    stale = cookie(SECURE, authjs_token(claims(), name=SECURE, secret=BEFORE))
    assert await caller(sessions_app(system), f"theme=dark; {stale}; {nextauth_cookie()}") == ADA


async def test_a_token_in_the_header_is_its_user_and_no_browsers(system: System) -> None:
    app = sessions_app(system)
    by_token = Caller(ObjectId(USER), Scope.WRITE, by_cookie=False, email="ada@example.com")
    secure = authjs_token(claims(), name=SECURE)
    for token in (authjs_token(claims()), secure, authjs_token(claims(), kid=False), nextauth_token(claims())):
        assert await caller(app, authorization=f"Bearer {token}") == by_token
    assert await caller(app, authorization=f"Bearer {authjs_token(claims(), secret=BEFORE)}") is None
    assert (
        await caller(sessions_app(system, origins=["https://a.example"]), authorization=f"Bearer {secure}") == by_token
    )


async def test_who_shows_a_key_or_a_token_is_not_known_by_a_cookie(system: System) -> None:
    app = sessions_app(system)
    _, key = await system.keys.create(OWNER, Scope.READ)
    found = await caller(app, authjs_cookie(), f"Bearer {key}")
    assert found is not None
    assert (found.user, found.scope, found.by_cookie) == (OWNER, Scope.READ, False)
    assert await caller(app, authjs_cookie(), "Bearer pressrun_revoked") is None
    assert await caller(app, authjs_cookie(), "Bearer ") is None
    # a site that asks for a password before it shows anything has browsers send this with everything
    assert await caller(app, authjs_cookie(), "Basic c3RhZ2luZzpzZWNyZXQ=") == ADA


async def test_another_sites_page_may_change_nothing_by_a_session(system: System, open_client: As) -> None:
    app = sessions_app(system, origins=["https://app.example.com"])
    sent = {"Cookie": cookie(SECURE, authjs_token(claims(), name=SECURE))}
    evil = {"Origin": "https://evil.example.com", "Sec-Fetch-Site": "same-site"}
    for page, status in [
        (evil, 403),
        ({"Origin": "https://evil.example.com"}, 403),
        ({"Origin": "https://app.example.com", "Sec-Fetch-Site": "cross-site"}, 200),
        ({"Origin": "https://app.example.com"}, 200),
    ]:
        assert (await open_client(app, {**sent, **page}).post(BULKS, json=bulk())).status_code == status
    bearer = {"Authorization": f"Bearer {authjs_token(claims(), name=SECURE)}"}
    assert (await open_client(app, {**bearer, **evil}).post(BULKS, json=bulk())).status_code == 200


async def test_a_session_is_over_when_its_tolerance_is_and_not_before_it_begins(
    system: System, clock: MovableClock
) -> None:
    app = sessions_app(system)
    now = clock.now().timestamp()
    later = authjs_cookie(claims(nbf=now + 60))
    soon = authjs_cookie(claims(exp=now + 20))
    assert (await caller(app, soon), await caller(app, later)) == (ADA, None)
    clock.move(timedelta(seconds=34))
    assert await caller(app, soon) == ADA
    clock.move(timedelta(seconds=1))
    assert await caller(app, soon) is None
    clock.move(timedelta(seconds=10))
    assert await caller(app, later) == ADA


async def test_with_api_keys_alone_a_session_is_worth_nothing(system: System, open_client: As) -> None:
    app = sessions_app(system, mode="keys")
    assert await caller(app, authjs_cookie()) is None
    response = await open_client(app, {"Cookie": authjs_cookie()}).get(BULKS)
    assert (response.status_code, response.json()) == (401, UNAUTHORIZED)


async def test_a_page_leads_to_where_one_signs_in_without_a_session_and_is_shown_with_one(
    system: System, open_client: As
) -> None:
    client = open_client(sessions_app(system), {"Accept": "text/html"})
    answer = await client.get("/")
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in?next=/")
    assert (await client.get("/", headers={"Cookie": authjs_cookie()})).status_code == 200


@pytest.mark.parametrize(
    ("auth", "setting"),
    [
        ({"secrets": []}, "PRESSRUN_AUTH__SECRETS"),
        ({"database_uri": "mongodb://127.0.0.1"}, "PRESSRUN_AUTH__DATABASE"),
    ],
)
def test_a_service_that_could_know_no_session_does_not_start(
    system: System, auth: dict[str, Any], setting: str
) -> None:
    with pytest.raises(WrongSettings) as stopped:
        sessions_app(system, **auth)
    assert [fault.path for fault in stopped.value.faults] == [setting]
