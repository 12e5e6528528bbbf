"""How the tests of sessions ask: apps that take sessions, and who a request is. No tests here."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request
from joserfc.jwk import OctKey
from pydantic import SecretStr

from jobs.callers.app_sessions import AppSessions
from jobs.configuration.access import Auth
from jobs.configuration.settings import Settings
from jobs.system import System
from service.app import create_app
from service.auth.caller import Caller
from service.auth.callers import AnyCredentials
from service.auth.jwe import decrypt
from service.auth.session_cookies import cookie_names
from service.auth.session_keys import SessionKeys
from service.auth.session_tokens import SessionTokens
from service.auth.sessions import SessionCredentials
from service.refusals import Unauthorized
from tests.service.requesting import settings
from tests.support.session_tokens import SECRET

UNAUTHORIZED = {"error": "Unauthorized"}


@dataclass(frozen=True)
class Vector:
    """One that the real packages made, and what they made of it when it was given back."""

    name: str
    flavor: str
    secrets: list[str]
    cookie_name: str
    cookies: dict[str, str]
    cookie_header: str
    now: float | None
    claims: dict[str, Any] | None

    @property
    def user(self) -> str | None:
        return None if self.claims is None else self.claims.get("id") or self.claims["sub"]


def _vector(given: dict[str, Any]) -> Vector:
    secret, cookies = given["secret"], given["cookies"]
    return Vector(
        name=given["name"],
        flavor=given["flavor"],
        secrets=[secret] if isinstance(secret, str) else secret,
        cookie_name=given["cookie_name"],
        cookies=cookies,
        cookie_header=given.get("cookie_header") or "; ".join(f"{name}={value}" for name, value in cookies.items()),
        now=given.get("now"),
        claims=given["claims"] if given["expect"] == "ok" else None,
    )


_FILE = Path(__file__).parent.parent / "data" / "session_cookies.json"
VECTORS = [_vector(given) for given in json.loads(_FILE.read_text())["vectors"]]


def sessions_app(system: System, stored: AppSessions | None = None, **auth: Any) -> FastAPI:
    return create_app(with_secrets(**auth), system, stored)


def with_secrets(secrets: list[str] | None = None, **auth: Any) -> Settings:
    """Past the rule of how long a secret must be: the real packages take any."""
    read = settings(auth={"mode": "sessions", "secrets": [SECRET], **auth})
    given = [SECRET] if secrets is None else secrets
    changed: Auth = read.auth.model_copy(update={"secrets": tuple(SecretStr(secret) for secret in given)})
    return read.model_copy(update={"auth": changed})


async def caller(app: FastAPI, cookies: str | None = None, authorization: str | None = None) -> Caller | None:
    """Who a request with these headers is; None where it is nobody."""
    given = {"cookie": cookies, "authorization": authorization}
    headers = [(name.encode(), text.encode("latin-1")) for name, text in given.items() if text is not None]
    request = Request({"type": "http", "method": "GET", "path": "/", "query_string": b"", "headers": headers})
    try:
        found: Caller = await app.state.authentication.caller(request)
    except Unauthorized:
        return None
    return found


class CountingDecrypt:
    """Decrypts, and counts how often it was asked to."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, token: str, key: OctKey) -> bytes:
        self.count += 1
        return decrypt(token, key)


def counted(system: System, **auth: Any) -> tuple[FastAPI, CountingDecrypt]:
    """An app that takes sessions, and what counts how often it decrypts."""
    app, counting = sessions_app(system, **auth), CountingDecrypt()
    names = cookie_names(auth.get("cookie"), auth.get("origins", ()))
    tokens = SessionTokens(SessionKeys(names, auth.get("secrets", [SECRET])), counting)
    app.state.authentication = AnyCredentials((SessionCredentials(names, tokens, None, system.clock, ()),))
    return app, counting
