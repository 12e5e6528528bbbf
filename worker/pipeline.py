"""Takes a job through its pipeline: reuses what was kept, runs what is left, keeps each result. No outcome is written
here, and nothing is known of leases.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Protocol

import structlog
from pydantic import ValidationError

from jobs.errors import PressrunError
from jobs.storage.storable import size_of, why_not_storable
from worker.failures import StageFailed
from worker.stage import AskPerson, Instead, Pipeline, Product, SendBack, SentBack, Sofar, Stage, StageInput, Tools

log = structlog.get_logger()
MOST_OF_QUICK = 256 * 1024
"""What a quick stage made of more bytes is not kept, but made anew should the job be taken up again."""

MOST_OF_FIRST = 4 * 2**20
"""Of what is sent back so much is kept: it has to fit into one document with what is made instead."""

MOST_OF_OPTIONS = 2**20
"""Of a question: its options stand beside the checkpoints, and the choices of many jobs are carried out together."""

LONGEST_TO_CHOOSE = timedelta(days=366)
Entry = dict[str, Any]


@dataclass(frozen=True)
class Asked:
    """The job stops here until a person has chosen. `then` is the stage after, at `percentage`."""

    stage: str
    hash: str
    question: AskPerson
    then: str
    percentage: int


@dataclass(frozen=True)
class Finished:
    """All stages are done; `entries` tell of each."""

    product: Product
    entries: Mapping[str, Entry]


class Record(Protocol):
    """Where it is kept what a job has reached; the running's own."""

    def tools(self, stage: Stage) -> Tools: ...

    def spent(self, stage: str) -> Entry:
        """Cost and usage of the stage's calls in this running."""

    async def keep(self, stage: str, entry: Entry, then: str, percentage: int) -> None: ...

    async def send_back(self, to: str, forgotten: Sequence[str], why: SentBack, percentage: int) -> None: ...

    def may_begin(self, stage: Stage) -> None:
        """Stops the running here, should it have to stop."""

    def is_final(self, failure: StageFailed) -> bool: ...


