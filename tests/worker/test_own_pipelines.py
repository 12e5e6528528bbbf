"""A team's own pipelines: the documented example, hooks, and modules that cannot be used."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from jobs.documents import BulkRequest
from jobs.errors import NotFound
from jobs.pipelines import BUILT_IN
from jobs.states import JobStatus
from jobs.system import System
from tests.support import replies
from tests.support.clock import MovableClock
from tests.support.scripted_generator import ScriptedGenerator
from tests.worker.conftest import Logged, events
from tests.worker.working import BACKOFF, OWNER, a_worker
from worker.failures import StageFailed
from worker.generator import GeneratorClient
from worker.registry import Kit, Registry, WrongPipelines, built_in, registered
from worker.stage import AskPerson, Instead, Pipeline, Product, SendBack, Sofar, Stage, StageInput, Tools
from worker.text.templates import Templates

EXAMPLE = "examples.pipeline.glossary"


@pytest.fixture
def modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of modules that can be imported."""
    monkeypatch.syspath_prepend(tmp_path)
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        del sys.modules[name]


def test_what_the_service_knows_of_the_built_in_pipelines_is_what_the_worker_runs() -> None:
    assert {spec.name: spec for spec in BUILT_IN} == {name: made.spec for name, made in built_in().items()}


async def submit(system: System, pipeline: Pipeline, *, max_retries: int = 2, **item: Any) -> None:
    request = BulkRequest(
        mode="topic",
        items=[{"topic": "T", **item}],
        delay=timedelta(0),
        pipeline=pipeline.spec,
        max_retries=max_retries,
    )
    await system.creation.create(OWNER, request)


async def test_the_example_runs_and_pays_once_for_each_term(
    system: System, client: GeneratorClient, generator: ScriptedGenerator, clock: MovableClock
) -> None:
    pipelines = registered(Kit(Templates()), [EXAMPLE])
    await submit(system, pipelines["glossary"], keywords=["slot", "lease", "Slot "])
    generator.script(replies.failure("Overloaded."), topic="What is meant by slot?")
    async with a_worker(system, client, pipelines=pipelines) as worker:
        assert (await worker.run_next())["status"] == "queued"
        clock.move(BACKOFF)
        job = await worker.run_next()
    assert job["status"] == "completed"
    assert job["result"].startswith("# Glossary\n\n## lease\n\nAn article on What is meant by lease?.")
    assert job["result_meta"]["terms"] == 3
    asked = sorted(call.topic for call in generator.calls)
    assert asked == [f"What is meant by {term}?" for term in ("Slot", "lease", "slot", "slot")]


async def test_workers_tell_the_service_what_they_can_run(system: System) -> None:
    pipelines = registered(Kit(Templates()), [EXAMPLE])
    await system.pipelines.register(one.spec for one in pipelines.values())
    known = await system.pipelines.all()
    assert known["glossary"] == pipelines["glossary"].spec
    assert set(known) == {"article", "blog", "formats", "plain", "glossary"}


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("import nowhere_to_be_found", "ModuleNotFoundError: No module named 'nowhere_to_be_found'"),
        ("def register(registry:", "SyntaxError: '(' was never closed"),
        ("x = 1", "AttributeError: module 'faulty' has no attribute 'register'"),
        ("def register(registry):\n    raise RuntimeError('the price list is away')", "the price list is away"),
        (
            "from worker.stage import Pipeline\ndef register(registry):\n    registry.add(Pipeline('article', ()))",
            "the pipeline 'article' has 0 stages, and must have 1 to 50",
        ),
    ],
)
def test_a_module_that_cannot_be_used_is_named_with_its_reason(modules: Path, source: str, reason: str) -> None:
    (modules / "faulty.py").write_text(source)
    with pytest.raises(WrongPipelines) as wrong:
        registered(Kit(Templates()), ["faulty"])
    said = str(wrong.value)
    assert said.startswith("The pipelines of faulty cannot be used: ")
    assert reason in said
    assert "\n" not in said


async def nothing(given: StageInput, tools: Tools) -> str:
    return "nothing"


def no_input(sofar: Sofar) -> StageInput:
    return StageInput()


IDLE = Stage("idle", nothing, no_input)


