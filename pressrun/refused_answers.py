"""Turns what came back over HTTP into a JSON object, or into the sentence that says why not.

Nothing is sent from here.
"""

from __future__ import annotations

from typing import Any

import httpx2

from jobs.errors import Fault
from pressrun.refusals import Refused, RemoteError, UnexpectedAnswer

UNAUTHORIZED = 401
UNAVAILABLE = (502, 503, 504)


def json_object(response: httpx2.Response, *, url: str) -> dict[str, Any]:
    body = _parsed(response)
    if not isinstance(body, dict):
        raise UnexpectedAnswer(url, f"it answers with {_kind(response)} instead of a JSON object")
    return body


def refusal(response: httpx2.Response, *, url: str, has_key: bool) -> RemoteError:
    """The error that an answer other than 2xx stands for; never raises."""
    status = response.status_code
    if response.has_redirect_location:
        return UnexpectedAnswer(url, f"it sends on to {response.headers['location']}")
    details: object = None
    match _parsed(response):
        case {"error": str(sentence), **rest}:
            details = rest.get("details")
        case _ if status in UNAVAILABLE:
            sentence = f"The service at {url} is not available just now ({status})."
        case _:
            return UnexpectedAnswer(url, f"it answers {status} with {_kind(response)}")
    if status == UNAUTHORIZED:
        advice = (
            "the service does not accept this API key" if has_key else "give an API key with --key or PRESSRUN_API_KEY"
        )
        sentence = f"{sentence.rstrip('.')}: {advice}."
    retry_after = _retry_after_seconds(response)
    if retry_after:
        sentence = f"{sentence.rstrip('.')} (try again in {retry_after:g} s)."
    return Refused(sentence, status, _faults(details), retry_after)


def _parsed(response: httpx2.Response) -> object:
    try:
        return response.json()
    except ValueError:
        return None


def _kind(response: httpx2.Response) -> str:
    return str(response.headers.get("content-type", "")).partition(";")[0] or "nothing"


def _faults(details: object) -> tuple[Fault, ...]:
    if not isinstance(details, list):
        return ()
    return tuple(
        Fault(str(each.get("path", "")), str(each.get("message", ""))) for each in details if isinstance(each, dict)
    )


def _retry_after_seconds(response: httpx2.Response) -> float | None:
    text = str(response.headers.get("retry-after", ""))
    return float(text) if text.isdecimal() and text.isascii() else None
