"""Every address of the pages: parts, streams, files and form actions too, and what each needs of its caller. No tests.

`test_ownership.py` holds this list against the application's routes: a new one gets its line here on purpose.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import httpx2

from tests.service.browsing import BROWSER, HTMX

Needs = Literal["nobody", "read", "write", "admin"]


@dataclass(frozen=True)
class PageOperation:
    """`about`: the name of what somebody owns that the address, a query or the form names; None where it shows or
    makes what is the caller's own. One that `streams` has no end. What `is_part` of a page leads there without
    scripts. `query` and `form` may name what is owned."""

    method: str
    path: str
    needs: Needs
    about: str | None = None
    query: str = ""
    form: Mapping[str, str] = field(default_factory=dict)
    streams: bool = False
    is_part: bool = False
    of_everybody: bool = False

    @property
    def name(self) -> str:
        return f"{self.method} {self.path}{'?' + self.query if self.query else ''}"


def _get(path: str, needs: Needs = "read", about: str | None = None, **more: object) -> PageOperation:
    return PageOperation("GET", path, needs, about, **more)  # type: ignore[arg-type]


def _post(path: str, about: str | None = None, needs: Needs = "write", **form: str) -> PageOperation:
    return PageOperation("POST", path, needs, about, form=form)


URL = "https://hooks.example/pressrun"
ENDPOINT = {"url": URL, "description": "changed by another", "events.job.failed": "on"}
PAGE_OPERATIONS = (
    _get("/sign-in", "nobody"),
    _post("/sign-in", needs="nobody", key="none"),
    _post("/sign-out", needs="nobody"),
    _get("/unsubscribe/{token}", "nobody"),
    _post("/unsubscribe/{token}", needs="nobody"),
    _post("/unsubscribe/{token}/undo", needs="nobody"),
    _get("/"),
    _get("/live"),
    _get("/notifications/unread"),
    _get("/bulks/new", "write"),
    _get("/bulks/new", "write", "template", query="template={template_id}"),
    _get("/bulks/new", "write", "bulk job", query="bulk={bulk_id}"),
    _post("/bulks/new", do="submit"),
    _get("/jobs/new", "write"),
    _post("/jobs/new"),
    _get("/formats/new", "write"),
    _get("/formats/new", "write", "template", query="template={template_id}"),
    _get("/formats/new", "write", "bulk job", query="bulk={formats_id}"),
    _post("/formats/new", do="submit"),
    _get("/formats/{formats_id}", about="bulk job"),
    _get("/formats/{formats_id}/parts", about="bulk job"),
    _get("/formats/{formats_id}/stream", about="bulk job", streams=True),
    _post("/formats/{formats_id}/retry/{format_job_id}", "bulk job"),
    _get("/bulks/{bulk_id}", about="bulk job"),
    _get("/bulks/{bulk_id}/stream", about="bulk job", streams=True),
    _post("/bulks/{bulk_id}/pause", "bulk job"),
    _post("/bulks/{bulk_id}/resume", "bulk job"),
    _post("/bulks/{bulk_id}/cancel", "bulk job"),
    _post("/bulks/{bulk_id}/retry", "bulk job"),
    _post("/bulks/{bulk_id}/again", "bulk job"),
    _post("/bulks/{bulk_id}/settings", "bulk job", name="Renamed by another"),
    _post("/bulks/{bulk_id}/remove", "bulk job"),
    _get("/jobs/{job_id}", about="job"),
    _get("/jobs/{job_id}/preview", about="job", is_part=True),
    _get("/jobs/{job_id}/raw", about="job", is_part=True),
    _get("/jobs/{job_id}/article", about="job"),
    _get("/jobs/{job_id}/stream", about="job", streams=True),
    _post("/jobs/{job_id}/retry", "job"),
    _post("/jobs/{job_id}/cancel", "job"),
    _get("/notifications"),
    _get("/notifications/live"),
    _get("/notifications/settings"),
    _post("/notifications/settings"),
    _post("/notifications/settings/mail/{delivery_id}/replay", "delivery"),
    _post("/notifications/read", id="{notice_id}"),
    _get("/notifications/{notice_id}", about="notification"),
    _get("/queue", of_everybody=True),
    _get("/queue/around", of_everybody=True),
    _get("/queue/stream", streams=True, of_everybody=True),
    PageOperation("POST", "/queue/limits", "admin", of_everybody=True),
    _get("/selections"),
    _get("/selections/live"),
    _post("/selections/approve/{bulk_id}", "bulk job"),
    _post("/selections/{job_id}", "job", choice="1"),
    _get("/templates"),
    _post("/templates", "bulk job", bulk_job_id="{bulk_id}", name="Taken by another"),
    _post("/templates/{template_id}/submit", "template"),
    _post("/templates/{template_id}/rename", "template", name="Renamed by another"),
    _post("/templates/{template_id}/delete", "template"),
    _get("/schedules"),
    _post("/schedules"),
    _get("/schedules/next"),
    _get("/schedules/{schedule_id}", about="schedule"),
    _post("/schedules/{schedule_id}/change", "schedule", name="Changed by another"),
    _post("/schedules/{schedule_id}/pause", "schedule"),
    _post("/schedules/{schedule_id}/resume", "schedule"),
    _post("/schedules/{schedule_id}/run", "schedule"),
    _post("/schedules/{schedule_id}/remove", "schedule"),
    _get("/webhooks", "write"),
    _post("/webhooks"),
    _get("/webhooks/{endpoint_id}", "write", "endpoint"),
    _get("/webhooks/{endpoint_id}/live", "write", "endpoint"),
    PageOperation("POST", "/webhooks/{endpoint_id}/change", "write", "endpoint", form=ENDPOINT),
    _post("/webhooks/{endpoint_id}/rotate", "endpoint"),
    _post("/webhooks/{endpoint_id}/enable", "endpoint"),
    _post("/webhooks/{endpoint_id}/disable", "endpoint"),
    _post("/webhooks/{endpoint_id}/test", "endpoint"),
    _post("/webhooks/{endpoint_id}/remove", "endpoint"),
    _post("/webhooks/{endpoint_id}/replay", "endpoint", since="2026-01-01T00:00"),
    _get("/webhooks/deliveries/{delivery_id}", "write", "delivery"),
    _get("/webhooks/deliveries/{delivery_id}/live", "write", "delivery"),
    _post("/webhooks/deliveries/{delivery_id}/replay", "delivery"),
    _get("/keys"),
    _post("/keys"),
    _post("/keys/{key_id}/revoke", "API key"),
)
SAME_NAME = {"formats_id": "bulk_id", "format_job_id": "job_id"}
"""What the routes call the things that this list tells apart."""


def route_of(operation: PageOperation) -> tuple[str, str]:
    path = operation.path
    for ours, theirs in SAME_NAME.items():
        path = path.replace(f"{{{ours}}}", f"{{{theirs}}}")
    return operation.method, path


async def load(
    client: httpx2.AsyncClient, operation: PageOperation, ids: Mapping[str, str], *, scripts: bool = False
) -> httpx2.Response:
    url = operation.path.format(**ids) + ("?" + operation.query.format(**ids) if operation.query else "")
    form = {name: value.format(**ids) for name, value in operation.form.items()}
    data = form if operation.method == "POST" else None
    return await client.request(operation.method, url, data=data, headers=HTMX if scripts else BROWSER)