@pytest.mark.parametrize(
    ("pipeline", "reason"),
    [
        (Pipeline("Not A Name", (IDLE,)), "'Not A Name' is no name: "),
        (Pipeline("mine", (replace(IDLE, name="a.b"),)), "'a.b' is no name: "),
        (Pipeline("mine", (IDLE, IDLE)), "the pipeline 'mine' has two stages of one name"),
        (Pipeline("mine", (replace(IDLE, generator="other"),)), "the stage 'idle' names a generator that there is not"),
        (Pipeline("plain", (IDLE,)), "there is a pipeline 'plain' already"),
        (Pipeline("mine", (IDLE,) * 51), "the pipeline 'mine' has 51 stages"),
    ],
)
def test_a_pipeline_that_could_not_run_is_refused(pipeline: Pipeline, reason: str) -> None:
    with pytest.raises(ValueError, match=reason.replace("'", ".")):
        Registry(built_in().values()).add(pipeline)


async def test_hooks_are_called_around_each_stage_and_one_that_fails_fails_the_job(
    system: System, client: GeneratorClient, logged: Logged
) -> None:
    told: list[Any] = []

    async def hook(stage: str, given: StageInput, result: Any) -> None:
        told.append((stage, result))
        if len(told) == 5:
            raise RuntimeError("the hook is off")

    second = replace(IDLE, name="second", before=hook, after=hook)
    pipeline = Pipeline("hooked", (IDLE, second), before=hook, after=hook)
    await submit(system, pipeline, max_retries=0)
    async with a_worker(system, client, pipelines={"hooked": pipeline}) as worker:
        job = await worker.run_next()
    assert told == [("idle", None), ("idle", "nothing"), ("second", None), ("second", None), ("second", "nothing")]
    assert (job["status"], job["error"]) == ("failed", "The stage second has failed: RuntimeError: the hook is off.")
    assert (list(job["checkpoints"]), job["current_stage"]) == (["idle"], "second")
    assert len(events(logged, "stage_crashed")) == 1


@pytest.mark.parametrize(
    ("made", "said"),
    [
        ("x" * (9 * 2**20), "The result of odd has more than 8 MB."),
        ({1, 2}, "The result of odd is not of the agreed kind"),
        ({"a": "\ud800"}, "The result of odd "),
    ],
    ids=["too large", "a set of what JSON cannot say", "letters that cannot be stored"],
)
async def test_a_result_that_cannot_be_kept_fails_the_job_with_a_sentence(
    system: System, client: GeneratorClient, made: Any, said: str
) -> None:
    async def make(given: StageInput, tools: Tools) -> Any:
        return object() if isinstance(made, set) else made

    pipeline = Pipeline("odd", (Stage("odd", make, no_input), IDLE))
    await submit(system, pipeline, max_retries=0)
    async with a_worker(system, client, pipelines={"odd": pipeline}) as worker:
        job = await worker.run_next()
    assert job["status"] == JobStatus.FAILED
    assert job["error"].startswith(said)


def breaks(*_: Any) -> Any:
    raise KeyError("title")


async def fails(given: StageInput, tools: Tools) -> str:
    raise StageFailed("It rains.")


def gives(result: Any) -> Stage:
    async def give(given: StageInput, tools: Tools) -> Any:
        return result

    return replace(IDLE, run=give)


AN_HOUR = timedelta(hours=1)
BROKEN = {
    "input": (replace(IDLE, given=breaks), "The stage idle has failed: KeyError: 'title'."),
    "skip": (replace(IDLE, can_skip=breaks), "The stage idle has failed: KeyError: 'title'."),
    "on error": (replace(IDLE, run=fails, on_error=breaks), "The stage idle has failed: KeyError: 'title'."),
    "asks nothing": (gives(AskPerson([], 0, None)), "The question of idle has no options."),
    "asks beyond": (gives(AskPerson([{}], 1, None)), "The question of idle recommends option 1 of 1."),
    "asks of texts": (gives(AskPerson(cast("Any", ["a"]), 0, None)), "The stage idle has failed: ValueError: "),
    "asks too much": (gives(AskPerson([{"a": "x" * 2**20}], 0, AN_HOUR)), "The question of idle has more than 1 MB."),
    "asks too late": (gives(AskPerson([{}], 0, 9000 * AN_HOUR)), "The question of idle is to be answered within 375 "),
    "back to itself": (gives(SendBack("idle", [])), "The stage idle sends the job back to 'idle', which is no stage"),
    "back to nowhere": (gives(SendBack("no", [])), "The stage idle sends the job back to 'no', which is no stage"),
}


