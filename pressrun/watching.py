"""How a process is watched from outside: its metrics on a port of their own, its traces to a collector; or neither."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version

from prometheus_client import CollectorRegistry

from jobs.configuration.settings import Settings
from jobs.storage.mongo import MongoStore
from jobs.system import System
from pressrun.gauges import PoolGauges, SystemGauges
from pressrun.metrics_port import new_registry, serving
from pressrun.telemetry import Telemetry, telemetry_of


@dataclass(frozen=True)
class Watched:
    registry: CollectorRegistry
    telemetry: Telemetry


@contextmanager
def watched_worker(settings: Settings, system: System) -> Iterator[Watched]:
    """Raises `MetricsPortInUse`, and `WrongSettings` as `telemetry_of`; so do those below."""
    with _watched("worker", settings, system, settings.worker.metrics_port) as watched:
        yield watched


@contextmanager
def watched_service(settings: Settings, system: System, process: str = "service") -> Iterator[Watched]:
    """Also tells of the system as a whole. To be called on the running loop."""
    with _watched(process, settings, system, settings.service.metrics_port) as watched:
        watched.registry.register(SystemGauges(system.census, asyncio.get_running_loop()))
        yield watched


@contextmanager
def _watched(process: str, settings: Settings, system: System, port: int | None) -> Iterator[Watched]:
    registry = new_registry(version("pressrun"))
    if isinstance(system.store, MongoStore) and system.store.pool is not None:
        registry.register(PoolGauges(system.store.pool))
    with telemetry_of(settings, process) as telemetry, serving(registry, settings.metrics.host, port):
        yield Watched(registry, telemetry)
