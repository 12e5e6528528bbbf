"""All that can be switched on, switched on: scraped metrics, traces, mail, webhooks, sessions, retention, schedules.

Around the processes stand whoever they then talk to. Nothing is measured here.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass

import httpx2

from benchmarks.bench import Bench
from benchmarks.local_server import HOST, LocalServer
from benchmarks.receivers import LENGTH, Receiver
from benchmarks.seeding import OWNER
from tests.support.mail_server import Postbox, mail_server
from tests.support.processes import Process
from tests.support.session_tokens import AUTHJS, SECRET, authjs_token, claims, cookie

ORIGIN = "https://app.example.com"
SECURE = f"__Secure-{AUTHJS}"
SCRAPED_EVERY_SECONDS = 15.0
SERVED = r"(?=.*metrics_served).*(http://127\.0\.0\.1:\d+/metrics)"
TAKEN = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


class Collector(LocalServer):
    """Takes traces and reads none of them. Used with `async with`."""

    def __init__(self) -> None:
        self.batches = 0
        super().__init__()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = LENGTH.search(head)
                assert length is not None, "spans come with their length"
                await reader.readexactly(int(length[1]))
                self.batches += 1
                writer.write(TAKEN)
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the process is gone
        finally:
            writer.close()


@dataclass(frozen=True)
class Everything:
    """`settings` are for service and workers, `headers` are a signed-in user's."""

    settings: Mapping[str, str]
    headers: Mapping[str, str]
    receiver: Receiver
    collector: Collector

    async def register(self, http: httpx2.AsyncClient) -> None:
        """A webhook for the ends of the user's bulks."""
        body = {"url": f"{self.receiver.url}/", "events": ["bulk.completed"]}
        (await http.post("/api/webhooks", json=body)).raise_for_status()

    @contextlib.asynccontextmanager
    async def scraped(self, processes: Sequence[Process]) -> AsyncIterator[None]:
        """As Prometheus does it, from the first moment on."""
        addresses = [(await process.said(SERVED))[1] for process in processes]
        async with httpx2.AsyncClient(trust_env=False) as http, asyncio.TaskGroup() as tasks:
            scraping = [tasks.create_task(_scrape(http, address)) for address in addresses]
            yield
            for task in scraping:
                task.cancel()


@contextlib.asynccontextmanager
async def everything(bench: Bench, generator_url: str) -> AsyncIterator[Everything]:
    async with Receiver() as receiver, Collector() as collector, mail_server(Postbox()) as postbox:
        settings = {
            "PRESSRUN_SERVICE__METRICS_PORT": "0",
            "PRESSRUN_WORKER__METRICS_PORT": "0",
            "PRESSRUN_OTEL__ENDPOINT": collector.url,
            "PRESSRUN_SMTP__URL": f"smtp://{HOST}:{postbox.port}",
            "PRESSRUN_SMTP__SENDER": "Pressrun <pressrun@shop.example>",
            "PRESSRUN_SMTP__STARTTLS": "off",
            "PRESSRUN_PUBLIC_URL": "https://pressrun.example",
            "PRESSRUN_AUTH__MODE": "sessions",
            "PRESSRUN_AUTH__SECRETS": SECRET,
            "PRESSRUN_AUTH__ORIGINS": ORIGIN,
            "PRESSRUN_RETENTION__COMPLETED_DAYS": "30",
            "PRESSRUN_RETENTION__CANCELLED_DAYS": "30",
            "PRESSRUN_RETENTION__ARCHIVE": str(bench.folder),
            "PRESSRUN_ENCRYPTION__KEYS": '["a key of the benchmark, as long as one has to be"]',
            "PRESSRUN_OUTBOUND__ALLOW": f'["{receiver.url}"]',
            "PRESSRUN_IDEAS__URL": generator_url,
            "PRESSRUN_IMAGES__URL": generator_url,
        }
        said = claims(sub=OWNER, email="owner@shop.example")
        headers = {"Cookie": cookie(SECURE, authjs_token(said, name=SECURE)), "Origin": ORIGIN}
        yield Everything(settings, headers, receiver, collector)


async def _scrape(http: httpx2.AsyncClient, address: str) -> None:
    while True:
        (await http.get(address)).raise_for_status()
        await asyncio.sleep(SCRAPED_EVERY_SECONDS)
