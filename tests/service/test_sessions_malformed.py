"""Cookies that are no session: each gets the same 401, most before anything is decrypted, and none is an error."""

from __future__ import annotations

import base64
import json
from datetime import timedelta
from typing import Any

import pytest
from bson import ObjectId
from fastapi import FastAPI
from hypothesis import given, settings
from hypothesis import strategies as st
from structlog.typing import EventDict

from jobs.callers.app_sessions import AppSessions
from jobs.storage.embedded.store import EmbeddedStore
from jobs.system import Rules, System, assemble
from tests.service.conftest import As
from tests.service.requesting import BULKS, on_embedded
from tests.service.signing_in import UNAUTHORIZED, VECTORS, caller, counted, sessions_app
from tests.support.clock import MovableClock
from tests.support.session_tokens import AUTHJS, CBC, GCM, NEXTAUTH, USER, authjs_token, claims, cookie, nextauth_token

NAMES = (AUTHJS, f"__Secure-{AUTHJS}", NEXTAUTH, f"__Secure-{NEXTAUTH}")
DIR = {"alg": "dir", "enc": GCM}
GOOD = authjs_token(claims(), kid=False)
GOOD_GCM = nextauth_token(claims())


def written(header: Any) -> str:
    raw = header if isinstance(header, bytes) else json.dumps(header).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def replaced(token: str, part: int, text: str) -> str:
    parts = token.split(".")
    parts[part] = text
    return ".".join(parts)


HEADERS: list[Any] = [
    {},
    [],
    "dir",
    None,
    5,
    {"alg": "dir"},
    {"enc": GCM},
    {"alg": "none", "enc": GCM},
    {"alg": ["dir"], "enc": GCM},
    {"alg": "dir", "enc": "A128GCM"},
    {"alg": "dir", "enc": [GCM]},
    {"alg": "dir", "enc": {}},
    {"alg": "dir", "enc": CBC},
    {"alg": "A256KW", "enc": GCM},
    {"alg": "RSA-OAEP", "enc": GCM},
    {"alg": "PBES2-HS256+A128KW", "enc": GCM, "p2c": 2_000_000_000},
    {**DIR, "zip": "DEF"},
    {**DIR, "zip": None},
    {**DIR, "crit": ["exp"]},
    {**DIR, "kid": 5},
    {**DIR, "kid": ["k"]},
    {**DIR, "kid": "somebody-elses"},
    {**DIR, "kid": ""},
    b"\xff\xfe",
    b"[" * 380,
    b'{"alg":"dir"',
    b"1" * 380,
]
MALFORMED = [
    "....",
    "a....",
    ".....",
    "a.b.c.d.e",
    GOOD + ".",
    GOOD + ".x",
    GOOD[:-1],
    GOOD + "A",
    GOOD + "=",
    GOOD.replace(".", "", 1),
    replaced(GOOD, 1, "AAAA"),
    replaced(GOOD, 2, ""),
    replaced(GOOD, 2, "A" * 16),
    replaced(GOOD, 3, ""),
    replaced(GOOD, 3, "A"),
    replaced(GOOD, 3, "A" * 65_536),
    replaced(GOOD, 4, ""),
    replaced(GOOD, 4, "A" * 22),
    replaced(GOOD, 3, GOOD.split(".")[3][:-2]),
    replaced(GOOD, 3, "+/" + GOOD.split(".")[3]),
    replaced(GOOD, 3, "é" + GOOD.split(".")[3]),
    replaced(GOOD_GCM, 2, "A" * 22),
    replaced(GOOD_GCM, 4, "AAAAAA"),
    replaced(GOOD_GCM, 3, "A" * 5),
    *[replaced(GOOD_GCM, 0, written(header)) for header in HEADERS],
    replaced(GOOD_GCM, 0, written({**DIR, "kid": "k" * 4_000})),
]


@pytest.mark.parametrize("token", MALFORMED, ids=range(len(MALFORMED)))
@on_embedded
async def test_what_is_malformed_is_refused_and_nothing_is_decrypted(system: System, token: str) -> None:
    app, decrypt = counted(system)
    for name in NAMES:
        assert await caller(app, cookie(name, token)) is None
        assert await caller(app, cookie(name, token, chunk=4_000)) is None
    assert await caller(app, authorization=f"Bearer {token}") is None
    assert decrypt.count == 0


@on_embedded
async def test_what_is_well_formed_is_decrypted_no_more_often_than_there_are_keys(system: System) -> None:
    app, decrypt = counted(system, secrets=[f"a-wrong-secret-0123456789-{number}" for number in range(10)])
    assert await caller(app, cookie(AUTHJS, authjs_token(claims()))) is None
    assert decrypt.count == 0, "its key is named, and there is no such key"
    assert await caller(app, cookie(AUTHJS, GOOD)) is None
    assert decrypt.count == 1
    assert await caller(app, cookie(NEXTAUTH, GOOD_GCM)) is None
    assert decrypt.count == 11


