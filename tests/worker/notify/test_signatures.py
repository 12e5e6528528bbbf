"""Signatures against the vectors, and against the package that receivers verify with."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from jobs.notification.signing_secrets import Signing
from worker.signing import signed

VECTORS = json.loads((Path(__file__).parents[2] / "data" / "webhook_signatures.json").read_text())["vectors"]


@pytest.mark.parametrize("vector", VECTORS, ids=[vector["name"] for vector in VECTORS])
def test_the_headers_are_those_of_the_vectors(vector: dict[str, Any]) -> None:
    headers = vector["headers"]
    at = datetime.fromtimestamp(int(headers["webhook-timestamp"]), UTC)
    made = signed(Signing("https://hooks.example/", vector["secrets"]), headers["webhook-id"], at, vector["payload"])
    assert made == headers


def test_receivers_verify_it_with_either_of_two_secrets_and_with_no_other() -> None:
    secrets = [f"whsec_{letter * 32}" for letter in "ABC"]
    headers = dict(signed(Signing("", secrets[:2]), "665f1c2a-1-completed", datetime.now(UTC), '{"a":1}'))
    for secret in secrets[:2]:
        assert Webhook(secret).verify('{"a":1}', headers) == {"a": 1}
    with pytest.raises(WebhookVerificationError):
        Webhook(secrets[2]).verify('{"a":1}', headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(secrets[0]).verify('{"a":2}', headers)
