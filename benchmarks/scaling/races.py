"""Claims that meet, played through: what share of them loses the race for a tenant's turn. Nothing here asks a server.

A claim sees whose turn it is, reserves a slot, takes a job, and enters the tenant if its turn is still as was seen;
else all is given back. How long a command takes is measured; how many workers there are, how long a job runs, is given.
"""

from __future__ import annotations

import heapq
import random
from dataclasses import dataclass
from enum import Enum, auto

BEFORE_THE_ENTRY = 3
"""Commands between what was seen of the tenants and the entry: the bulks of one, the slot, the job."""

TO_GIVE_BACK = 2
AFTER_THE_ENTRY = 1
TO_END = 3


@dataclass(frozen=True)
class Play:
    """`job_seconds` 0: as soon as one has ended the next is claimed. `command_seconds` are those of one command."""

    workers: int
    tenants: int
    job_seconds: float
    command_seconds: float
    claims: int = 3_000


@dataclass(frozen=True)
class Outcome:
    """`lost`: of all reservations, those that were given back. `at_once`: claims under way, on average."""

    lost: float
    at_once: float


class _Step(Enum):
    SEE = auto()
    ENTER = auto()
    SERVED = auto()


def played(play: Play, rng: random.Random) -> Outcome:
    turns = [0] * play.tenants
    seen: dict[int, tuple[int, int]] = {}
    began: dict[int, float] = {}
    spread = max(play.job_seconds, play.command_seconds)
    queue = [(rng.random() * spread, number, _Step.SEE) for number in range(play.workers)]
    queue.sort(key=lambda event: event[:2])
    entered = lost = 0
    claiming = now = 0.0
    while entered < play.claims:
        now, number, step = heapq.heappop(queue)
        match step:
            case _Step.SEE:
                began.setdefault(number, now)
                tenant = min(range(play.tenants), key=turns.__getitem__) if play.tenants > 1 else 0
                seen[number] = (tenant, turns[tenant])
                after, then = BEFORE_THE_ENTRY, _Step.ENTER
            case _Step.ENTER:
                tenant, turn = seen[number]
                if play.tenants > 1 and turns[tenant] != turn:
                    lost += 1
                    after, then = TO_GIVE_BACK + 1, _Step.SEE
                else:
                    turns[tenant] += 1
                    entered += 1
                    after, then = AFTER_THE_ENTRY + 1, _Step.SERVED
            case _Step.SERVED:
                claiming += now - began.pop(number)
                after, then = TO_END, _Step.SEE
                now += play.job_seconds
        # no two commands take the same time
        event = (now + after * play.command_seconds * (0.5 + rng.random()), number, then)
        heapq.heappush(queue, event)
    return Outcome(lost / (lost + entered), claiming / now)
