"""Publishes to the targets that owners have registered: a signed POST, under an id that makes repeating harmless.

Signed as Standard Webhooks has it. What is published is the stage's affair, and whether it may go there the guard's.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import structlog

from jobs.clock import Clock
from jobs.documents import JobId, UserId
from jobs.errors import NoEncryptionKey, NotFound, SecretUnreadable
from jobs.notification.signing_secrets import Signing
from jobs.notification.targets import Targets
from outbound.client import Outbound
from outbound.errors import Kind, OutboundFailed
from outbound.fetched import Fetched
from worker.failures import StageFailed
from worker.fetching import as_stage_failure
from worker.keeping import until_it_is_there
from worker.pipeline import digest_of
from worker.signing import signed

log = structlog.get_logger()
LONGEST_ID = 200
LONGEST_URL = 2048


@dataclass(frozen=True)
class Sender:
    """On whose behalf something is published: a job's stage."""

    owner: UserId
    job_id: JobId
    stage: str


class Publishing:
    """`within` bounds each request as a whole."""

    def __init__(self, outbound: Outbound, targets: Targets, clock: Clock, within: timedelta) -> None:
        self._outbound = outbound
        self._targets = targets
        self._clock = clock
        self._within = within

    async def publish(self, sender: Sender, name: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """`url` and `id` of what was published, if the target told them. The same body of the same stage goes under
        the same id, however often it is sent. Raises `StageFailed`; no sentence holds the target's URL or secret."""
        signing = await self._signing(sender, name)
        message = f"{sender.job_id}-{sender.stage}-{digest_of(dict(body))}"
        text = json.dumps(body, allow_nan=False, separators=(",", ":"))
        headers = {
            "Content-Type": "application/json",
            "Idempotency-Key": message,
            **signed(signing, message, self._clock.now(), text),
        }
        try:
            answer = await self._outbound.post(signing.url, text.encode(), headers, within=self._within)
        except OutboundFailed as failed:
            if failed.kind is not Kind.WRONG_TYPE:
                what = f"The article could not be published to the target {name!r}"
                raise as_stage_failure(what, failed, counts_unreachable=False) from None
            answer = None  # packed in some way: it was taken, and only its answer cannot be read
        log.info("published", target=name, stage=sender.stage)
        return _told(answer) if answer is not None else {}

    async def _signing(self, sender: Sender, name: str) -> Signing:
        try:
            return await until_it_is_there(lambda: self._targets.signing(sender.owner, name))
        except NotFound:
            gone = f"There is no target {name!r} any more: register it, then retry."
            raise StageFailed(gone, permanent=True) from None
        except (NoEncryptionKey, SecretUnreadable) as error:
            log.error("target_secret_unreadable", target=name, reason=str(error))  # noqa: TRY400 - it is all there is
            raise StageFailed(f"Nothing can be signed for the target {name!r}: {error}") from None


def _told(answer: Fetched) -> Mapping[str, Any]:
    """Nothing is made of an answer that is not what it could be: what was published stays published."""
    try:
        told = json.loads(answer.body) if answer.complete else None
    except (ValueError, RecursionError):
        return {}
    if not isinstance(told, dict):
        return {}
    return {name: told[name] for name, is_good in (("url", _is_url), ("id", _is_id)) if is_good(told.get(name))}


def _is_url(value: object) -> bool:
    return _is_line(value, LONGEST_URL) and str(value).startswith(("https://", "http://"))


def _is_id(value: object) -> bool:
    return _is_line(value, LONGEST_ID) or (type(value) is int and abs(value) < 2**53)


def _is_line(value: object, longest: int) -> bool:
    return isinstance(value, str) and 0 < len(value) <= longest and value.isprintable()
