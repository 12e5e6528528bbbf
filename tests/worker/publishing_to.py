"""A target that is a real server, and what it finds in a request that was signed for it. No tests here."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from standardwebhooks.webhooks import Webhook

from jobs.system import System
from outbound.allowed import parse_allowed
from outbound.client import Outbound
from tests.outbound.serving import Asked, Server
from worker.publishing import Publishing

TARGET = "site"
PATH = "/publish?token=t0k3n"
WITHIN = timedelta(seconds=20)


def publishing_to(system: System, server: Server, *, within: timedelta = WITHIN) -> Publishing:
    return Publishing(Outbound(parse_allowed([server.url])), system.targets, system.clock, within)


async def registered(system: System, server: Server, owner: str) -> str:
    """Its secret."""
    _, secret = await system.targets.register(owner, TARGET, f"{server.url}{PATH}")
    return secret


def is_signed(asked: Asked, secret: str) -> bool:
    """As a receiver looks at it, but for the time, which tests move."""
    at = datetime.fromtimestamp(int(asked.headers["webhook-timestamp"]), UTC)
    expected = Webhook(secret).sign(asked.headers["webhook-id"], at, asked.body.decode())
    return expected in asked.headers["webhook-signature"].split(" ")
