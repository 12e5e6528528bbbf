"""From a body to a request that may be stored: by the rules, and by what the database knows. Nothing is stored here."""

from __future__ import annotations

from jobs.documents import BulkRequest
from jobs.system import System
from service.bulk_rules import BulkRules
from service.request_rules import bulk_request, single_request
from service.requests import BulkCreate, JobCreate


async def bulk_wanted(body: BulkCreate, parts: System, rules: BulkRules) -> BulkRequest:
    """Raises `InvalidInput` with a path for every fault."""
    return bulk_request(body, rules, await parts.pipelines.all())


async def job_wanted(body: JobCreate, parts: System, rules: BulkRules) -> BulkRequest:
    """A bulk of one. Raises `InvalidInput`."""
    return single_request(body, rules, await parts.pipelines.all())
