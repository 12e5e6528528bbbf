"""Reads a Retry-After header. No waiting is done here."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

MOST = timedelta(minutes=10)


def read_retry_after(value: str | None, most: timedelta = MOST) -> timedelta | None:
    """Seconds or an HTTP date (RFC 9110 §10.2.3), from none to `most`; None for anything else."""
    if value is None:
        return None
    if value.isascii() and value.isdigit():
        return min(timedelta(seconds=int(value[:9])), most)
    try:
        wait = parsedate_to_datetime(value) - datetime.now(UTC)
    except (ValueError, TypeError, OverflowError):
        return None
    return min(max(wait, timedelta(0)), most)
