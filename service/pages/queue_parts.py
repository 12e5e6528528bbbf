"""The parts of the page of the queue: on load, in its stream, and when it asks again. Nothing is read here."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from jobs.estimation.throughput import Series
from jobs.pipelines import CONTENT
from jobs.reading.shares import GeneratorState, GeneratorView, TenantShare
from jobs.storage.bson_json import plain
from service.live.answers import QueueUpdate
from service.live.events import Event, Message
from service.pages import html
from service.pages.wording import duration
from service.schemas.job_answers import ActiveJob
from service.schemas.system_answers import QueueState, WorkerState

TEMPLATE = "queue_parts.html"
ROWS_OF_TABLE = 6
STATES = {
    GeneratorState.READY: "",
    GeneratorState.PARKED: "Has asked to be left alone",
    GeneratorState.DOWN: "Down: nothing is sent to it, it is tried again",
    GeneratorState.RECOVERING: "Back after an outage: it is called more and more",
}


@dataclass(frozen=True)
class Running:
    """`since` is when this running began, by the clock that the moment of the look is from."""

    job: ActiveJob
    since: str | None
    left: str


@dataclass(frozen=True)
class Generator:
    label: str
    view: GeneratorView
    sentence: str
    until: str | None
    used_percent: int | None


@dataclass(frozen=True)
class Bar:
    """In hundredths of the highest one."""

    place: int
    completed: float
    failed: float


@dataclass(frozen=True)
class Spark:
    """Ended jobs over time. `each` is what one bar stands for; `rows` says the same for those who cannot see bars."""

    id: str
    title: str
    ago: str
    each: str
    bars: Sequence[Bar]
    bars_wide: int
    completed: int
    failed: int
    peak: int
    rows: Sequence[tuple[str, str, int, int]]


@dataclass(frozen=True)
class Surroundings:
    """What changes without the queue: `tenants` and `workers` are None for who is no admin."""

    hour: Series
    day: Series
    generators: Sequence[GeneratorView]
    has_worker: bool
    tenants: Sequence[TenantShare] | None
    workers: Sequence[WorkerState] | None


class QueueAsHtml:
    """Renders the queue for the stream of its page."""

    name = "queue page"

    def render(self, event: Event) -> Message | None:
        match event.model:
            case QueueUpdate():
                looked_at = datetime.fromtimestamp(event.model.rev / 1000, UTC)
                return Message(html.parts(queue_parts(event.model, looked_at)))
            case _:
                return None


def queue_parts(state: QueueState, looked_at: datetime) -> dict[str, str]:
    running = [_running(job, looked_at) for job in state.active]
    return {
        "queue-counts": html.part(TEMPLATE, "counts", state),
        "queue-active": html.part(TEMPLATE, "active", running, state),
        "queue-recent": html.part(TEMPLATE, "recent", state.recent),
    }


def surrounding_parts(around: Surroundings) -> dict[str, str]:
    hour = _spark("hour", ("Last hour", "1 h ago", "minute"), around.hour)
    day = _spark("day", ("Last 24 hours", "24 h ago", "quarter of an hour"), around.day)
    generators = [_generator(view) for view in around.generators]
    parts: dict[str, str] = {
        "queue-alive": html.part(TEMPLATE, "alive", around.has_worker),
        "queue-throughput": html.part(TEMPLATE, "throughput", [hour, day]),
        "queue-generators": html.part(TEMPLATE, "generators", generators),
    }
    if around.tenants is not None:
        parts["queue-tenants"] = html.part(TEMPLATE, "tenants", around.tenants)
    if around.workers is not None:
        parts["queue-workers"] = html.part(TEMPLATE, "workers", around.workers)
    return parts


def _running(job: ActiveJob, looked_at: datetime) -> Running:
    elapsed = job.elapsed_seconds
    since = told(looked_at - timedelta(seconds=elapsed)) if elapsed is not None else None
    return Running(job, since, _left(job))


def _left(job: ActiveJob) -> str:
    if job.remaining is None:
        return ""
    low, high = duration(job.remaining.low), duration(job.remaining.high)
    if job.remaining.high < 1:
        return "any moment now"
    if job.remaining.low < 1:
        return f"up to {high} left"
    return f"about {high} left" if low == high else f"{low} to {high} left"


def _generator(view: GeneratorView) -> Generator:
    label = "Articles" if view.name == CONTENT else view.name.capitalize()
    used = round(100 * view.rate.utilization) if view.rate else None
    return Generator(label, view, STATES[view.state], told(view.until) if view.until else None, used)


def _spark(name: str, words: tuple[str, str, str], series: Series) -> Spark:
    title, ago, each = words
    ended = list(zip(series.completed, series.failed, strict=True))
    peak = max(completed + failed for completed, failed in ended)
    scale = 100 / (peak or 1)
    return Spark(
        id=f"throughput-{name}",
        title=title,
        ago=ago,
        each=each,
        bars_wide=len(ended),
        bars=[
            Bar(place, round(completed * scale, 1), round(failed * scale, 1))
            for place, (completed, failed) in enumerate(ended)
            if completed or failed
        ],
        completed=sum(series.completed),
        failed=sum(series.failed),
        peak=peak,
        rows=list(_rows(series)),
    )


def _rows(series: Series) -> Iterator[tuple[str, str, int, int]]:
    many = len(series.completed) // ROWS_OF_TABLE
    for first in range(0, len(series.completed), many):
        begin = series.begin + first * series.step
        completed, failed = (sum(counts[first : first + many]) for counts in (series.completed, series.failed))
        yield told(begin), told(begin + many * series.step), completed, failed


def told(moment: datetime) -> str:
    """As the API tells it."""
    return str(plain(moment))
