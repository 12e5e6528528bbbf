"""What a generator that is down for a while costs: no job may lose a try by it, and work goes on soon after its return.

It is killed under load: its port refuses. What breaks off the calls that are open then is not the outage but the death,
and may cost each of those jobs a try (spec §6); all others must not lose any.
"""

from __future__ import annotations

import asyncio

from benchmarks.bench import Bench
from benchmarks.figures import Figure, Figures, at_least, at_most, skipped
from benchmarks.scene import Scene, scene

DOWN_SECONDS, QUICK_SECONDS = 60.0, 8.0
WORKERS, SLOTS = 4, 5
JOB_SECONDS = 2.0
BULKS, ITEMS, PARALLELISM = 40, 100, 5
SOON_SECONDS = 5
BEFORE_ROUNDS = 3
AFTER_SECONDS = 20.0
PATIENCE_SECONDS = 60
GIVEN_UP_AFTER_SECONDS = 120.0


async def run(bench: Bench) -> Figures:
    down = bench.lasting(DOWN_SECONDS, QUICK_SECONDS)
    slots = WORKERS * SLOTS
    async with scene(bench, JOB_SECONDS) as playing:
        generator = playing.generator
        await playing.seeding.waiting_bulks(BULKS, ITEMS, PARALLELISM)
        await playing.add_workers(WORKERS, SLOTS)
        before = await generator.until(answered=BEFORE_ROUNDS * slots, within=PATIENCE_SECONDS)
        assert all(call.answered for call in before if call.left is not None), "a call was dropped before the outage"
        await asyncio.sleep(JOB_SECONDS / 2)  # jobs of a kind end together: in between, all slots are in a call
        cut = {call.job_id for call in await generator.kill()}
        count = len(generator.calls)
        await asyncio.sleep(down)
        await generator.start()
        what = f"generator down for {down:g} s, {WORKERS} workers of {SLOTS} slots"
        try:
            after = await generator.until(came=count + 1, within=GIVEN_UP_AFTER_SECONDS)
        except TimeoutError:
            yield skipped(f"{what}: return to the first call", f"none came in {GIVEN_UP_AFTER_SECONDS:g} s")
        else:
            back = generator.ready_at
            note = "ideal 0"
            yield at_most(f"{what}: return to the first call", after[count].came - back, "s", SOON_SECONDS, note)
            await asyncio.sleep(AFTER_SECONDS)
            rate = sum(call.answered for call in generator.look()[count:]) / AFTER_SECONDS
            note = f"ideal {slots / JOB_SECONDS:g}, that of before"
            yield Figure(f"    answers in the {AFTER_SECONDS:g} s after that", rate, "jobs/s", note=note)
        for figure in await _losses(playing, cut):
            yield figure


async def _losses(playing: Scene, cut: set[str]) -> list[Figure]:
    jobs = playing.database.generation_jobs
    retried = {str(job["_id"]) async for job in jobs.find({"retry_count": {"$gt": 0}}, projection=["_id"])}
    failed = await jobs.count_documents({"status": "failed"})
    refused = await jobs.count_documents({"uncounted_retries": {"$gt": 0}})
    most = await jobs.find_one({}, sort=[("uncounted_retries", -1)], projection=["uncounted_retries"])
    return [
        at_least("    calls that were open when it died", len(cut), "", 1, f"of {WORKERS * SLOTS} slots"),
        at_most("    jobs that lost a try, none of their calls cut", len(retried - cut), "", 0, "retry_count > 0"),
        Figure("    jobs that lost a try, their call cut", len(retried & cut), "", note="spec §6 counts these"),
        at_most("    jobs that failed", failed, "", 0),
        Figure(
            "    jobs put back without losing a try",
            refused,
            "",
            note=f"ideal 0: most of one job {most['uncounted_retries'] if most else 0}",
        ),
    ]
