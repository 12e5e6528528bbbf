"""The headers that let a receiver check who sent a message, as Standard Webhooks has them. Nothing is sent here."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from standardwebhooks.webhooks import Webhook

from jobs.notification.signing_secrets import Signing


def signed(signing: Signing, message: str, now: datetime, text: str) -> Mapping[str, str]:
    """One signature for each secret, the newest first. `message`: the id, which holds no dot; `text`: the body."""
    signatures = [Webhook(secret).sign(message, now, text) for secret in signing.secrets]
    return {
        "webhook-id": message,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": " ".join(signatures),
    }
