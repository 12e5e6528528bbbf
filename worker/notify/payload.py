"""What a webhook is sent: an event as JSON, and where to look. Under 20 kB. Nothing is sent here."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from jobs.notification.deliveries import Delivery
from jobs.storage.bson_json import JsonValue, plain

MOST_BYTES = 20_000
COUNTS = ("total", "completed", "failed", "cancelled")


def payload_of(delivery: Delivery, public_url: str | None) -> bytes:
    """The same bytes at every try. Without `public_url`, under which people reach the service, links are paths."""
    data = _data(delivery, (public_url or "").rstrip("/"))
    payload = {"type": delivery.body["type"], "timestamp": plain(delivery.body["at"]), "data": data}
    text = _text(payload)
    while len(text) > MOST_BYTES and data.get("errors"):
        data["errors"] = data["errors"][:-1]
        text = _text(payload)
    return text


def _text(payload: Mapping[str, Any]) -> bytes:
    """Half of a surrogate pair cannot be sent, and becomes a question mark."""
    return json.dumps(payload, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode(errors="replace")


def _data(delivery: Delivery, root: str) -> dict[str, Any]:
    ids = {"bulk_job_id": delivery.bulk_job_id, "job_id": delivery.job_id}
    told: dict[str, Any] = {name: str(one) for name, one in ids.items() if one is not None}
    if delivery.bulk_job_id is not None and delivery.job_id is None:
        told |= {"generation": delivery.body["generation"], "by": delivery.body["by"]}
    stood = _plain(delivery.body["data"])
    counts = {name: stood.pop(name) for name in COUNTS if name in stood}
    told |= stood
    if counts:
        told["counts"] = counts
    links = _links(delivery, root)
    return {**told, "links": links} if links else told


def _plain(data: Mapping[str, Any]) -> dict[str, JsonValue]:
    return {name: plain(value) for name, value in data.items()}


def _links(delivery: Delivery, root: str) -> Mapping[str, str]:
    """`page` is for people, the others are of the API."""
    if delivery.job_id is not None:
        return {"page": f"{root}/jobs/{delivery.job_id}", "job": f"{root}/api/jobs/{delivery.job_id}"}
    if delivery.bulk_job_id is not None:
        bulk = f"{root}/api/bulk-generate/{delivery.bulk_job_id}"
        return {
            "page": f"{root}/bulks/{delivery.bulk_job_id}",
            "bulk_job": bulk,
            "results": f"{bulk}/results?format=json",
        }
    return {}
