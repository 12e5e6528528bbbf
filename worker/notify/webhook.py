"""Sends deliveries to webhooks: a signed POST under the event's id, through the guard for URLs that users gave."""

from __future__ import annotations

from datetime import timedelta

import structlog

from jobs.clock import Clock
from jobs.errors import NoEncryptionKey, NotFound, SecretUnreadable
from jobs.notification.deliveries import LONGEST_ANSWER, Delivery
from jobs.notification.endpoints import EndpointId, Endpoints
from jobs.notification.redelivery import MOST_ASKED_FOR
from jobs.notification.signing_secrets import Signing
from outbound.client import Outbound
from outbound.errors import Kind, OutboundFailed
from worker.notify.payload import payload_of
from worker.notify.sending import WITHIN, SendFailed, Sent
from worker.signing import signed

log = structlog.get_logger()
GONE = 410
NO_SUCH_ENDPOINT = "This endpoint was removed."
DISABLED = "This endpoint is disabled."


class WebhookSender:
    """Implements `worker.notify.sending.Sender`. An endpoint that answers 410 is disabled by it."""

    def __init__(
        self,
        outbound: Outbound,
        endpoints: Endpoints,
        clock: Clock,
        public_url: str | None = None,
        within: timedelta = WITHIN,
    ) -> None:
        self._outbound = outbound
        self._endpoints = endpoints
        self._clock = clock
        self._public_url = public_url
        self._within = within

    async def send(self, delivery: Delivery) -> Sent:
        signing = await self._signing(delivery)
        body = payload_of(delivery, self._public_url)
        headers = {
            "Content-Type": "application/json",
            **signed(signing, delivery.body["id"], self._clock.now(), body.decode()),
        }
        try:
            answer = await self._outbound.post(
                signing.url,
                body,
                headers,
                within=self._within,
                most_bytes=LONGEST_ANSWER,
                refusal_bytes=LONGEST_ANSWER,
                longest_wait=MOST_ASKED_FOR,
            )
        except OutboundFailed as failed:
            if failed.kind is Kind.WRONG_TYPE:
                return Sent()  # packed in some way: it was taken, and only its answer cannot be read
            if failed.status == GONE:
                await self._disable(delivery, signing.url)
            raise SendFailed(
                str(failed),
                failed.status,
                failed.answer.decode(errors="replace"),
                permanent=failed.status == GONE,
                retry_after=failed.retry_after,
            ) from None
        return Sent(answer.status, answer.text())

    async def _signing(self, delivery: Delivery) -> Signing:
        try:
            if delivery.endpoint_id is None:
                return await self._endpoints.signing_for_bulks(delivery.owner, delivery.url or "")
            endpoint, signing = await self._endpoints.signing(delivery.owner, EndpointId(delivery.endpoint_id))
        except NotFound:
            raise SendFailed(NO_SUCH_ENDPOINT, permanent=True) from None
        except (NoEncryptionKey, SecretUnreadable) as error:
            log.error("endpoint_secret_unreadable", reason=str(error))  # noqa: TRY400 - it is all there is
            raise SendFailed(f"Nothing can be signed for this webhook: {error}") from None
        if endpoint.disabled is not None:
            raise SendFailed(DISABLED, permanent=True)
        return signing

    async def _disable(self, delivery: Delivery, url: str) -> None:
        """Before the delivery ends: whoever dies in between is answered the same by the next try."""
        if delivery.endpoint_id is None:
            return
        endpoint_id = EndpointId(delivery.endpoint_id)
        if await self._endpoints.disable_gone(delivery.owner, endpoint_id, url):
            log.warning("endpoint_disabled", endpoint_id=str(endpoint_id), reason="it answered 410")
