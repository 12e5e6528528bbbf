"""The client of a running service: one method a route, every failure a sentence.

Nothing is printed here, and no answer is interpreted beyond being JSON (see `pressrun/answers.py`).
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Self
from urllib.parse import quote
from uuid import uuid4

import httpx2

from jobs.errors import InvalidInput
from pressrun.refusals import AnswerLost, Refused, RemoteError, ServiceAway, UnexpectedAnswer
from pressrun.refused_answers import UNAVAILABLE, json_object, refusal

TIMEOUT = httpx2.Timeout(connect=5, read=60, write=60, pool=5)
TRIES = 4
LONGEST_PAUSE_SECONDS = 10.0
HIGHEST_PORT = 65_535
TEMPLATES = "/api/templates"
SCHEDULES = "/api/schedules"
LOOPBACK_HOST = re.compile(r"localhost|127(\.\d+){3}|::1")

Json = dict[str, Any]


class Remote:
    """A service at `url`, spoken to with an API key, or as `user` where `auth.mode` is off.

    Every method raises a RemoteError. `sleep` takes seconds and may raise to give up early.
    """

    def __init__(
        self,
        url: str,
        key: str | None = None,
        user: str | None = None,
        *,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        address = _address(url)
        self.url = str(address).rstrip("/")
        self._has_key = bool(key)
        self._sleep = sleep
        self._client = httpx2.Client(
            base_url=address,
            headers={"User-Agent": "pressrun", "Accept": "*/*", **_who(key, user)},
            timeout=TIMEOUT,
            trust_env=not LOOPBACK_HOST.fullmatch(address.host),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def bulks(self, *, status: str | None, limit: int, cursor: str | None = None) -> Json:
        wanted = {"status": status, "limit": str(limit), "cursor": cursor}
        return self._json("GET", "/api/bulk-generate", params=_given(wanted), tries=TRIES)

    def bulk(self, bulk_id: str, *, jobs_cursor: str | None = None, tries: int = TRIES) -> Json:
        return self._json("GET", _bulk(bulk_id), params=_given({"jobs_cursor": jobs_cursor}), tries=tries)

    def job(self, job_id: str) -> Json:
        return self._json("GET", f"/api/jobs/{quote(job_id, safe='')}")

    def submit(self, body: Mapping[str, Any]) -> Json:
        """As all that makes a bulk, asked again after a lost answer, under one Idempotency-Key: it is made once."""
        return self._submit("/api/bulk-generate", body)

    def submit_again(self, bulk_id: str) -> Json:
        return self._submit(f"{_bulk(bulk_id)}/again")

    def submit_template(self, template_id: str, body: Mapping[str, Any]) -> Json:
        return self._submit(f"{TEMPLATES}/{template_id}/submit", body)

    def templates(self, *, limit: int, cursor: str | None = None) -> Json:
        return self._json("GET", TEMPLATES, params=_given({"limit": str(limit), "cursor": cursor}), tries=TRIES)

    def keep_template(self, body: Mapping[str, Any]) -> Json:
        return self._json("POST", TEMPLATES, body=body)

    def remove_template(self, template_id: str) -> Json:
        return self._json("DELETE", f"{TEMPLATES}/{template_id}")

    def schedules(self) -> Json:
        return self._json("GET", SCHEDULES, tries=TRIES)

    def schedule(self, schedule_id: str) -> Json:
        return self._json("GET", f"{SCHEDULES}/{schedule_id}", tries=TRIES)

    def control_schedule(self, schedule_id: str, verb: str) -> Json:
        return self._json("POST", f"{SCHEDULES}/{schedule_id}/{verb}")

    def remove_schedule(self, schedule_id: str) -> Json:
        return self._json("DELETE", f"{SCHEDULES}/{schedule_id}")

    def control(self, bulk_id: str, verb: str, body: Mapping[str, Any] | None = None) -> Json:
        return self._json("POST", f"{_bulk(bulk_id)}/{verb}", body=body or {})

    def remove_bulk(self, bulk_id: str) -> Json:
        return self._json("DELETE", _bulk(bulk_id))

    def control_job(self, job_id: str, verb: str, body: Mapping[str, Any]) -> Json:
        return self._json("POST", f"/api/jobs/{quote(job_id, safe='')}/{verb}", body=body)

    def selections(self, *, bulk_id: str | None, limit: int, cursor: str | None = None) -> Json:
        wanted = {"bulk_job_id": bulk_id, "limit": str(limit), "cursor": cursor}
        return self._json("GET", "/api/selections", params=_given(wanted), tries=TRIES)

    def approve(self, bulk_id: str) -> Json:
        return self._json("POST", "/api/selections/approve", body={"bulk_job_id": bulk_id})

    def limits(self, tenant: str | None = None) -> Json:
        """The system's, or those of one tenant."""
        return self._json("GET", _limits(tenant), tries=TRIES)

    def change_limits(self, changes: Mapping[str, Any], tenant: str | None = None) -> Json:
        return self._json("PATCH", _limits(tenant), body=changes)

    @contextmanager
    def results(self, bulk_id: str, form: str) -> Iterator[Iterator[bytes]]:
        """The body of the results in chunks; AnswerLost where it breaks off."""
        request = self._client.build_request("GET", f"{_bulk(bulk_id)}/results", params={"format": form})
        response = self._ask(request, tries=TRIES, stream=True)
        try:
            if "html" in response.headers.get("content-type", ""):
                raise UnexpectedAnswer(self.url, "it answers with a web page")
            yield self._chunks(response)
        finally:
            response.close()

    def _submit(self, path: str, body: Mapping[str, Any] | None = None) -> Json:
        headers = {"Idempotency-Key": uuid4().hex}
        return self._json("POST", path, body=body, headers=headers, tries=TRIES, lost_too=True)

    def _json(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        tries: int = 1,
        lost_too: bool = False,
    ) -> Json:
        try:
            request = self._client.build_request(method, path, params=params, json=body, headers=headers)
        except ValueError as error:
            raise InvalidInput(f"This cannot be sent as JSON: {error}.") from error
        return json_object(self._ask(request, tries=tries, lost_too=lost_too), url=self.url)

    def _ask(
        self, request: httpx2.Request, *, tries: int = 1, lost_too: bool = False, stream: bool = False
    ) -> httpx2.Response:
        for earlier in range(tries):
            try:
                return self._send(request, stream=stream)
            except RemoteError as error:
                pause = _pause_before_repeat(error, earlier, lost_too=lost_too)
                if pause is None or earlier + 1 == tries:
                    raise
                self._sleep(pause)
        raise AssertionError("the last try returns or raises")

    def _send(self, request: httpx2.Request, *, stream: bool) -> httpx2.Response:
        try:
            response = self._client.send(request, stream=stream)
            if not response.is_success:
                response.read()
        except (httpx2.ConnectError, httpx2.ConnectTimeout) as error:
            raise ServiceAway(self.url, _unless_refused(error)) from error
        except httpx2.DecodingError as error:
            raise UnexpectedAnswer(self.url, str(error)) from error
        except httpx2.HTTPError as error:
            raise AnswerLost(self.url, _words(error)) from error
        if not response.is_success:
            raise refusal(response, url=self.url, has_key=self._has_key)
        return response

    def _chunks(self, response: httpx2.Response) -> Iterator[bytes]:
        try:
            yield from response.iter_bytes()
        except httpx2.HTTPError as error:
            raise AnswerLost(self.url, _words(error)) from error


