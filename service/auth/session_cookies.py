"""Which cookies may hold a session of the application, and their values as one. Nothing is verified here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

AUTHJS = ("__Secure-authjs.session-token", "authjs.session-token")
"""Of Auth.js, which is version 5 of NextAuth."""

NEXTAUTH = ("__Secure-next-auth.session-token", "next-auth.session-token")
"""Of NextAuth up to version 4."""

SECURE = "__Secure-"
MOST_CHUNKS = 50


def cookie_names(own: str | None, origins: Sequence[str]) -> tuple[str, ...]:
    """The names to look for, in this order: the application's own, where it has one, alone.

    Of the usual names only those that begin with `__Secure-` where the application is reached by https alone: a page
    without encryption, which anybody between could have made up, can set the others.
    """
    if own is not None:
        return (own,)
    encrypted = bool(origins) and all(origin.startswith("https://") for origin in origins)
    return tuple(name for name in (*AUTHJS, *NEXTAUTH) if name.startswith(SECURE) or not encrypted)


def session_values(cookies: Mapping[str, str], names: Sequence[str]) -> Iterator[tuple[str, str]]:
    """What may be a session, each with the name of its cookie.

    A long one is cut into `<name>.0`, `<name>.1` and so on, in any order. A cookie of the whole name beside these may
    be a leftover, or they may: so it comes after them.
    """
    for name in names:
        if parts := _chunks(cookies, name):
            yield name, "".join(parts)
        if whole := cookies.get(name):
            yield name, whole


def _chunks(cookies: Mapping[str, str], name: str) -> list[str]:
    parts: list[str] = []
    while len(parts) < MOST_CHUNKS and (part := cookies.get(f"{name}.{len(parts)}")) is not None:
        parts.append(part)
    return parts
