"""What a session costs: a bulk that is asked for with one beside the same without, and with others' bad cookies beside.

Two services over one database, asked in turn: what else the machine does is the same for both.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import statistics
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from fastapi import Request
from pydantic import SecretStr

from benchmarks.bench import Bench
from benchmarks.deployment import alone, http_client
from benchmarks.figures import Figure, Figures, at_least, at_most, latencies
from benchmarks.seeding import OWNER, Seeding
from benchmarks.stopwatch import Stopwatch
from jobs.configuration.access import Auth, AuthMode
from service.auth.session_setup import session_credentials
from tests.support.clock import MovableClock
from tests.support.session_tokens import AUTHJS, NEXTAUTH, SECRET, authjs_token, claims, cookie, nextauth_token

ROOT = Path(__file__).parent.parent
NO_GENERATOR = "http://127.0.0.1:9"
ITEMS = 50
ROUNDS = 1_000
WARM_UP = 50
GOAL_MS = 1.5
PACE = 200
TURNS = 5
TURN_SECONDS = 4.0
GOAL_PERCENT = 10.0
STORED = "stored-session-of-the-benchmark"


WRONG = "a-secret-that-is-not-the-applications-0123456789"
CASES: dict[str, Callable[[dict[str, Any]], str]] = {
    "anew": lambda said: cookie(AUTHJS, authjs_token(said)),
    "of NextAuth, anew": lambda said: cookie(NEXTAUTH, nextauth_token(said)),
    "another secret's, no key named": lambda said: cookie(AUTHJS, authjs_token(said, WRONG, kid=False)),
    "another secret's, its key named": lambda said: cookie(AUTHJS, authjs_token(said, WRONG)),
    "malformed": lambda said: f"{AUTHJS}=a.b.c.d.{said['number']}",
}


async def run(bench: Bench) -> Figures:
    async for figure in _by_itself(bench):
        yield figure
    async with AsyncExitStack() as stack:
        database = await stack.enter_async_context(bench.database())
        client = await stack.enter_async_context(bench.client())
        (bulk_id,) = await Seeding(client[database]).waiting_bulks(1, ITEMS)
        expires = datetime.now(UTC) + timedelta(days=1)
        await client[database].users.insert_one({"_id": OWNER})
        await client[database].sessions.insert_one({"sessionToken": STORED, "userId": OWNER, "expires": expires})
        taking = {
            "PRESSRUN_AUTH__MODE": "sessions",
            "PRESSRUN_AUTH__SECRETS": SECRET,
            "PRESSRUN_AUTH__DATABASE": database,
        }
        _, open_url = await stack.enter_async_context(alone("service", bench, database, NO_GENERATOR))
        _, url = await stack.enter_async_context(alone("service", bench, database, NO_GENERATOR, taking))
        path = f"/api/bulk-generate/{bulk_id}"
        without = Stopwatch(await stack.enter_async_context(http_client(open_url)))
        signed_in = Stopwatch(await stack.enter_async_context(http_client(url)))
        async for figure in _one_by_one(bench, without, signed_in, path):
            yield figure
        async for figure in _beside_bad_ones(bench, signed_in, url, path):
            yield figure


def _cookie(number: int = 0) -> dict[str, str]:
    return {"Cookie": cookie(AUTHJS, authjs_token(claims(sub=OWNER, email=None, number=number)))}


async def _by_itself(bench: Bench) -> Figures:
    """What it takes to say who calls, without server and client."""
    auth = Auth(mode=AuthMode.SESSIONS, secrets=(SecretStr(SECRET),))
    credentials = session_credentials(auth, MovableClock(), None)
    for name, made in CASES.items():
        seconds = []
        for number in range(bench.scaled(ROUNDS)):
            headers = [(b"cookie", made(claims(sub=OWNER, number=number)).encode())]
            began = time.perf_counter()
            await credentials.caller_of(Request({"type": "http", "headers": headers}))
            seconds.append(time.perf_counter() - began)
        yield Figure(f"who calls, by a cookie that is {name}, p50", statistics.median(seconds) * 1e6, "us")


async def _one_by_one(bench: Bench, without: Stopwatch, signed_in: Stopwatch, path: str) -> Figures:
    """In any order: what comes after a slow one would seem slower."""
    rng, same, rounds = random.Random(1), _cookie(), bench.scaled(ROUNDS)
    stored = {"Cookie": cookie(AUTHJS, STORED)}
    for number in range(WARM_UP + rounds):
        if number == WARM_UP:
            without.seconds.clear()
            signed_in.seconds.clear()
        asked = [
            (without, "without", {}),
            (signed_in, "the same session", same),
            (signed_in, "a session that is verified anew", _cookie(number)),
            (signed_in, "a stored session", stored),
        ]
        rng.shuffle(asked)
        for watch, name, headers in asked:
            await watch.ask(name, "GET", path, headers=headers)
    base = statistics.median(without.seconds["without"]) * 1000
    for figure in latencies("GET bulk, authentication off", without.seconds["without"]):
        yield figure
    for name, seconds in signed_in.seconds.items():
        for figure in latencies(f"GET bulk, {name}", seconds):
            yield figure
        more = statistics.median(seconds) * 1000 - base
        yield at_most(f"GET bulk, {name}: more than without, p50", more, "ms", GOAL_MS)


async def _beside_bad_ones(bench: Bench, watch: Stopwatch, url: str, path: str) -> Figures:
    """In short turns, for the machine is not the same from one minute to the next."""
    watch.seconds.clear()
    same, refused = _cookie(), list[int]()
    for _ in range(bench.scaled(TURNS)):
        await _ask_for(bench, watch, "alone", path, same)
        for kind in ("none", "wrong"):
            async with _others(url, path, kind) as others:
                await _ask_for(bench, watch, kind, path, same)
            if kind == "wrong":
                refused += others
    quiet = statistics.median(watch.seconds["alone"])
    for name, said in (("alone", "alone"), ("none", "beside requests of nobody"), ("wrong", "beside bad cookies")):
        for figure in latencies(f"GET bulk, {said}", watch.seconds[name]):
            yield figure
    yield at_least("bad cookies refused", statistics.mean(refused), "a second", PACE * 0.95)
    nobody = 100 * (statistics.median(watch.seconds["none"]) / quiet - 1)
    yield Figure("slower beside requests of nobody, p50", nobody, "%", note="what being asked costs by itself")
    slower = 100 * (statistics.median(watch.seconds["wrong"]) / quiet - 1)
    yield at_most("slower beside bad cookies, p50", slower, "%", GOAL_PERCENT)


async def _ask_for(bench: Bench, watch: Stopwatch, name: str, path: str, headers: dict[str, str]) -> None:
    until = time.monotonic() + bench.lasting(TURN_SECONDS, 2.0)
    while time.monotonic() < until:
        await watch.ask(name, "GET", path, headers=headers)


@contextlib.asynccontextmanager
async def _others(url: str, path: str, kind: str) -> AsyncIterator[list[int]]:
    """Somebody who asks beside, in a process of their own; afterwards, how many were refused in each second."""
    address = urlsplit(url)
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "benchmarks.bad_cookies", str(address.hostname), str(address.port), path, str(PACE), kind),
        stdout=asyncio.subprocess.PIPE,
        cwd=ROOT,
    )
    assert process.stdout is not None
    counts: list[int] = []
    try:
        counts.append(int(await process.stdout.readline()))
        yield counts
    finally:
        process.kill()
        counts += [int(line) for line in (await process.stdout.read()).split()]
        await process.wait()
