"""The port that Prometheus scrapes, and what it is told of the system: names, types, and how often it asks."""

from __future__ import annotations

import asyncio
import re
import socket
import subprocess
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import httpx2
import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import Metric
from prometheus_client.parser import text_string_to_metric_families as parsed

from jobs.errors import StoreUnavailable
from jobs.reading.census import Census, Figures
from jobs.storage.embedded.store import EmbeddedStore
from jobs.system import Rules, start
from pressrun.gauges import SystemGauges
from pressrun.metrics_port import MetricsPortInUse, new_registry, serving
from tests.deploy.promtool import promtool
from tests.support.measured import counted

ROOT = Path(__file__).parent.parent.parent
PAGE = ROOT / "docs" / "metrics.md"
LOOPBACK = "127.0.0.1"


class CountedCensus(Census):
    """Counts its looks; fails them while the database is `away`."""

    looks = 0
    away = False

    async def take(self) -> Figures:
        self.looks += 1
        if self.away:
            raise StoreUnavailable("nobody is there")
        return await super().take()


async def a_census() -> CountedCensus:
    store = EmbeddedStore.in_memory()
    system = await start(store, Rules())
    return CountedCensus(store, system.clock, system.workers)


async def scraped(registry: CollectorRegistry) -> str:
    """As by Prometheus: not on the event loop."""
    return (await asyncio.to_thread(generate_latest, registry)).decode()


def value(text: str, name: str) -> float | None:
    return next((family.samples[0].value for family in parsed(text) if family.name == f"pressrun_{name}"), None)


async def test_the_database_is_asked_once_for_many_scrapes_and_never_without_one() -> None:
    registry, census = CollectorRegistry(), await a_census()
    registry.register(SystemGauges(census, asyncio.get_running_loop(), timedelta(hours=1)))
    assert census.looks == 0
    texts = await asyncio.gather(*(scraped(registry) for _ in range(5)))
    assert census.looks == 1
    assert {value(text, "workers_live") for text in texts} == {0}


async def test_old_figures_are_not_told_for_long_and_none_while_the_database_is_away() -> None:
    registry, census = CollectorRegistry(), await a_census()
    registry.register(SystemGauges(census, asyncio.get_running_loop(), timedelta(0)))
    assert value(await scraped(registry), "workers_live") == 0
    census.away = True
    assert value(await scraped(registry), "workers_live") is None
    census.away = False
    assert value(await scraped(registry), "workers_live") == 0
    assert census.looks == 3


async def test_metrics_are_served_on_a_port_of_their_own_until_the_end() -> None:
    with serving(new_registry("1.2.3"), LOOPBACK, 0) as port:
        async with httpx2.AsyncClient(trust_env=False) as client:
            answer = await client.get(f"http://{LOOPBACK}:{port}/metrics")
        assert 'pressrun_build_info{version="1.2.3"} 1.0' in answer.text
        assert "process_resident_memory_bytes" in answer.text
    with socket.socket() as again:
        assert again.connect_ex((LOOPBACK, port or 0)) != 0


def test_a_port_that_somebody_has_is_told_in_a_sentence() -> None:
    with socket.socket() as taken:
        taken.bind((LOOPBACK, 0))
        taken.listen()
        port = taken.getsockname()[1]
        with (
            pytest.raises(MetricsPortInUse, match=f"127.0.0.1:{port} cannot be had"),
            serving(CollectorRegistry(), LOOPBACK, port),
        ):
            pass


def test_nothing_is_served_unasked() -> None:
    with serving(CollectorRegistry(), LOOPBACK, None) as port:
        assert port is None


async def everything() -> CollectorRegistry:
    registry = counted()
    registry.register(SystemGauges(await a_census(), asyncio.get_running_loop()))
    return registry


def ours(text: str) -> Iterator[Metric]:
    return (family for family in parsed(text) if family.name.startswith("pressrun_") and family.documentation)


async def test_the_page_about_metrics_names_them_all_as_they_are() -> None:
    told = {
        (full_name(family), family.type, family.documentation) for family in ours(await scraped(await everything()))
    }
    rows = re.findall(r"^\| `(\w+)`[^|]*\| (\w+) \| [^|]*\| (.+) \|$", PAGE.read_text(), re.MULTILINE)
    assert sorted(rows) == sorted(told)


def full_name(family: Metric) -> str:
    return f"{family.name}_total" if family.type == "counter" else family.name


async def test_promtool_finds_nothing_wrong_with_their_names() -> None:
    text = await scraped(await everything())
    checked = await asyncio.to_thread(
        subprocess.run, [promtool(), "check", "metrics"], input=text, text=True, capture_output=True, timeout=30
    )
    # The counters that have drifted are those of bulks: the word is no type of a metric's here.
    expected = "pressrun_counter_drift_total metric name should not include type 'counter'"
    assert (checked.stdout + checked.stderr).strip() == expected
