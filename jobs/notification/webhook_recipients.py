"""Which webhooks an event goes to: the owner's endpoints that want its type, and the URL that its bulk names."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from jobs.documents import UserId
from jobs.events import Event
from jobs.notification.addressed import Addressed, Channel
from jobs.notification.endpoints import Endpoint, EndpointKind, Endpoints
from jobs.storage.store import Document


class WebhookRecipients:
    """Implements `jobs.notification.addressed.Recipients`."""

    def __init__(self, endpoints: Endpoints) -> None:
        self._endpoints = endpoints

    async def of(self, event: Event, owner: UserId, bulk: Document) -> Sequence[Addressed]:
        """A bulk's own URL is told all of that bulk; where it is an endpoint's, that endpoint is told, and once."""
        registered = [one for one in await self._endpoints.list(owner) if one.kind is EndpointKind.ENDPOINT]
        own = (bulk.get("notify") or {}).get("webhook_url")
        told = [
            to_endpoint(one)
            for one in registered
            if one.disabled is None and (event.type.value in one.events or one.url == own)
        ]
        if own is not None and own not in {one.url for one in registered}:
            told.append(Addressed(Channel.WEBHOOK, f"url-{hashlib.sha256(own.encode()).hexdigest()[:24]}", url=own))
        return told


def to_endpoint(endpoint: Endpoint) -> Addressed:
    return Addressed(Channel.WEBHOOK, f"endpoint-{endpoint.id}", endpoint_id=endpoint.id)
