"""Webhook endpoints and their deliveries as they are answered. Nothing is read here."""

from __future__ import annotations

from dataclasses import asdict

from jobs.notification.delivery_log import Logged
from jobs.notification.endpoints import Endpoint
from jobs.storage.bson_json import plain
from service.schemas.webhook_models import AttemptState, DeliverySummary, EndpointState


def endpoint_state(endpoint: Endpoint) -> EndpointState:
    disabled = endpoint.disabled
    told = {name: value for name, value in asdict(endpoint).items() if name != "disabled"}
    return EndpointState.model_validate(
        plain(
            {
                **told,
                "enabled": disabled is None,
                "disabled_at": disabled.at if disabled is not None else None,
                "disabled_by": ("recipient" if disabled.by_recipient else "owner") if disabled is not None else None,
            }
        )
    )


def delivery_summary(logged: Logged) -> DeliverySummary:
    told = asdict(logged)
    attempts = told.pop("attempts")
    return DeliverySummary.model_validate(plain({**told, "last": attempts[-1] if attempts else None}))


def attempts_of(logged: Logged) -> list[AttemptState]:
    """The oldest first."""
    return [AttemptState.model_validate(plain(asdict(attempt))) for attempt in logged.attempts]
