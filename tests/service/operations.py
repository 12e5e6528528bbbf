"""Every operation of the API, what it needs of its caller, and a request of it that nothing is wrong with. No tests.

`test_api_document.py` holds this list against the OpenAPI document: a new route gets its line here on purpose.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal

import httpx2

from tests.service.requesting import TARGET_URL, bulk

Needs = Literal["nobody", "read", "write", "admin"]
SOME_ID = "6b027bdfe484bda5c9f5777d"
TEN_TOPICS = b"Topic\n" + b"tea\n" * 10


@dataclass(frozen=True)
class Operation:
    """`about` tells whose id the address or the body holds. One that `streams` has no end, and so no answer here."""

    name: str
    method: str
    path: str
    needs: Needs
    body: Any = None
    about: Literal["bulk", "job"] | None = None
    reads_store: bool = True
    streams: bool = False
    form: bool = False


OPERATIONS = (
    Operation("submitBulk", "POST", "/api/bulk-generate", "write", bulk()),
    Operation(
        "uploadBulk", "POST", "/api/bulk-generate/upload", "write", {"mode": "topic", "submit": "true"}, form=True
    ),
    Operation("validateBulk", "POST", "/api/bulk-generate/validate", "write", bulk()),
    Operation("listBulks", "GET", "/api/bulk-generate", "read"),
    Operation("getBulk", "GET", "/api/bulk-generate/{bulk_id}", "read", about="bulk"),
    Operation("changeBulk", "PATCH", "/api/bulk-generate/{bulk_id}", "write", {"name": "n"}, about="bulk"),
    Operation("pauseBulk", "POST", "/api/bulk-generate/{bulk_id}/pause", "write", {}, about="bulk"),
    Operation("resumeBulk", "POST", "/api/bulk-generate/{bulk_id}/resume", "write", about="bulk"),
    Operation("cancelBulk", "POST", "/api/bulk-generate/{bulk_id}/cancel", "write", about="bulk"),
    Operation("retryBulk", "POST", "/api/bulk-generate/{bulk_id}/retry", "write", about="bulk"),
    Operation("removeBulk", "DELETE", "/api/bulk-generate/{bulk_id}", "write", about="bulk"),
    Operation("getResults", "GET", "/api/bulk-generate/{bulk_id}/results", "read", about="bulk"),
    Operation("streamBulk", "GET", "/api/bulk-generate/{bulk_id}/events", "read", about="bulk", streams=True),
    Operation("streamJob", "GET", "/api/jobs/{job_id}/events", "read", about="job", streams=True),
    Operation("streamQueue", "GET", "/api/queue/events", "read", reads_store=False, streams=True),
    Operation("submitAgain", "POST", "/api/bulk-generate/{bulk_id}/again", "write", about="bulk"),
    Operation("keepTemplate", "POST", "/api/templates", "write", {"name": "Teas", "request": bulk()}),
    Operation("listTemplates", "GET", "/api/templates", "read"),
    Operation("getTemplate", "GET", "/api/templates/{template_id}", "read"),
    Operation("changeTemplate", "PATCH", "/api/templates/{template_id}", "write", {"name": "Milk"}),
    Operation("removeTemplate", "DELETE", "/api/templates/{template_id}", "write"),
    Operation("submitTemplate", "POST", "/api/templates/{template_id}/submit", "write", {"name": "Spring"}),
    Operation(
        "createSchedule",
        "POST",
        "/api/schedules",
        "write",
        {"name": "Teas", "template_id": SOME_ID, "cron": "0 6 * * 1"},
    ),
    Operation("listSchedules", "GET", "/api/schedules", "read"),
    Operation("getSchedule", "GET", "/api/schedules/{schedule_id}", "read"),
    Operation("changeSchedule", "PATCH", "/api/schedules/{schedule_id}", "write", {"name": "Milk"}),
    Operation("removeSchedule", "DELETE", "/api/schedules/{schedule_id}", "write"),
    Operation("pauseSchedule", "POST", "/api/schedules/{schedule_id}/pause", "write"),
    Operation("resumeSchedule", "POST", "/api/schedules/{schedule_id}/resume", "write"),
    Operation("runSchedule", "POST", "/api/schedules/{schedule_id}/run", "write"),
    Operation("listFirings", "GET", "/api/schedules/{schedule_id}/firings", "read"),
    Operation("submitJob", "POST", "/api/jobs", "write", {"mode": "topic", "topic": "tea"}),
    Operation("listJobs", "GET", "/api/jobs", "read"),
    Operation("getJob", "GET", "/api/jobs/{job_id}", "read", about="job"),
    Operation("retryJob", "POST", "/api/jobs/{job_id}/retry", "write", {}, about="job"),
    Operation("cancelJob", "POST", "/api/jobs/{job_id}/cancel", "write", about="job"),
    Operation("registerTarget", "POST", "/api/targets", "write", {"name": "site", "url": TARGET_URL}),
    Operation("listTargets", "GET", "/api/targets", "write"),
    Operation("rotateTarget", "POST", "/api/targets/{name}/rotate", "write"),
    Operation("removeTarget", "DELETE", "/api/targets/{name}", "write"),
    Operation("listEndpoints", "GET", "/api/webhooks", "write"),
    Operation("createEndpoint", "POST", "/api/webhooks", "write", {"url": TARGET_URL}),
    Operation("getEndpoint", "GET", "/api/webhooks/{endpoint_id}", "write"),
    Operation("changeEndpoint", "PATCH", "/api/webhooks/{endpoint_id}", "write", {"enabled": False}),
    Operation("removeEndpoint", "DELETE", "/api/webhooks/{endpoint_id}", "write"),
    Operation("rotateEndpoint", "POST", "/api/webhooks/{endpoint_id}/rotate", "write"),
    Operation("testEndpoint", "POST", "/api/webhooks/{endpoint_id}/test", "write"),
    Operation("listDeliveries", "GET", "/api/webhooks/{endpoint_id}/deliveries", "write"),
    Operation(
        "replayDeliveries", "POST", "/api/webhooks/{endpoint_id}/replay", "write", {"since": "2026-01-01T00:00:00Z"}
    ),
    Operation("getDelivery", "GET", "/api/webhooks/deliveries/{delivery_id}", "write"),
    Operation("replayDelivery", "POST", "/api/webhooks/deliveries/{delivery_id}/replay", "write"),
    Operation("listKeys", "GET", "/api/keys", "read"),
    Operation("createKey", "POST", "/api/keys", "write", {"name": "ci", "scope": "read"}),
    Operation("revokeKey", "DELETE", "/api/keys/{key_id}", "write"),
    Operation("listNotices", "GET", "/api/notifications", "read"),
    Operation("readNotices", "POST", "/api/notifications/read", "write", {}),
    Operation("getPreferences", "GET", "/api/notifications/preferences", "read"),
    Operation("listUndeliveredMail", "GET", "/api/notifications/mail", "read"),
    Operation("replayMail", "POST", "/api/notifications/mail/{delivery_id}/replay", "write"),
    Operation("changePreferences", "PUT", "/api/notifications/preferences", "write", {"daily": ["job.failed"]}),
    Operation("selectForJob", "POST", "/api/jobs/{job_id}/select", "write", {"choice": 0}, about="job"),
    Operation("listSelections", "GET", "/api/selections", "read"),
    Operation("approveSelections", "POST", "/api/selections/approve", "write", {"bulk_job_id": SOME_ID}, about="bulk"),
    Operation("getAsset", "GET", "/api/assets/{asset_id}", "read"),
    Operation("listPipelines", "GET", "/api/pipelines", "read"),
    Operation("getQueue", "GET", "/api/queue", "read"),
    Operation("getThroughput", "GET", "/api/queue/throughput", "read"),
    Operation("getSystem", "GET", "/api/system", "admin"),
    Operation("listWorkers", "GET", "/api/workers", "admin"),
    Operation("getLimits", "GET", "/api/limits", "admin"),
    Operation("changeLimits", "PATCH", "/api/limits", "admin", {"max_running": 1}),
    Operation("getTenantLimits", "GET", "/api/limits/tenants/{tenant}", "admin"),
    Operation("changeTenantLimits", "PATCH", "/api/limits/tenants/{tenant}", "admin", {"weight": 2}),
    Operation("getHealth", "GET", "/healthz", "nobody", reads_store=False),
    Operation("getReadiness", "GET", "/readyz", "nobody"),
)


async def call(
    client: httpx2.AsyncClient,
    operation: Operation,
    bulk_id: str = SOME_ID,
    job_id: str = SOME_ID,
    ids: Mapping[str, str] = MappingProxyType({}),
) -> httpx2.Response:
    """`ids`: of other things, by the name that they have in addresses."""
    some = {
        "bulk_id": bulk_id,
        "job_id": job_id,
        "template_id": SOME_ID,
        "schedule_id": SOME_ID,
        "key_id": SOME_ID,
        "endpoint_id": SOME_ID,
        "delivery_id": f"{SOME_ID}-1-completed.endpoint-{SOME_ID}",
        "tenant": "shop",
        "name": "site",
        "asset_id": f"{job_id}-0123456789abcdef",
    }
    url = operation.path.format(**{**some, **ids})
    if operation.body is None:
        return await client.request(operation.method, url)
    if operation.form:
        return await client.request(operation.method, url, data=operation.body, files={"file": ("a.csv", TEN_TOPICS)})
    names_bulk = {"bulk_job_id": bulk_id} if "bulk_job_id" in operation.body else {}
    return await client.request(operation.method, url, json=operation.body | names_bulk)
