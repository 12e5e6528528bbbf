"""The sections of the settings about who may call, from where, and how much. Nothing is read here."""

from __future__ import annotations

import ipaddress
import json
import re
from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr
from pydantic_settings import NoDecode

from jobs.callers.user_limits import MOST_MOMENTS
from jobs.configuration.sections import OrOff, Section

SHORTEST_SECRET = 16
MOST_SECRETS = 10
_ORIGIN = re.compile(r"https?://(\[[0-9a-f:.]+\]|[a-z0-9.-]+)(:\d{1,5})?")
_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,200}")


class AuthMode(StrEnum):
    """`keys`: API keys. `sessions`: the session cookies of the application in front as well."""

    OFF = "off"
    KEYS = "keys"
    SESSIONS = "sessions"


def _listed(value: object) -> object:
    """A JSON list, or names parted by commas."""
    if not isinstance(value, str):
        return value
    if value.lstrip().startswith("["):
        try:
            return json.loads(value)
        except ValueError:
            raise ValueError("is no valid JSON list") from None
    return [part for part in (part.strip() for part in value.split(",")) if part]


def _long_enough(secret: SecretStr) -> SecretStr:
    if len(secret.get_secret_value()) < SHORTEST_SECRET:
        raise ValueError(f"must have at least {SHORTEST_SECRET} characters, which should be random")
    return secret


def _origin(text: str) -> str:
    origin = text.lower().removesuffix("/")
    if not _ORIGIN.fullmatch(origin):
        raise ValueError("must be an origin like https://app.example.com, without a path")
    return origin


def _network(text: str) -> str:
    try:
        return str(ipaddress.ip_network(text, strict=False))
    except ValueError:
        raise ValueError("must be an address or a network like 10.0.0.0/8") from None


def _cookie_name(name: str) -> str:
    if not _TOKEN.fullmatch(name):
        raise ValueError("must be a cookie's name: letters, digits, dots, dashes, underscores")
    return name


Networks = Annotated[
    tuple[Annotated[str, AfterValidator(_network)], ...], NoDecode, BeforeValidator(_listed), Field(max_length=100)
]


class Auth(Section):
    mode: AuthMode
    """`keys`: API keys; `sessions`: the session cookies of Auth.js and NextAuth as well; `off`: development, this
    machine only."""
    secrets: Annotated[
        tuple[Annotated[SecretStr, AfterValidator(_long_enough)], ...],
        NoDecode,
        BeforeValidator(_listed),
        Field(max_length=MOST_SECRETS),
    ] = ()
    """The application's `AUTH_SECRET` or `NEXTAUTH_SECRET`. The first signs what the sign-in page gives, all verify."""
    origins: Annotated[
        tuple[Annotated[str, AfterValidator(_origin)], ...], NoDecode, BeforeValidator(_listed), Field(max_length=100)
    ] = ()
    """Pages of these may change what is a signed-in user's, and read answers: https://app.example.com."""
    admins: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_listed)] = ()
    """Users whose sessions and write keys count as an admin's."""
    cookie: Annotated[str, AfterValidator(_cookie_name)] | None = None
    """The session cookie's name, where the application has given it one of its own."""
    database: str | None = Field(None, min_length=1, max_length=63, pattern=r"^[^/\\. \"$*<>:|?]+$")
    """Where the application keeps its sessions, if it keeps them in MongoDB."""
    database_uri: SecretStr | None = None
    """The server of that database; none: Pressrun's own."""


class User(Section):
    submissions_per_minute: Annotated[int | None, OrOff] = Field(60, ge=1, le=MOST_MOMENTS)
    """New bulks and articles of one user in any minute, over all processes; more is 429; `off`: no limit."""
    open_bulks: Annotated[int | None, OrOff] = Field(1_000, ge=1, le=1_000_000)
    """Bulks of one user that have not ended, over all processes; more is 429; `off`: no limit."""