@pytest.mark.parametrize(("stage", "said"), BROKEN.values(), ids=BROKEN)
async def test_what_is_wrong_in_a_pipeline_fails_the_job_and_not_the_worker(
    system: System, client: GeneratorClient, stage: Stage, said: str
) -> None:
    pipeline = Pipeline("broken", (replace(IDLE, name="first"), stage, replace(IDLE, name="last")))
    await submit(system, pipeline, max_retries=0)
    async with a_worker(system, client, pipelines={"broken": pipeline}) as worker:
        job = await worker.run_next()
    assert job["status"] == JobStatus.FAILED
    assert job["error"].startswith(said)


@pytest.mark.parametrize(
    ("product", "said"),
    [
        (breaks, "KeyError: 'title'"),
        (lambda _: "a text", "AttributeError: 'str' object has no attribute 'sketch'"),
        (lambda _: Product("a text", sketch=cast("Any", 1)), "TypeError: 'int' object is not iterable"),
    ],
)
async def test_a_product_that_cannot_be_made_fails_the_job(
    system: System, client: GeneratorClient, product: Any, said: str
) -> None:
    pipeline = Pipeline("broken", (IDLE,), product)
    await submit(system, pipeline, max_retries=0)
    async with a_worker(system, client, pipelines={"broken": pipeline}) as worker:
        job = await worker.run_next()
    assert (job["status"], job["error"]) == ("failed", f"The pipeline broken has failed: {said}.")


async def test_an_error_of_pressruns_own_in_a_stage_fails_the_job_and_not_the_worker(
    system: System, client: GeneratorClient, logged: Logged
) -> None:
    async def looks_for_a_price(given: StageInput, tools: Tools) -> str:
        raise NotFound("price")

    pipeline = Pipeline("priced", (IDLE, Stage("price", looks_for_a_price, no_input)))
    await submit(system, pipeline, max_retries=0)
    async with a_worker(system, client, pipelines={"priced": pipeline}) as worker:
        job = await worker.run_next()
    assert (job["status"], job["error"], job["lost_workers"]) == ("failed", "There is no such price.", 0)
    assert list(job["checkpoints"]) == ["idle"]
    assert not events(logged, "lease_lost")


async def test_a_stage_can_be_skipped_or_fail_over(system: System, client: GeneratorClient) -> None:
    async def always_fails(given: StageInput, tools: Tools) -> str:
        raise StageFailed("It rains.", permanent=True)

    finals: list[bool] = []

    def instead(given: Any, failure: StageFailed, final: bool) -> Instead:
        finals.append(final)
        return Instead("an umbrella", f"for {failure.error}")

    pipeline = Pipeline(
        "careful",
        (
            replace(IDLE, can_skip=lambda _: Instead("was there", "not needed")),
            Stage("walk", always_fails, no_input, on_error=instead),
        ),
    )
    await submit(system, pipeline)
    async with a_worker(system, client, pipelines={"careful": pipeline}) as worker:
        job = await worker.run_next()
    assert (job["status"], job["result"], finals) == ("completed", "an umbrella", [True])
    assert [(stage["status"], stage["note"]) for stage in job["result_meta"]["stages"]] == [
        ("skipped", "not needed"),
        ("completed", "for It rains."),
    ]


async def test_a_worker_that_does_not_know_the_pipeline_leaves_it_to_another(
    system: System, client: GeneratorClient, clock: MovableClock
) -> None:
    pipeline = Pipeline("elsewhere", (IDLE,))
    await submit(system, pipeline)
    async with a_worker(system, client) as worker:
        job = await worker.run_next()
    assert (job["status"], job["retry_count"], job["uncounted_retries"]) == ("queued", 0, 1)
    assert job["error"] == "This worker does not know the pipeline 'elsewhere'."
    clock.move(BACKOFF)
    async with a_worker(system, client, pipelines={"elsewhere": pipeline}) as worker:
        assert (await worker.run_next())["status"] == "completed"
