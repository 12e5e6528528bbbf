"""The metrics that rules and dashboard may ask for, with their labels: what the processes tell."""

from __future__ import annotations

from collections.abc import Mapping

from tests.support.measured import HISTOGRAM_PARTS, histograms, measured

MEASURES: Mapping[str, frozenset[str]] = measured()
NAMES = frozenset(
    f"pressrun_{name}_{part}" if part else f"pressrun_{name}"
    for name in MEASURES
    for part in (HISTOGRAM_PARTS if name in histograms() else ("",))
)
