"""The sections of the settings about Pressrun's own processes: database, service, generators, workers, limits, bulks.

Nothing is read here. A field's docstring is what the reference of settings says of it.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AnyHttpUrl, Field, SecretStr

from jobs.configuration.access import Networks
from jobs.configuration.sections import OrOff, Section


class MongoDB(Section):
    uri: SecretStr = SecretStr("mongodb://127.0.0.1:27017/?replicaSet=rs0")
    """A replica set, a sharded cluster, or Atlas."""
    database: str = Field("pressrun", min_length=1, max_length=63, pattern=r"^[^/\\. \"$*<>:|?]+$")
    """The database in it, which the application may share."""
    max_pool_size: int = Field(50, ge=2, le=1000)
    """Connections that one process may have open to one server."""


class Service(Section):
    host: str = "127.0.0.1"
    """The address that the service listens on."""
    port: int = Field(8000, ge=0, le=65535)
    """Its port; 0: any."""
    trusted_proxies: Networks = ()
    """Addresses or networks whose `X-Forwarded-For`, `-Proto` and `-Host` are believed."""
    metrics_port: int | None = Field(None, ge=0, le=65535)
    """The port on which the service serves its metrics to Prometheus; 0: any; none: it serves none."""


class Stream(Section):
    max_per_user: int = Field(20, ge=1, le=100_000)
    """Live streams that one user may have open in each service process; one more is refused with 429."""


class Endpoint(Section):
    url: AnyHttpUrl | None = None
    """The endpoint's root; none: there is no such generator."""
    headers: dict[str, SecretStr] = {}
    """Sent with each call (credentials), as a JSON object."""
    timeout_seconds: float = Field(300, gt=0, le=3600)
    """Seconds for one call."""
    requests_per_minute: Annotated[int | None, OrOff] = Field(20, ge=1, le=1000)
    """At first: calls in any minute, of all workers; `off`: no limit."""


class Generator(Endpoint):
    url: AnyHttpUrl | None = AnyHttpUrl("http://127.0.0.1:8100")
    """The endpoint's root, under which it answers `POST /api/content/generate/{mode}`."""
    components: Literal["off", "on", "always"] = "off"
    """`on`: it can also write an article in parts (`component` in the body); `always`: it is asked to, unasked."""
    component_parallelism: int = Field(2, ge=1, le=10)
    """Parts of one article at once."""


class OtherGenerator(Endpoint):
    """Of ideas or images. There is none without a `url`."""


class Worker(Section):
    slots: int = Field(1, ge=1, le=200)
    """Jobs at once in one worker."""
    lease_seconds: float = Field(30, ge=1, le=600)
    """Seconds after which a worker that gives no sign has lost its jobs."""
    poll_seconds: float = Field(1, gt=0, le=60)
    """Seconds between two looks for work."""
    sweep_seconds: float = Field(5, gt=0, le=60)
    """Seconds between two looks for what dead workers left. Their jobs run again within a lease and a sweep."""
    shutdown_grace_seconds: float = Field(300, ge=0, le=3600)
    """Seconds that SIGTERM waits for running jobs."""
    single_jobs: Literal["on", "off"] = "off"
    """`on`: also run the application's jobs without a bulk."""
    metrics_port: int | None = Field(None, ge=0, le=65535)
    """The port on which each worker serves its metrics to Prometheus; 0: any; none: it serves none."""


class LimitsAtFirst(Section):
    max_running: Annotated[int | None, OrOff] = Field(1, ge=1, le=10_000)
    """At first: jobs that run at once in the whole system; `off`: no limit."""
    jobs_per_day: Annotated[int | None, OrOff] = Field(None, ge=1, le=10_000_000)
    """At first: jobs submitted a day (UTC) in the whole system."""
    cost_per_day: Annotated[float | None, OrOff] = Field(None, gt=0, le=10_000_000)
    """At first: what the whole system may spend a day (UTC), in the generator's currency."""


class Tenant(Section):
    """What holds for each tenant that has no limits of its own."""

    max_running: Annotated[int | None, OrOff] = Field(20, ge=1, le=10_000)
    """At first: jobs of one tenant that run at once; `off`: no limit."""
    requests_per_minute: Annotated[int | None, OrOff] = Field(None, ge=1, le=1000)
    """At first: calls of generators for one tenant in any minute."""
    jobs_per_day: Annotated[int | None, OrOff] = Field(None, ge=1, le=10_000_000)
    """At first: jobs that one tenant submits a day (UTC)."""
    cost_per_day: Annotated[float | None, OrOff] = Field(None, gt=0, le=10_000_000)
    """At first: what one tenant may spend a day (UTC)."""


class Queue(Section):
    priority_changes: Literal["on", "off"] = "on"
    """`off`: a bulk keeps the priority it was submitted with."""


class Bulk(Section):
    delay_seconds: float = Field(5, ge=0, le=3600)
    """Seconds from the end of a job to the next start in its bulk, where the bulk says nothing else."""
    stagger_ms: int = Field(150, ge=0, le=60_000)
    """Milliseconds between two starts in a bulk that runs several jobs at once."""
    cost_per_job: float = Field(0.1, ge=0, le=10_000)
    """Set aside for a job whose cost is not known yet."""
    max_retries: int = Field(2, ge=0, le=20)
    """How often a job that failed in passing is put back."""
    min_items: int = Field(10, ge=1)
    """Items that a bulk must have."""
    max_items: int = Field(50, ge=1, le=10_000)
    """Items that a bulk may have."""
