"""What `pressrun check` says of versions: who runs, what format the database has, whether any document is too new.

Nothing is changed here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Sequence

from jobs.documents import SCHEMA
from jobs.storage.store import Document, Name, Store
from jobs.system import System
from pressrun.finding import Finding

KEEPERS_OF_A_SCHEMA: tuple[Name, ...] = ("bulk_jobs", "generation_jobs")


async def check_format(system: System) -> Finding:
    standing, known = await system.database_format.standing(), system.database_format.known
    has = f"the database has format {standing.format}"
    if standing.needs > known:
        sentence = f"{has}; this version knows formats up to {known}, and {standing.needs} is needed"
        return Finding("format", ok=False, sentence=sentence)
    pending = system.database_format.pending(standing)
    if not pending:
        return Finding("format", ok=True, sentence=f"{has}; nothing is to be migrated")
    steps = "; ".join(f"{step.to}: {step.what}" for step in pending)
    begun = f" (format {standing.begun} is begun)" if standing.begun else ""
    return Finding("format", ok=True, sentence=f"{has}{begun}; `pressrun migrate` is to make {steps}")


async def check_versions(system: System) -> AsyncIterator[Finding]:
    """Those that are alive; several versions side by side are no fault."""
    yield Finding("workers", ok=True, sentence=_versions(await system.workers.alive(), "worker"))
    yield Finding("services", ok=True, sentence=_versions(await system.replicas.alive(), "service"))


def _versions(processes: Sequence[Document], what: str) -> str:
    if not processes:
        return f"no {what} is alive"
    counts = Counter(process["version"] for process in processes)
    return "alive: " + ", ".join(f"{count} of version {version}" for version, count in sorted(counts.items()))


async def check_schemas(store: Store) -> Finding:
    """Documents of a schema that is unknown here are seen by nobody of this version: neither shown nor run."""
    newer = {name: await store.collection(name).count({"schema": {"$gt": SCHEMA}}) for name in KEEPERS_OF_A_SCHEMA}
    if not any(newer.values()):
        return Finding("documents", ok=True, sentence=f"all have schema {SCHEMA}, which this version knows")
    counted = ", ".join(f"{count:,} of {name}" for name, count in newer.items() if count)
    return Finding("documents", ok=False, sentence=f"{counted} have a schema that this version does not know")
