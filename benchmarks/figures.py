"""What a benchmark measured: numbers beside their goals, as a table and as JSON. Nothing is measured here."""

from __future__ import annotations

import math
import statistics
from collections.abc import AsyncGenerator, Sequence
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Figure:
    """One number with its unit; None where it could not be measured, and then `note` says why."""

    what: str
    value: float | None
    unit: str
    goal: str = ""
    met: bool | None = None
    note: str = ""

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


Figures = AsyncGenerator[Figure, None]


def at_most(what: str, value: float, unit: str, limit: float, note: str = "") -> Figure:
    return Figure(what, value, unit, f"<= {limit:g}", value <= limit, note)


def at_least(what: str, value: float, unit: str, limit: float, note: str = "") -> Figure:
    return Figure(what, value, unit, f">= {limit:g}", value >= limit, note)


def within(what: str, value: float, unit: str, low: float, high: float, note: str = "") -> Figure:
    return Figure(what, value, unit, f"{low:g}..{high:g}", low <= value <= high, note)


def skipped(what: str, why: str) -> Figure:
    """Said loudly: a figure that is missing must not look like one that is good."""
    return Figure(what, None, "", note=f"SKIPPED: {why}")


def percentile(values: Sequence[float], percent: float) -> float:
    """By nearest rank: a value that was really measured."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]


def latencies(what: str, seconds: Sequence[float], goal_ms: float | None = None) -> list[Figure]:
    """p50 and p99 in milliseconds; the goal is the p99's."""
    p50 = statistics.median(seconds) * 1000
    p99 = percentile(seconds, 99) * 1000
    note = f"{len(seconds)} samples, longest {max(seconds) * 1000:.1f}"
    last = f"{what}, p99"
    return [
        Figure(f"{what}, p50", p50, "ms"),
        Figure(last, p99, "ms", note=note) if goal_ms is None else at_most(last, p99, "ms", goal_ms, note),
    ]


def row(figure: Figure) -> str:
    """A line of the table. Rows are printed one by one, as they are measured."""
    value = "-" if figure.value is None else _short(figure.value)
    verdict = {None: "", True: "met", False: "MISSED"}[figure.met]
    return f"  {figure.what:<58} {value:>10} {figure.unit:<11} {figure.goal:<9} {verdict:<7}{figure.note}".rstrip()


def _short(value: float) -> str:
    if value == int(value) and abs(value) < 1e9:
        return f"{int(value):,}"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}" if abs(value) < 1 else f"{value:.1f}"
