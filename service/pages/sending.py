"""What makes a page that is sent twice one request. Nothing is sent here."""

from __future__ import annotations

import secrets
from collections.abc import Mapping

from pydantic import BaseModel

from jobs.creation import IdempotencyKey
from service.request_rules import body_hash


def new_key() -> str:
    """For a page as it is shown."""
    return secrets.token_urlsafe(16)


def once(form: Mapping[str, str], body: BaseModel) -> IdempotencyKey | None:
    """The same page sent twice is one request; sent again with other contents, it is another."""
    if "key" not in form:
        return None
    hashed = body_hash(body)
    return IdempotencyKey(f"page {form['key'][:64]} {hashed[:32]}", hashed)
