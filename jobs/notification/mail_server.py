"""The mail server that the settings name: where it is, how it is spoken to, who Pressrun is there. Nothing is sent."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

TLS_PORT = 465
SUBMISSION_PORT = 587
"""RFC 8314, 3.3 and 3.1."""

SHAPE = "must be smtp://user:password@host:port or smtps://..., with what is special in it written as %40"


@dataclass(frozen=True)
class MailServer:
    """`tls`: from the first byte on (`smtps`)."""

    host: str
    port: int
    tls: bool
    user: str | None = None
    password: str | None = field(default=None, repr=False)

    @property
    def is_this_machine(self) -> bool:
        return self.host in ("localhost", "127.0.0.1", "::1")


def parse_mail_server(url: str) -> MailServer:
    """Raises `ValueError` with a sentence that holds nothing of the URL."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise ValueError(SHAPE) from None
    beyond = parts.path.strip("/") or parts.query or parts.fragment
    if parts.scheme not in ("smtp", "smtps") or not host or beyond:
        raise ValueError(SHAPE)
    if (parts.username is None) != (parts.password is None):
        raise ValueError("must name both a user and a password, or neither")
    tls = parts.scheme == "smtps"
    return MailServer(
        host,
        port or (TLS_PORT if tls else SUBMISSION_PORT),
        tls,
        unquote(parts.username) if parts.username else None,
        unquote(parts.password) if parts.password else None,
    )
