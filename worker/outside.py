"""What stages may reach beside generators, put together: users' URLs, the owners' targets, the context providers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from jobs.clock import Clock
from jobs.notification.targets import Targets
from outbound.client import Outbound
from worker.contexts import Contexts
from worker.fetching import Fetching
from worker.publishing import Publishing

PATIENCE = timedelta(seconds=20)


@dataclass(frozen=True)
class Outside:
    fetching: Fetching
    publishing: Publishing
    contexts: Contexts

    @classmethod
    def over(
        cls,
        outbound: Outbound,
        targets: Targets,
        clock: Clock,
        *,
        within: timedelta = PATIENCE,
        contexts: Contexts | None = None,
    ) -> Outside:
        """`within` bounds each request that fetches or publishes."""
        return cls(Fetching(outbound, within), Publishing(outbound, targets, clock, within), contexts or Contexts())
