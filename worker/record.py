"""One running of one job as its pipeline and its stages see it: where results go, and what they may use. The running's
end is the runner's."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from jobs.checkpoints import Checkpoints, Reached
from jobs.claims import Claim
from jobs.clock import Clock
from jobs.expenses import Expense
from jobs.materials import Materials
from jobs.permits import Permits
from jobs.system import System
from jobs.tracing import Tracer, Untraced
from worker.breaker import Breaker
from worker.calls import PaidCalls
from worker.cancellation import heed_cancellation
from worker.failures import StageFailed
from worker.generator import MAX_REPLY_BYTES, Call, GeneratorClient, Reply
from worker.keeping import Keeping, until_it_is_there
from worker.metrics import Metrics
from worker.outcomes import is_final
from worker.outside import Outside
from worker.pipeline import Entry
from worker.publishing import Sender
from worker.stage import Asset, Context, SentBack, Sibling, Stage


class Stopping(Exception):
    """The worker is to stop: the job is put back where it stands."""


@dataclass(frozen=True)
class Workbench:
    """What all runnings of a worker share. `clients` are its generators, by name; `stops`: shutdown was asked for."""

    clients: Mapping[str, GeneratorClient]
    breaker: Breaker
    permits: Permits
    checkpoints: Checkpoints
    materials: Materials
    outside: Outside
    clock: Clock
    stops: asyncio.Event
    metrics: Metrics
    tracer: Tracer

    @classmethod
    def over(
        cls,
        system: System,
        clients: Mapping[str, GeneratorClient],
        breaker: Breaker,
        outside: Outside,
        stops: asyncio.Event,
        metrics: Metrics | None = None,
        tracer: Tracer | None = None,
    ) -> Workbench:
        return cls(
            clients,
            breaker,
            system.permits,
            system.checkpoints,
            system.materials,
            outside,
            system.clock,
            stops,
            metrics or Metrics(),
            tracer or Untraced(),
        )


class RunningRecord:
    """Implements `worker.pipeline.Record`."""

    def __init__(self, claim: Claim, bench: Workbench) -> None:
        self._claim = claim
        self._bench = bench
        self._keeping = Keeping(claim, bench.checkpoints, bench.clock)
        self.calls = PaidCalls(
            claim, bench.clients, bench.breaker, bench.permits, self._keeping, bench.metrics, bench.tracer
        )

    @property
    def expense(self) -> Expense:
        return self.calls.expense

    def tools(self, stage: Stage) -> StageTools:
        return StageTools(stage, self._claim, self._bench, self.calls, self._keeping)

    def spent(self, stage: str) -> Entry:
        return self.calls.spent(stage)

    async def keep(self, stage: str, entry: Entry, then: str, percentage: int) -> None:
        await self._keeping.keep(Reached(stage, {**entry, "at": self._bench.clock.now()}, then, percentage))
        await self.calls.tell_what_went_well()

    async def send_back(self, to: str, forgotten: Sequence[str], why: SentBack, percentage: int) -> None:
        await self._keeping.send_back(to, forgotten, asdict(why), percentage)

    def may_begin(self, stage: Stage) -> None:
        """Raises `Stopping` before a stage that may take long."""
        heed_cancellation()
        if self._bench.stops.is_set() and not stage.quick:
            raise Stopping

    def is_final(self, failure: StageFailed) -> bool:
        return is_final(self._claim.job, self._claim.bulk["max_retries"], failure)


class StageTools:
    """Implements `worker.stage.Tools` for one stage of one running."""

    def __init__(self, stage: Stage, claim: Claim, bench: Workbench, calls: PaidCalls, keeping: Keeping) -> None:
        self._stage = stage
        self._claim = claim
        self._bench = bench
        self._calls = calls
        self._keeping = keeping

    async def call(
        self,
        generator: str,
        path: str,
        body: Mapping[str, Any],
        *,
        part: str = "",
        most_bytes: int = MAX_REPLY_BYTES,
    ) -> Reply:
        return await self._calls.call(self._stage, generator, Call(path, dict(body), most_bytes=most_bytes), part)

    async def fetch(self, url: str, *, types: Sequence[str], most_bytes: int) -> str:
        return (await self._bench.outside.fetching.get(url, types=types, most_bytes=most_bytes)).text()

    async def context(self, item: Mapping[str, Any]) -> Sequence[Context]:
        return await self._bench.outside.contexts.of({**item, "tenant": self._claim.bulk["tenant"]})

    async def publish(self, target: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        await self._keeping.look()  # no lost or cancelled job is published
        heed_cancellation()
        sender = Sender(self._claim.job["userId"], self._claim.job_id, self._stage.name)
        return await self._bench.outside.publishing.publish(sender, target, body)

    async def siblings(self) -> Sequence[Sibling]:
        found = await until_it_is_there(lambda: self._bench.materials.siblings(self._claim))
        return [Sibling(position, sketch) for position, sketch in found]

    async def keep_asset(self, data: bytes, content_type: str) -> Asset:
        asset_id = await until_it_is_there(lambda: self._bench.materials.keep_asset(self._claim, data, content_type))
        return Asset(asset_id, f"/api/assets/{asset_id}")
