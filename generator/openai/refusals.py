"""What to make of an endpoint's refusal: whose fault it is decides what the caller is told.

A key, an address or a model that is wrong is no article's fault: it is told like an endpoint that is down, so that jobs
wait for a person instead of failing one after the other. HTTP codes of our own answers are in `generator/problems.py`.
"""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import ValidationError

from generator.errors import GeneratorError, ModelBusy, ModelFailed, ModelLimited, ModelOutOfReach, OrderRefused
from generator.openai.protocol import Complaint, Refusal
from generator.openai.quoting import quoted

LONGEST_RETRY_AFTER = 50
BUSY = frozenset({502, 503, 504, 529})
NEEDS_A_PERSON = frozenset({401, 402, 403, 404, 405})
PASSING = frozenset({408, 409, 425})
NO_MONEY = frozenset({"insufficient_quota", "billing_hard_limit_reached", "billing_not_active"})
UNKNOWN_MODEL = frozenset({"model_not_found"})
FORBIDDEN_CONTENT = frozenset({"content_policy_violation", "content_filter", "moderation_blocked", "moderation"})


def refused(status: int, headers: Mapping[str, str], body: bytes, key: str) -> GeneratorError:
    """The error for an answer that is no success, with the endpoint's reason in one line and without the key."""
    complaint = _complaint(body)
    codes = {str(complaint.code), str(complaint.type)}
    line = quoted(complaint.message, key)
    reason = f"it answered {status}{f': {line}' if line else ''}"
    retry_after = _retry_after(headers.get("retry-after"))
    if codes & FORBIDDEN_CONTENT or "flagged_input" in (complaint.metadata or {}):
        return OrderRefused(reason)
    if status == 401:
        return ModelOutOfReach("it does not accept the key (401), see PRESSRUN_OPENAI__API_KEY")
    if status in NEEDS_A_PERSON or status < 400 or codes & (NO_MONEY | UNKNOWN_MODEL):
        return ModelOutOfReach(reason)
    if status == 429:
        return ModelLimited(reason, retry_after)
    if status in BUSY:
        return ModelBusy(reason, retry_after)
    if status >= 500 or status in PASSING:
        return ModelFailed(f"The model's endpoint failed: {reason}")
    return OrderRefused(reason)


def _complaint(body: bytes) -> Complaint:
    try:
        told = Refusal.model_validate_json(body)
    except ValidationError:
        return Complaint()
    return told.error or Complaint(message=told.message or told.detail or "")


def _retry_after(value: str | None) -> str | None:
    fits = value is not None and len(value) <= LONGEST_RETRY_AFTER and value.isascii() and value.isprintable()
    return value if fits else None