def _pause_before_repeat(error: RemoteError, earlier: int, *, lost_too: bool) -> float | None:
    backoff = 2.0**earlier
    match error:
        case Refused(retry_after_seconds=float(seconds)):
            return seconds if seconds <= LONGEST_PAUSE_SECONDS else None
        case Refused(status=status) if status in UNAVAILABLE:
            return backoff
        case AnswerLost() if lost_too:
            return backoff
        case ServiceAway() if lost_too and earlier:
            return backoff
        case _:
            return None


def _address(url: str) -> httpx2.URL:
    try:
        address = httpx2.URL(url.strip())
    except (httpx2.InvalidURL, ValueError) as error:
        raise InvalidInput(f"{url!r} is no address of a service: {error}.") from error
    if address.scheme not in ("http", "https") or not address.host:
        raise InvalidInput(f"{url!r} is no address of a service: it begins with http:// or https://.")
    if address.port is not None and address.port > HIGHEST_PORT:
        raise InvalidInput(f"{url!r} is no address of a service: ports end at {HIGHEST_PORT}.")
    if address.userinfo:
        raise InvalidInput("The address of the service may hold no user name or password: use --key.")
    return address.copy_with(query=None, fragment=None)


def _who(key: str | None, user: str | None) -> dict[str, str]:
    headers = _given({"Authorization": f"Bearer {key}" if key else None, "X-Pressrun-User": user or None})
    for name, value in headers.items():
        if not (value.isascii() and value.isprintable()):
            what = "API key" if name == "Authorization" else "user"
            raise InvalidInput(f"The {what} may hold printable ASCII characters only.")
    return headers


def _given(values: Mapping[str, str | None]) -> dict[str, str]:
    return {name: value for name, value in values.items() if value is not None}


def _bulk(bulk_id: str) -> str:
    return f"/api/bulk-generate/{quote(bulk_id, safe='')}"


def _limits(tenant: str | None) -> str:
    return "/api/limits" if tenant is None else f"/api/limits/tenants/{quote(tenant, safe='')}"


def _unless_refused(error: Exception) -> str:
    words = _words(error)
    return "" if "refused" in words.lower() else f" ({words})"


def _words(error: Exception) -> str:
    return str(error) or type(error).__name__
