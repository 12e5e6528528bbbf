"""Leave for the calls that a running makes beside the one that its claim has taken leave for (spec §5).

One call, one token of the generator and one of the tenant; a token never comes back.
"""

from __future__ import annotations

from datetime import timedelta

from jobs.capacity.admission import Closed, Reason, tenant_closed
from jobs.capacity.limits import SHARED, TenantLimits, limits_in, tenant_limits_in
from jobs.capacity.scopes import GENERATOR, TENANT, Entry, Scopes, opens_at
from jobs.claims import Claim
from jobs.clock import Clock
from jobs.storage.store import Document

FRESH = timedelta(milliseconds=400)
"""So long the leave that a claim has taken is good for a call: the window's margin allows for no more."""


class Permits:
    def __init__(self, scopes: Scopes, clock: Clock) -> None:
        self._scopes = scopes
        self._clock = clock

    def is_of_claim(self, claim: Claim, generator: str) -> bool:
        """Whether the claim's own leave is for a call of this generator, and fresh. It is good for one."""
        return claim.generator == generator and self._clock.now() <= claim.job["lease"]["taken_at"] + FRESH

    async def take(self, claim: Claim, generator: str) -> Reason | None:
        """None where the call may be made now; else why not, and until when where that is known."""
        found = await self._scopes.find([*SHARED, TENANT + claim.tenant["tenant"]])
        limits = limits_in(found)
        of_tenant = found.get(TENANT + claim.tenant["tenant"], claim.tenant)
        per_minute = tenant_limits_in(of_tenant).over(limits).requests_per_minute
        of_generator = found[GENERATOR + generator]
        closed = self._generator_closed(of_generator) or tenant_closed(
            of_tenant, TenantLimits(requests_per_minute=per_minute), 0.0, self._clock.now()
        )
        if closed is not None:
            return closed
        of_both = Entry(of_tenant, pace=per_minute), Entry(of_generator, pace=of_generator["pace"], spaced=True)
        for entry in of_both:
            if entry.is_open:
                continue
            if await self._scopes.enter(entry, claim.job_id, claim.token, claim.worker_id) is None:
                return Reason(Closed.RATE_LIMIT)  # somebody else has had it, or the rules have changed
        return None

    def _generator_closed(self, generator: Document) -> Reason | None:
        now = self._clock.now()
        if generator["down"]:
            return Reason(Closed.GENERATOR_DOWN)
        if generator["spaced_until"] > now:
            return Reason(Closed.GENERATOR_PARKED, generator["spaced_until"])
        if generator["pace"] is not None and (opens := opens_at(generator, generator["pace"])) > now:
            return Reason(Closed.RATE_LIMIT, opens)
        return None
