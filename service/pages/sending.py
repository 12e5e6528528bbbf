"""What makes a page that is sent twice one request, and what may stand against it. Nothing is sent here."""

from __future__ import annotations

import secrets
from collections.abc import Mapping

from fastapi import Request
from pydantic import BaseModel

from jobs.creation import IdempotencyKey
from jobs.errors import PressrunError, QuotaReached, StoreFull, TooManyOpenBulks, TooManySubmissions
from service.metrics import ServiceMetrics
from service.rules.request_rules import body_hash

NOT_NOW = (QuotaReached, StoreFull, TooManySubmissions, TooManyOpenBulks)
"""There is nothing wrong with the request: what was typed is kept, to be sent again later."""


def note_refusal(request: Request, error: PressrunError) -> None:
    """It is shown on a page, and so no error to anybody else."""
    metrics: ServiceMetrics = request.app.state.metrics
    metrics.refused(error)


def new_key() -> str:
    """For a page as it is shown."""
    return secrets.token_urlsafe(16)


def once(form: Mapping[str, str], body: BaseModel) -> IdempotencyKey | None:
    """The same page sent twice is one request; sent again with other contents, it is another."""
    if "key" not in form:
        return None
    hashed = body_hash(body)
    return IdempotencyKey(f"page {form['key'][:64]} {hashed[:32]}", hashed)