class Course:
    """One running of one job. `kept` are its checkpoints."""

    def __init__(self, pipeline: Pipeline, sofar: Sofar, kept: Mapping[str, Entry], record: Record) -> None:
        self._pipeline = pipeline
        self._sofar = sofar
        self._entries = dict(kept)
        self._record = record

    async def run(self) -> Finished | Asked:
        """To the end, or to a question. Raises `StageFailed` with a sentence for people."""
        stages = self._pipeline.stages
        at = 0
        while at < len(stages):
            came_to = await self._pass(at)
            if isinstance(came_to, Asked):
                return came_to
            at = came_to
        with _faults_of(f"pipeline {self._pipeline.name}"):
            made = self._pipeline.product(self._sofar)
            sketch = list(made.sketch) if made.sketch is not None else None
            product = Product(made.content, dict(made.meta), sketch)
        return Finished(product, self._entries)

    async def _pass(self, at: int) -> int | Asked:
        """Get past one stage: the place of the next one."""
        stage, stages = self._pipeline.stages[at], self._pipeline.stages
        with _faults_of(f"stage {stage.name}"):
            given = _input_of(stage, self._sofar)
            digest = hash_of(given)
        found = self._reusable(stage, digest)
        if found is not None:
            self._has_result(stage, found.result)
            return at + 1
        self._record.may_begin(stage)
        clock = asyncio.get_running_loop().time
        began = clock()
        result, entry = await self._made(stage, given)
        then = stages[at + 1].name if at + 1 < len(stages) else stage.name
        percentage = 100 * (at + 1) // len(stages)
        if isinstance(result, AskPerson):
            with _faults_of(f"stage {stage.name}"):
                refusal = _why_not_to_be_asked(result)
            if refusal is not None:
                raise StageFailed(f"The question of {stage.name} {refusal}.", definite=stage.generator is not None)
            return Asked(stage.name, digest, result, then, percentage)
        if isinstance(result, SendBack):
            return await self._go_back(stage, result)
        entry |= {"hash": digest, "duration_ms": round((clock() - began) * 1000)}
        stored = self._stored(stage, result)
        if not (stage.quick and size_of(stored) > MOST_OF_QUICK):
            entry["result"] = stored
        self._entries[stage.name] = entry
        self._has_result(stage, result)
        if at + 1 < len(stages):
            await self._record.keep(stage.name, entry, then, percentage)
        return at + 1

    async def _made(self, stage: Stage, given: StageInput) -> tuple[Any, Entry]:
        with _faults_of(f"stage {stage.name}"):
            skipped = stage.can_skip(given)
        if skipped is not None:
            return skipped.result, {"status": "skipped", "note": skipped.note}
        try:
            result = await self._run(stage, given)
        except StageFailed as failed:
            with _faults_of(f"stage {stage.name}"):
                instead = stage.on_error(given, failed, self._record.is_final(failed))
            if instead is None:
                raise
            log.warning("stage_failed_over", stage=stage.name, reason=failed.error)
            return instead.result, {"status": "completed", "note": instead.note, **self._record.spent(stage.name)}
        return result, {"status": "completed", **self._record.spent(stage.name)}

    async def _run(self, stage: Stage, given: StageInput) -> Any:
        with _faults_of(f"stage {stage.name}"):
            for hook in (self._pipeline.before, stage.before):
                await hook(stage.name, given, None)
            result = await stage.run(given, self._record.tools(stage))
            for hook in (stage.after, self._pipeline.after):
                await hook(stage.name, given, result)
        return result

    def _reusable(self, stage: Stage, digest: str) -> Instead | None:
        entry = self._entries.get(stage.name)
        if entry is None or entry["hash"] != digest or "result" not in entry:
            return None
        try:
            return Instead(stage.adapter.validate_python(entry["result"]), "")
        except ValidationError:
            return None  # of an older version: made anew

    def _has_result(self, stage: Stage, result: Any) -> None:
        self._sofar = replace(self._sofar, results={**self._sofar.results, stage.name: result})

    def _stored(self, stage: Stage, result: Any) -> Any:
        try:
            stored = stage.adapter.dump_python(result, mode="json")
        except ValueError as error:
            raise StageFailed(f"The result of {stage.name} is not of the agreed kind: {error}"[:300]) from None
        refusal = why_not_storable(stored)
        if refusal is not None:
            raise StageFailed(f"The result of {stage.name} {refusal}.", definite=stage.generator is not None)
        return stored

    async def _go_back(self, stage: Stage, result: SendBack) -> int:
        names = [one.name for one in self._pipeline.stages]
        if result.to not in names[: names.index(stage.name)]:
            there = f"{str(result.to)[:80]!r}, which is no stage before it"
            raise StageFailed(f"The stage {stage.name} sends the job back to {there}.", permanent=True)
        to = names.index(result.to)
        if self._sofar.sent_back is not None:
            raise StageFailed(f"The stage {stage.name} has sent the job back twice.", permanent=True)
        forgotten = names[to : names.index(stage.name) + 1]
        first = self._entries.get(result.to, {}).get("result")
        if size_of(first) > MOST_OF_FIRST:
            first = None
        why = SentBack(stage.name, result.to, list(result.findings), first)
        log.info("job_sent_back", stage=result.to, by=stage.name, findings=len(result.findings))
        await self._record.send_back(result.to, forgotten, why, 100 * to // len(names))
        self._entries = {name: entry for name, entry in self._entries.items() if name not in forgotten}
        results = {name: made for name, made in self._sofar.results.items() if name not in forgotten}
        self._sofar = replace(self._sofar, results=results, sent_back=why)
        return to


@contextmanager
def _faults_of(what: str) -> Iterator[None]:
    """Whatever goes wrong in a pipeline's own functions is a failure of the job's, not of the worker's."""
    try:
        yield
    except (StageFailed, PressrunError):
        raise
    except Exception as error:
        log.exception("stage_crashed", where=what)
        said = " ".join(str(error).split())[:200]
        told = f"{type(error).__name__}{': ' if said else ''}{said}".rstrip(".")
        raise StageFailed(f"The {what} has failed: {told}.") from error


def _why_not_to_be_asked(question: AskPerson) -> str | None:
    """Why nobody could choose, or the deadline could not; None where both can."""
    options = [dict(option) for option in question.options]
    if not options:
        return "has no options"
    if not 0 <= question.recommended < len(options):
        return f"recommends option {question.recommended} of {len(options)}"
    if question.within is not None and not timedelta(0) < question.within <= LONGEST_TO_CHOOSE:
        return f"is to be answered within {question.within}, and not within {LONGEST_TO_CHOOSE.days} days"
    return why_not_storable(options, MOST_OF_OPTIONS)


def hash_of(given: StageInput) -> str:
    return digest_of(given.model_dump(mode="json"))


def digest_of(value: object) -> str:
    canonical = json.dumps(value, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()[:16]


def _input_of(stage: Stage, sofar: Sofar) -> StageInput:
    try:
        return stage.given(sofar)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise StageFailed(f"The input of {stage.name} is wrong: {where}: {first['msg']}.", permanent=True) from None
