"""The pipelines of a simulated deployment. Real ones, but for their texts."""

from __future__ import annotations

from worker.registry import built_in

PIPELINES = built_in()
