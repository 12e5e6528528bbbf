"""How a stage of a job can fail: what its retry rules need to know of it (spec §6). Nothing is decided here."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum


class CallEnd(StrEnum):
    """How a call of a generator ended. `REFUSED`: no repeat would help. `AWAY`: there is nobody who could answer.
    `STOPPED`: on purpose, before it was answered."""

    OK = "ok"
    REFUSED = "refused"
    ERROR = "error"
    TIMEOUT = "timeout"
    AWAY = "away"
    THROTTLED = "throttled"
    STOPPED = "stopped"


@dataclass(eq=False)
class StageFailed(Exception):
    """Spec §6: `permanent` is never tried again, `counted` uses up a retry, `definite`: a paid call was answered;
    `down`: the endpoint does not work at all; `wait`: it asks to be left alone so long; `turn`: nothing has failed, the
    job waits for its turn at a limit of ours."""

    error: str
    permanent: bool = False
    counted: bool = True
    definite: bool = False
    down: bool = False
    wait: timedelta | None = None
    turn: bool = False

    def __str__(self) -> str:
        return self.error
