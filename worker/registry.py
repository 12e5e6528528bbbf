"""The pipelines that this worker can run: those that come with Pressrun, and a team's own."""

from __future__ import annotations

from collections.abc import Mapping

from worker.stage import Pipeline
from worker.stages.content import PLAIN_STAGE

PLAIN = Pipeline("plain", (PLAIN_STAGE,))


def built_in() -> Mapping[str, Pipeline]:
    return {pipeline.name: pipeline for pipeline in (PLAIN,)}
