"""The generation endpoint of a simulated deployment: slow, scripted, and it answers a repeated key from its store.

It is asked through `worker.generator`'s own client class, so that the real runner drives it. It judges nobody: what may
be called when is the promises' affair.
"""

from __future__ import annotations

import asyncio
import zlib
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta

from bson import ObjectId

from jobs.pipelines import GENERATORS
from tests.support.simulation.schedule import Process
from tests.support.simulation.simulated_store import in_one_step
from worker.generator import Call, CallFailed, GeneratorClient, Reply, Usage


@dataclass(frozen=True)
class Answer:
    """What a call comes to after some seconds, unless its caller hangs up first."""

    reply: Reply | CallFailed
    seconds: float | None = None

    @property
    def cost(self) -> float:
        usage = self.reply.usage if isinstance(self.reply, Reply) else None
        return (usage.cost or 0.0) if usage else 0.0

    @property
    def definite_failure(self) -> bool:
        return isinstance(self.reply, CallFailed) and self.reply.definite


def success(seconds: float | None = None, cost: float | None = None) -> Answer:
    return Answer(Reply(success=True, content="An article.", usage=Usage(cost=cost)), seconds)


def passing_failure() -> Answer:
    return Answer(CallFailed("The model is overloaded.", definite=True))


def permanent_failure() -> Answer:
    return Answer(CallFailed("The topic is forbidden.", permanent=True, definite=True))


def no_answer(seconds: float = 6) -> Answer:
    """As the client tells it after its timeout."""
    return Answer(CallFailed("The generator did not answer."), seconds)


def too_many_requests(wait: timedelta) -> Answer:
    return Answer(CallFailed("The generator answered 429.", counted=False, wait=wait))


@dataclass(eq=False)
class OpenCall:
    """`slept`: its process was stopped after it had decided to call, and before this call was sent."""

    process: Process
    job_id: ObjectId
    topic: str
    key: str
    answer: Answer
    seconds: float
    slept: bool
    token: str | None = None
    is_open: bool = True
    answered: bool = False

    @property
    def label(self) -> tuple[str, str]:
        """The stage, and the part of it."""
        stage, _, part = self.key.split("-", 1)[1].rsplit("-", 2)[0].partition(".")
        return stage, part

    def answers_alike(self, other: OpenCall) -> bool:
        """Whether it was answered with success, and the other asks for the same."""
        alike = self.key.rsplit("-", 1)[0] == other.key.rsplit("-", 1)[0]
        return alike and self.answered and isinstance(self.answer.reply, Reply)

    @property
    def number(self) -> int:
        """The n of its key."""
        return int(self.key.rsplit("-", 1)[1])


Script = Callable[[str, int, int], Answer]
"""The answer by topic, n of the key, and which call with this key it is (from 1)."""


class SimulatedGenerator:
    """`on_open` and `on_close` are told of each call as it is accepted and when it is over."""

    def __init__(self, seed: int, script: Script) -> None:
        self.script = script
        self.is_down = False
        self.calls: list[OpenCall] = []
        self.on_open: Callable[[OpenCall], None] = lambda _: None
        self.on_close: Callable[[OpenCall], None] = lambda _: None
        self._seed = seed
        self._results: dict[str, Answer] = {}
        self._times: Counter[str] = Counter()

    @property
    def open_calls(self) -> list[OpenCall]:
        return [call for call in self.calls if call.is_open]

    def clients(self, process: Process) -> Mapping[str, GeneratorClient]:
        """It is all of them: which one was asked is in the key's stage."""
        return dict.fromkeys(GENERATORS, _Client(process, self))

    def accept(self, process: Process, call: Call, *, slept: bool) -> OpenCall:
        if self.is_down:
            raise CallFailed("The generator cannot be reached.", counted=False, down=True)
        key, topic = call.idempotency_key, str(call.body["topic"])
        self._times[key] += 1
        number = int(key.rsplit("-", 1)[1])
        answer = self._results.get(key) or self.script(topic, number, self._times[key])
        seconds = answer.seconds if answer.seconds is not None else self._usual_seconds(key)
        accepted = OpenCall(process, ObjectId(call.body["job_id"]), topic, key, answer, seconds, slept)
        self.calls.append(accepted)
        self.on_open(accepted)
        return accepted

    def finish(self, call: OpenCall) -> Reply:
        call.answered = True
        self.close(call)
        if isinstance(call.answer.reply, CallFailed):
            raise replace(call.answer.reply)
        self._results[call.key] = replace(call.answer, seconds=0.1)
        return call.answer.reply

    def close(self, call: OpenCall) -> None:
        if call.is_open:
            call.is_open = False
            self.on_close(call)

    def hang_up(self, process: Process) -> None:
        """The process is gone, and its connections with it."""
        for call in self.open_calls:
            if call.process is process:
                self.close(call)

    def _usual_seconds(self, key: str) -> float:
        """By key, so that a call takes as long in a run in which something happened before it."""
        return 0.4 + zlib.crc32(f"{self._seed} {key}".encode()) % 1000 / 1000


class _Client(GeneratorClient):
    def __init__(self, process: Process, generator: SimulatedGenerator) -> None:
        self._process = process
        self._generator = generator

    async def generate(self, call: Call) -> Reply:
        process, generator = self._process, self._generator
        decided = process.schedule.loop.time()
        opened: list[OpenCall] = []

        def accept() -> None:
            opened.append(generator.accept(process, call, slept=process.woken_at > decided))

        try:
            await process.does("generator.open", in_one_step(accept), writes=True, recalled=True)
            await asyncio.sleep(opened[0].seconds)
            answering = in_one_step(lambda: generator.finish(opened[0]))
            return await process.does("generator.answer", answering, recalled=True)
        finally:
            if opened and not process.stalled:
                generator.close(opened[0])

    async def answers(self) -> bool:
        return await self._process.does("generator.probe", in_one_step(lambda: not self._generator.is_down))
