"""Sessions that were verified a moment ago are not verified again, and never longer than they hold."""

from __future__ import annotations

from datetime import timedelta

from jobs.callers.app_sessions import AppSession
from jobs.system import System
from service.auth.session_cache import VerifiedSessions, digest_of
from tests.service.requesting import on_embedded
from tests.service.signing_in import caller, counted
from tests.support.clock import MovableClock
from tests.support.session_tokens import AUTHJS, SECRET, authjs_token, claims, cookie, nextauth_token


@on_embedded
async def test_a_session_is_verified_again_after_half_a_minute(system: System, clock: MovableClock) -> None:
    app, decrypt = counted(system)
    sent = cookie(AUTHJS, authjs_token(claims()))
    for _ in range(5):
        assert await caller(app, sent) is not None
    assert decrypt.count == 1
    clock.move(timedelta(seconds=29.9))
    assert await caller(app, sent) is not None
    assert decrypt.count == 1
    clock.move(timedelta(seconds=0.1))
    assert await caller(app, sent) is not None
    assert decrypt.count == 2


@on_embedded
async def test_a_session_is_not_kept_longer_than_it_holds(system: System, clock: MovableClock) -> None:
    app, decrypt = counted(system)
    sent = cookie(AUTHJS, authjs_token(claims(exp=clock.now().timestamp() + 10)))
    assert await caller(app, sent) is not None
    clock.move(timedelta(seconds=9))
    assert await caller(app, sent) is not None
    assert decrypt.count == 1
    clock.move(timedelta(seconds=1))
    assert await caller(app, sent) is not None, "within the tolerance it still holds"
    assert decrypt.count == 2
    clock.move(timedelta(seconds=15))
    assert await caller(app, sent) is None


@on_embedded
async def test_what_was_refused_is_looked_at_again(system: System, clock: MovableClock) -> None:
    app, _ = counted(system)
    sent = cookie(AUTHJS, authjs_token(claims(nbf=clock.now().timestamp() + 16)))
    assert await caller(app, sent) is None
    clock.move(timedelta(seconds=1))
    assert await caller(app, sent) is not None


@on_embedded
async def test_a_token_that_was_verified_under_one_name_is_not_known_by_another(system: System) -> None:
    app, _ = counted(system)
    token = authjs_token(claims())
    assert await caller(app, cookie(AUTHJS, token)) is not None
    assert await caller(app, cookie(f"__Secure-{AUTHJS}", token)) is None
    nextauths = nextauth_token(claims())
    assert await caller(app, authorization=f"Bearer {nextauths}") is not None
    assert await caller(app, cookie(AUTHJS, nextauths)) is None


def test_only_so_many_are_kept_and_those_used_last() -> None:
    kept = VerifiedSessions(lambda: 0.0, most=2)
    digests = [digest_of(AUTHJS, f"token-{number}") for number in range(3)]
    ends = AppSession("ada", None, 1e12)
    for digest in digests[:2]:
        kept.keep(digest, ends)
    assert kept.find(digests[0]) == ends
    kept.keep(digests[2], ends)
    assert [kept.find(digest) for digest in digests] == [ends, None, ends]


def test_a_clock_that_is_set_back_makes_no_session_last_longer() -> None:
    now = 1_000.0
    kept = VerifiedSessions(lambda: now)
    kept.keep(digest_of(AUTHJS, "token"), AppSession("ada", None, 1e12))
    now = 999.0
    assert kept.find(digest_of(AUTHJS, "token")) is None


@on_embedded
async def test_neither_cookie_nor_secret_is_kept_where_it_could_be_seen(system: System) -> None:
    app, _ = counted(system)
    token = authjs_token(claims())
    assert await caller(app, cookie(AUTHJS, token)) is not None
    (way,) = app.state.authentication._ways
    seen = repr(vars(way._verified)) + repr(vars(way._tokens._keys)) + repr(vars(way))
    assert token not in seen
    assert SECRET not in seen
