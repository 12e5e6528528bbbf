"""Holds a worker up at the write that ends a stage: before the server has it, or before the worker hears of it.

It is known by the bytes that only this write has. The worker is an ordinary one; it is killed while it waits here.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from enum import StrEnum

from bson import encode

from jobs.pipelines import PipelineSpec
from jobs.states import JobStatus


class Side(StrEnum):
    UNWRITTEN = "made, but not written"
    UNHEARD = "written, but not heard of"


@dataclass(frozen=True)
class Boundary:
    """The end of a stage. `status` is what the job is then, if anything else than running."""

    stage: str
    status: JobStatus | None
    calls: bool
    """Whether the stage calls a generator, once."""

    @property
    def mark(self) -> bytes:
        if self.status is None:
            return f"checkpoints.{self.stage}\0".encode()
        return encode({"outcome": self.status.value})[4:-1]  # without its length, and the zero that ends it


def boundaries_of(pipeline: PipelineSpec) -> list[Boundary]:
    """A selection ends a running, and so does the last stage."""
    last = pipeline.stages[-1].name
    ends = {"selection": JobStatus.AWAITING_SELECTION, last: JobStatus.COMPLETED}
    return [Boundary(stage.name, ends.get(stage.name), stage.generator is not None) for stage in pipeline.stages]


@dataclass
class HeldUp:
    """Listens to one worker. `reached` is set when it has sent the write."""

    mark: bytes
    side: Side
    reached: asyncio.Event = field(default_factory=asyncio.Event)
    _for_ever: asyncio.Event = field(default_factory=asyncio.Event)

    async def request(self, body: bytes) -> None:
        if self.mark in body:
            self.reached.set()
            if self.side is Side.UNWRITTEN:
                await self._for_ever.wait()

    async def answer(self) -> None:
        if self.reached.is_set() and self.side is Side.UNHEARD:
            await self._for_ever.wait()