@on_embedded
async def test_without_a_secret_no_token_is_a_session(system: System) -> None:
    app, decrypt = counted(system, secrets=[], database="shop")
    for sent in (cookie(AUTHJS, authjs_token(claims())), cookie(AUTHJS, GOOD), cookie(NEXTAUTH, GOOD_GCM)):
        assert await caller(app, sent) is None
        assert await caller(app, authorization=f"Bearer {sent.partition('=')[2]}") is None
    assert decrypt.count == 0


@pytest.fixture(scope="module")
def fuzzed() -> FastAPI:
    return storing(assemble(EmbeddedStore.in_memory(), MovableClock(), Rules()))


def storing(system: System) -> FastAPI:
    """Takes sessions of every kind; none is stored."""
    return sessions_app(system, AppSessions(system.store, system.clock), database="shop")


raw = st.binary(max_size=300).map(lambda octets: octets.translate(None, b"\r\n\0").strip())
texts = st.text(st.characters(min_codepoint=33, max_codepoint=255), max_size=200).map(
    lambda text: text.encode("latin-1")
)
bases = st.sampled_from([GOOD, GOOD_GCM, *(vector.cookie_header.partition("=")[2] for vector in VECTORS)])


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """A token of which one place is another one's, or is gone, or comes twice."""
    token = draw(bases).encode("latin-1")
    at = draw(st.integers(0, len(token) - 1))
    until = draw(st.integers(at, min(at + 50, len(token))))
    put = draw(st.one_of(texts, st.just(b""), st.just(token[at:until] * 2)))
    return token[:at] + put + token[until:]


@st.composite
def chunked(draw: st.DrawFn) -> bytes:
    numbers = draw(st.lists(st.integers(-1, 120), max_size=120))
    name = draw(st.sampled_from(NAMES))
    parts = [f"{name}.{number}=".encode() + draw(texts) for number in numbers]
    return b"; ".join(parts)


headers = st.one_of(
    raw,
    chunked(),
    st.builds(
        lambda name, value: name.encode() + b"=" + value, st.sampled_from(NAMES), st.one_of(raw, texts, mutated())
    ),
)


@settings(max_examples=300, deadline=None)
@given(sent=st.lists(headers, min_size=1, max_size=5), authorization=st.none() | raw | mutated())
async def test_no_cookie_and_no_header_is_ever_an_error_or_somebody_else(
    fuzzed: FastAPI, sent: list[bytes], authorization: bytes | None
) -> None:
    cookies = b"; ".join(sent).decode("latin-1")
    bearer = None if authorization is None else f"Bearer {authorization.decode('latin-1')}"
    found = await caller(fuzzed, cookies, bearer)
    # some changes are none: base64 has bits that mean nothing
    assert found is None or found.user == ObjectId(USER)


async def test_every_cookie_that_is_no_session_gets_the_same_answer(system: System, open_client: As) -> None:
    client = open_client(storing(system))
    sent: list[bytes] = [cookie(AUTHJS, token).encode("latin-1") for token in MALFORMED]
    sent += [vector.cookie_header.encode() for vector in VECTORS]
    sent += [b"", b";", b"=", b"=;=", b"\xff=\xfe", AUTHJS.encode(), f'{AUTHJS}="\\377\\000"'.encode()]
    sent += [b"; ".join(f"{AUTHJS}.{number}=A".encode() for number in range(5_000)), b"A" * 1_000_000]
    answers = [await client.get(BULKS, headers=[(b"Cookie", octets)]) for octets in sent]
    assert {(answer.status_code, answer.text) for answer in answers} == {(401, '{"error":"Unauthorized"}')}
    assert answers[0].json() == UNAUTHORIZED


@on_embedded
async def test_the_operator_is_told_of_another_secret_once_a_minute_and_of_no_token(
    system: System, clock: MovableClock, logs: list[EventDict]
) -> None:
    app, _ = counted(system)
    other = authjs_token(claims(), secret="the-application-has-this-one")
    over = authjs_token(claims(exp=1_000_000))
    for sent in (other, GOOD[:-1], over, other, nextauth_token(claims(), "another-one")):
        assert await caller(app, cookie(AUTHJS, sent)) is None
    (told,) = [entry for entry in logs if entry["event"] == "session_of_another_secret"]
    assert told["cookie"] == AUTHJS
    assert other not in repr(logs)
    clock.move(timedelta(seconds=60))
    assert await caller(app, cookie(AUTHJS, other)) is None
    assert [entry["event"] for entry in logs].count("session_of_another_secret") == 2
