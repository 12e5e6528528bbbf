"""How the server carries out the hot queries: the commands that the code really sends, explained. For the docs."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Any

from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import PyMongoError

from benchmarks.commands import CommandListener
from jobs.chores import HALF_DONE_AFTER
from jobs.outcomes import Unclaimed
from jobs.reading.lookup import BulkFilter
from jobs.states import BulkStatus, JobStatus
from jobs.system import System

Plans = dict[str, list[dict[str, Any]]]
LEASE_OVER = 1.5
Question = Callable[[], Awaitable[object]]


def hot_questions(system: System) -> dict[str, Question]:
    """What workers ask all the time. A sweep judges nobody before it has run for one lease: give a short one."""

    async def claim_and_hand_back() -> None:
        claim = await system.queue.claim("benchmark")
        if claim is not None:
            await system.queue.finish(claim, Unclaimed())

    async def sweep() -> None:
        await system.sweep.run()
        await asyncio.sleep(LEASE_OVER)
        await system.sweep.run()

    return {
        "idle poll": system.queue.has_work,
        "claim, and what it hands back": claim_and_hand_back,
        "upkeep's look": system.chores.due,
        "sweep": sweep,
        "half done controls": lambda: system.intents.finish_half_done(HALF_DONE_AFTER),
        "pauses that end": system.controls.resume_due,
        "half done creations": system.creation.complete_owed,
    }


def read_questions(system: System, owner: str) -> dict[str, Question]:
    """What people ask, of an owner who has much."""
    lookup, overview, throughput = system.lookup, system.overview, system.throughput
    return {
        "a user's bulks": lambda: lookup.bulks(owner),
        "those that have completed": lambda: lookup.bulks(owner, BulkFilter([BulkStatus.COMPLETED])),
        "those with a word": lambda: lookup.bulks(owner, BulkFilter(text="boots")),
        "a user's jobs": lambda: lookup.jobs(owner, None, None, 50, None),
        "those that have failed": lambda: lookup.jobs(owner, JobStatus.FAILED, None, 50, None),
        "what waits for a person": lambda: lookup.selections(owner, None, 20, None),
        "the queue, of a user": lambda: overview.queue(owner),
        "the queue, of an admin": lambda: overview.queue(None),
        "the last hour, of a user": lambda: throughput.last_hour(owner),
        "the last hour, of an admin": lambda: throughput.last_hour(None),
        "tenants' shares": system.shares.tenants,
    }


async def plans(
    questions: Mapping[str, Question], database: AsyncDatabase[dict[str, Any]], listener: CommandListener
) -> Plans:
    """By the question: its commands in order, each with its filter and sort, and the server's plan for them."""
    told: Plans = {}
    for name, ask in questions.items():
        sent: list[tuple[str, dict[str, Any]]] = []
        listener.commands = sent
        await ask()
        listener.commands = None
        told[name] = [{"command": command, **await _explained(database, whole)} for command, whole in sent]
    return told


def table(told: Plans) -> str:
    """For the docs: of each command what it looks for, in which order, and by which index it is found."""
    lines = ["| question | command | looks for | in order of | found by |", "| --- | --- | --- | --- | --- |"]
    for question, commands in told.items():
        for command in commands:
            if command["plan"] is None:
                continue
            looks_for = ", ".join(f"`{field}`" for field in _fields(command.get("filter", {})))
            order = ", ".join(f"`{field}`" for field in command.get("sort", {}))
            found_by = ", ".join(f"`{index}`" for index in sorted(set(_indexes(command["plan"])))) or "the whole"
            lines.append(f"| {question} | {command['command']} | {looks_for or 'all'} | {order} | {found_by} |")
    return "\n".join(lines) + "\n"


def _fields(filter: dict[str, Any]) -> Iterator[str]:
    for field, value in filter.items():
        if field == "$and":
            yield from dict.fromkeys(name for part in value for name in _fields(part))
        elif field == "$or":
            yield " or ".join(" + ".join(branch) for branch in value)
        else:
            yield f"{field.rpartition('.')[0]}.<token>" if field.startswith("slots.") else field


def _indexes(plan: Any) -> Iterator[str]:
    """The names of the indexes that a plan of this server reads, at any depth."""
    if isinstance(plan, list):
        for part in plan:
            yield from _indexes(part)
    elif isinstance(plan, dict):
        name = plan.get("Index Name") or plan.get("indexName")
        if name is not None and {"indexBounds", "Index Cond"} & plan.keys():
            yield name
        for key, part in plan.items():
            if key != "IndexCosts":
                yield from _indexes(part)


async def _explained(database: AsyncDatabase[dict[str, Any]], command: dict[str, Any]) -> dict[str, Any]:
    name, collection = next(iter(command.items()))
    question = _question(name, command)
    if question is None:
        return {"plan": None}
    try:
        plan = await database.command("explain", {"find": collection, **question})
    except PyMongoError as error:
        return {**question, "plan": f"refused: {error}"}
    return {**question, "plan": plan.get("queryPlanner", plan)}


def _question(name: str, command: dict[str, Any]) -> dict[str, Any] | None:
    """What a command looks for, as a find: writes are explained by how they find their document."""
    match name:
        case "find":
            question = {"filter": command["filter"], "sort": command.get("sort"), "limit": command.get("limit")}
        case "findAndModify":
            question = {"filter": command["query"], "sort": command.get("sort"), "limit": 1}
        case "update":
            question = {"filter": command["updates"][0]["q"]}
        case "aggregate":
            question = {"filter": command["pipeline"][0].get("$match", {})}
        case _:
            return None
    return {part: value for part, value in question.items() if value}
