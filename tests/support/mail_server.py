"""A real mail server (aiosmtpd) in the test's own loop, with what a test wants it to do wrong. No tests here."""

from __future__ import annotations

import asyncio
import email
import email.policy
import ssl
import warnings
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from typing import Any, Literal

import trustme
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

Stage = Literal["EHLO", "MAIL", "RCPT", "DATA"]
USER, PASSWORD = "ada@shop.example", "p@ss/wörd:1"


@dataclass
class Postbox:
    """What has arrived, and how the server is to answer: `answers` once each by stage, then as usual."""

    messages: list[EmailMessage] = field(default_factory=list)
    recipients: list[str] = field(default_factory=list)
    answers: dict[Stage, list[str]] = field(default_factory=dict)
    hangs_at: Stage | None = None
    dies_at: Stage | None = None
    encrypted: list[bool] = field(default_factory=list)
    port: int = 0
    never: asyncio.Event = field(default_factory=asyncio.Event)

    async def handle_EHLO(
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        session.host_name = hostname
        await self._misbehave("EHLO", server)
        return responses

    async def handle_MAIL(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if (answer := await self._misbehave("MAIL", server)) is not None:
            return answer
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if (answer := await self._misbehave("RCPT", server)) is not None:
            return answer
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        if (answer := await self._misbehave("DATA", server)) is not None:
            return answer
        content = envelope.content
        assert isinstance(content, bytes)
        message = email.message_from_bytes(content, policy=email.policy.default)
        assert isinstance(message, EmailMessage)
        self.messages.append(message)
        self.recipients.extend(envelope.rcpt_tos)
        assert server.transport is not None
        self.encrypted.append(server.transport.get_extra_info("ssl_object") is not None)
        return "250 Taken as 4711"

    async def _misbehave(self, stage: Stage, server: SMTP) -> str | None:
        if self.hangs_at == stage:
            await self.never.wait()
        if self.dies_at == stage:
            assert isinstance(server.transport, asyncio.WriteTransport)
            server.transport.abort()
        waiting = self.answers.get(stage)
        return waiting.pop(0) if waiting else None


def authority_of() -> tuple[ssl.SSLContext, trustme.CA]:
    """The server's side of TLS, and who has issued its certificate."""
    authority = trustme.CA()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    return context, authority


@asynccontextmanager
async def mail_server(
    postbox: Postbox,
    *,
    tls: ssl.SSLContext | None = None,
    starttls: ssl.SSLContext | None = None,
    password: str | None = None,
    auth_needs_tls: bool = True,
) -> AsyncIterator[Postbox]:
    """`tls` from the first byte on; with a `password`, nothing is taken without it."""

    def authenticate(server: SMTP, session: Session, envelope: Envelope, mechanism: str, given: Any) -> AuthResult:
        right = isinstance(given, LoginPassword) and (given.login, given.password) == (
            USER.encode(),
            (password or "").encode(),
        )
        return AuthResult(success=right, handled=right)

    def protocol() -> SMTP:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that a password is taken in the clear, or that TLS came before SMTP
            return SMTP(
                postbox,
                hostname="mail.test",
                tls_context=starttls,
                authenticator=authenticate,
                auth_required=password is not None,
                auth_require_tls=auth_needs_tls and tls is None,
                loop=asyncio.get_running_loop(),
            )

    server = await asyncio.get_running_loop().create_server(protocol, "127.0.0.1", 0, ssl=tls)
    postbox.port = server.sockets[0].getsockname()[1]
    try:
        yield postbox
    finally:
        postbox.never.set()
        server.close()
        await server.wait_closed()
