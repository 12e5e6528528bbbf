"""How long a claim takes with many bulks of mixed priority and many tenants, beside the plain one, and as bulks grow.

Once as `claim` measures it: each claim handed back, after a poll that has read the list of what waits. Once job after
job as a busy worker claims, where the list is read by the claim itself, whenever it is too old.
"""

from __future__ import annotations

import contextlib
import statistics
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass

from benchmarks.bench import Bench
from benchmarks.claim import CLAIM, CLAIMS, FLAT, NO_GENERATOR, POLL, SHORT_LEASE, WARM_UP, Place
from benchmarks.commands import CommandListener
from benchmarks.figures import Figure, Figures, at_most
from benchmarks.inside import inside
from benchmarks.seeding import OWNER, Seeding
from jobs.outcomes import Completed

PLAIN = 20
MIXED = (100, 1_000, 10_000)
COMPARED = 1_000
ITEMS = 10
TENANTS = tuple(f"tenant-{number}" for number in range(1, 51))
PRIORITIES = (3.0, 1.0, 2.0)
AT_MOST = 2.0
IN_A_ROW_SECONDS = 5.0
RESULT = Completed("Good boots.", {"usage": None, "stage": "content-generation"})


@dataclass
class InARow:
    """Claims and endings, each as long as it took together with its share of the list's readings."""

    claims: list[float]
    ends: list[float]

    @property
    def claim_ms(self) -> float:
        return statistics.fmean(self.claims) * 1000


async def run(bench: Bench) -> Figures:
    listener = CommandListener()
    async with contextlib.AsyncExitStack() as stack:
        plain = await stack.enter_async_context(_place(bench, PLAIN, mixed=False))
        places = {
            bulks: await stack.enter_async_context(_place(bench, bench.scaled(bulks), mixed=True)) for bulks in MIXED
        }
        everywhere = [plain, *places.values()]
        for number in range(WARM_UP + CLAIMS):
            for place in everywhere:
                await place.claim(listener)
                if number < WARM_UP:
                    place.seconds.clear()
        rows = {place.what: await _in_a_row(place, bench.lasting(IN_A_ROW_SECONDS, 1.0)) for place in everywhere}
        for place in everywhere:
            for figure in (*place.figures(), *_row_figures(rows[place.what])):
                yield figure
    few, compared, many = places[MIXED[0]], places[COMPARED], places[MIXED[-1]]
    against_plain = f"{compared.what} / plain"
    against_few = f"{many.what} / {few.what}"
    yield at_most(f"claim: {against_plain}", compared.median_ms(CLAIM) / plain.median_ms(CLAIM), "times", AT_MOST)
    yield at_most(f"claim: {against_few}", many.median_ms(CLAIM) / few.median_ms(CLAIM), "times", FLAT)
    yield Figure(f"{POLL}: {against_few}", many.median_ms(POLL) / few.median_ms(POLL), "times", note="ideal 1")
    in_a_row = {what: row.claim_ms for what, row in rows.items()}
    what = "claim in a row"
    yield at_most(f"{what}: {against_plain}", in_a_row[compared.what] / in_a_row[plain.what], "times", AT_MOST)
    yield at_most(f"{what}: {against_few}", in_a_row[many.what] / in_a_row[few.what], "times", FLAT)


def _row_figures(row: InARow) -> list[Figure]:
    note = f"median {statistics.median(row.claims) * 1000:.1f}, longest {max(row.claims) * 1000:.1f}; {len(row.claims)}"
    return [
        Figure("    claim in a row, mean", row.claim_ms, "ms", note=note),
        Figure("    end in a row, mean", statistics.fmean(row.ends) * 1000, "ms"),
    ]


async def _in_a_row(place: Place, seconds: float) -> InARow:
    row = InARow([], [])
    ends = time.perf_counter() + seconds
    while (began := time.perf_counter()) < ends:
        claim = await place.system.queue.claim("benchmark")
        claimed = time.perf_counter()
        if claim is None:
            break  # nothing is left
        await place.system.queue.finish(claim, RESULT)
        row.claims.append(claimed - began)
        row.ends.append(time.perf_counter() - claimed)
    assert row.claims, "there was nothing to claim"
    return row


@contextlib.asynccontextmanager
async def _place(bench: Bench, bulks: int, *, mixed: bool) -> AsyncIterator[Place]:
    what = f"{bulks:,} bulks, {len(TENANTS)} tenants" if mixed else f"{bulks:,} bulks, 1 tenant"
    async with (
        bench.database() as database,
        bench.client() as client,
        inside(bench, database, NO_GENERATOR, lease_seconds=SHORT_LEASE) as parts,
    ):
        owners = TENANTS if mixed else (OWNER,)
        # the plain one has as many jobs in each bulk as last it out
        items = ITEMS if mixed else 100
        await Seeding(client[database]).waiting_bulks(bulks, items, owners=owners, priorities=PRIORITIES)
        yield Place(what, database, parts.system)
