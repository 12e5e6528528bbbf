"""The request that a schedule's template is when it fires, judged by the rules of that moment. Nothing is stored."""

from __future__ import annotations

import json
from datetime import datetime

from jobs.callers.keys import Scope
from jobs.day_hours import read_zone
from jobs.documents import BulkRequest
from jobs.scheduling.firing import Judge
from jobs.scheduling.schedules import Schedule
from jobs.system import System
from service.auth.caller import Caller
from service.rules.bulk_rules import BulkRules
from service.rules.submission import body_read, bulk_wanted

LONGEST_NAME = 200


def judge_of(parts: System, rules: BulkRules) -> Judge:
    """Its requests are its owner's, as if they had submitted the template just then."""

    async def judge(schedule: Schedule, planned_at: datetime) -> BulkRequest:
        _, text = await parts.templates.find(schedule.owner, schedule.plan.template_id)
        body = body_read({**json.loads(text), "name": _name(schedule, planned_at)})
        return await bulk_wanted(body, Caller(schedule.owner, Scope.WRITE, email=schedule.email), parts, rules)

    return judge


def _name(schedule: Schedule, planned_at: datetime) -> str:
    """The schedule's, with the moment as its clocks show it: so that one run is told from the next."""
    shown = f"{planned_at.astimezone(read_zone(schedule.plan.time_zone)):, %Y-%m-%d %H:%M}"
    return schedule.plan.name[: LONGEST_NAME - len(shown)] + shown
