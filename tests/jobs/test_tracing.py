"""Which trace something belongs to, and where that is kept: as it came, and nothing that is no trace."""

from __future__ import annotations

import asyncio
import json
import logging

import pytest
import structlog

from jobs.events import Event
from jobs.logs import configure_logs
from jobs.outcomes import Failed
from jobs.storage.store import Document
from jobs.system import System
from jobs.tracing import Untraced, current, following, read, trace_id
from tests.jobs.conftest import MakeBulk
from tests.jobs.test_queue import claimed

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = f"00-{TRACE}-00f067aa0ba902b7-01"
OTHER = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"


@pytest.mark.parametrize(
    "text",
    [
        *(None, 7, "", "00", PARENT[:-1], PARENT + "0", PARENT.upper(), f" {PARENT}", f"{PARENT}\n"),
        f"ff{PARENT[2:]}",
        PARENT.replace(TRACE, "0" * 32),
        PARENT.replace("00f067aa0ba902b7", "0" * 16),
    ],
)
def test_what_is_no_traceparent_is_none(text: object) -> None:
    assert read(text) is None


def test_a_traceparent_is_read_as_it_is() -> None:
    assert read(PARENT) == PARENT


async def test_a_task_belongs_to_the_trace_that_it_was_started_in() -> None:
    async def look() -> str | None:
        return current()

    with following(PARENT):
        task = asyncio.create_task(look())
        with following(OTHER):
            assert current() == OTHER
        assert trace_id() == TRACE
    assert current() is None
    assert await task == PARENT


def test_without_a_tracer_a_trace_is_passed_on_as_it_came() -> None:
    with Untraced().span("outer", follows=PARENT), Untraced().span("inner") as inner:
        assert inner.traceparent == Untraced().traceparent == PARENT
    with Untraced().span("of no trace", follows="nonsense") as none:
        assert none.traceparent is None


async def test_a_bulk_its_jobs_and_its_events_remember_the_trace_that_submitted_them(
    system: System, make_bulk: MakeBulk
) -> None:
    with following(PARENT):
        bulk_id = await make_bulk(1)
    claim = await claimed(system)
    assert (claim.bulk["trace"], claim.job["trace"]) == (PARENT, PARENT)
    await system.queue.finish(claim, Failed("no", definite=True))
    bulk = await found(system, bulk_id)
    (event,) = bulk["events"]
    assert Event.read(event, bulk_id).trace == PARENT


async def test_a_trace_that_the_application_has_put_there_and_is_none_is_left_out(
    system: System, make_bulk: MakeBulk
) -> None:
    bulk_id = await make_bulk(1)
    wrong = {"$set": {"trace": {"any": "thing"}}}
    await system.store.collection("bulk_jobs").update_one({"_id": bulk_id}, wrong)
    await system.store.collection("generation_jobs").update_one({"bulk_job_id": bulk_id}, wrong)
    await system.queue.finish(await claimed(system), Failed("no", definite=True))
    (event,) = (await found(system, bulk_id))["events"]
    assert event["trace"] is None


async def found(system: System, bulk_id: object) -> Document:
    bulk = await system.store.collection("bulk_jobs").find_one({"_id": bulk_id})
    assert bulk is not None
    return bulk


def test_a_log_line_names_its_trace_where_there_is_one(capsys: pytest.CaptureFixture[str]) -> None:
    root, handlers, level = logging.getLogger(), logging.getLogger().handlers, logging.getLogger().level
    try:
        configure_logs()
        with following(PARENT):
            structlog.get_logger().info("within")
        structlog.get_logger().info("outside")
    finally:
        root.handlers, root.level = handlers, level
        structlog.reset_defaults()
    within, outside = (json.loads(line) for line in capsys.readouterr().err.splitlines())
    assert within["trace_id"] == TRACE
    assert "trace_id" not in outside
