"""A Pressrun of real processes to go journeys through, where a test decides when the generator answers, and what.

Each journey has a desk: a person of its own, whose bulks nobody else sees. Nothing is judged here.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx2
from playwright.async_api import Browser, Locator, Page, expect

from tests.outbound.serving import Asked, Server, message, silence
from tests.support.deployment import Deployment, on_mongodb
from tests.support.eventually import eventually
from tests.support.replies import Reply, failure, success
from tests.support.scripted_generator import Call, ScriptedGenerator, article
from tests.web.browser import PATIENCE_MS, Window, opened

EDITOR = "editor"
"""An admin, as the developer is."""

FAST = {
    "PRESSRUN_BULK__DELAY_SECONDS": "0",
    "PRESSRUN_WORKER__POLL_SECONDS": "0.05",
    "PRESSRUN_WORKER__LEASE_SECONDS": "10",
    "PRESSRUN_WORKER__SWEEP_SECONDS": "0.5",
    "PRESSRUN_WORKER__SLOTS": "12",
    "PRESSRUN_AUTH__ADMINS": f'["{EDITOR}"]',
    "PRESSRUN_LIMITS__MAX_RUNNING": "off",
    "PRESSRUN_USER__SUBMISSIONS_PER_MINUTE": "off",
    "PRESSRUN_IDEAS__REQUESTS_PER_MINUTE": "off",
    "PRESSRUN_IMAGES__REQUESTS_PER_MINUTE": "off",
    "PRESSRUN_ENCRYPTION__KEYS": '["a key of the tests, and of no other"]',
    "PRESSRUN_SMTP__URL": "smtp://127.0.0.1:9",
    "PRESSRUN_SMTP__SENDER": "Pressrun <pressrun@example.com>",
}
"""Nobody in the workshop names an address, so no mail is sent."""

BULKS = "/api/bulk-generate"
SUMMARY = (
    "Two people who have sewn for thirty years say what they look at first, and what they would not pay for again."
)
expect.set_options(timeout=PATIENCE_MS)


def told(call: Call) -> Reply:
    """Ideas, images, and articles with headings and of some length."""
    if call.mode == "image":
        return article(call)
    subject = str(call.body.get("topic") or "Waxing a jacket")
    if call.mode == "ideas":
        ideas = [
            {
                "title": title.format(subject),
                "summary": SUMMARY,
                "angle": "The workshop",
                "keywords": ["care", "repair"],
            }
            for title in ("{}: what the makers say", "Ten years with {}", "{}, and when to leave it")
        ]
        return success({"ideas": ideas, "recommended": 1}, {"cost": 0.001})
    words = f"What to know about {subject} before you buy, in a few honest sentences from the workshop. " * 6
    text = f"# {subject}\n\n{words}\n\n## What to look for\n\n- One thing\n- Another thing\n\n{words}"
    return success(text, {"input_tokens": 120, "output_tokens": 900, "cost": 0.012})


@dataclass
class Desk:
    """`held` are the topics whose calls wait until they are released, `failing` those that are refused.

    A call on a format has the name of its template as its topic; ideas and images come at once. `receiver` takes what
    is sent to webhooks; `gone` are those that want no more.
    """

    user: str
    deployment: Deployment
    api: httpx2.AsyncClient
    receiver: Server
    calls: list[Call] = field(default_factory=list)
    held: set[str] = field(default_factory=set)
    failing: set[str] = field(default_factory=set)
    gone: set[str] = field(default_factory=set)
    _gates: dict[str, asyncio.Event] = field(default_factory=lambda: defaultdict(asyncio.Event))

    @property
    def called(self) -> list[str]:
        return [topic_of(call) for call in self.calls]

    def reply(self, call: Call) -> Reply:
        self.calls.append(call)
        topic = topic_of(call)
        if call.mode in ("ideas", "image"):
            return told(call)
        if topic in self.failing:
            return failure("The model has refused this subject.", retryable=False)
        reply = told(call)
        return replace(reply, gate=self._gates[topic]) if topic in self.held else reply

    def release(self, *topics: str) -> None:
        """All that are held, where none is named; those that are called only afterwards, too."""
        for topic in topics or tuple(self.held):
            self.held.discard(topic)
            self._gates[topic].set()

    async def asked_for(self, topic: str, mode: str | None = None) -> Call:
        """Wait until the generator has been called for it, in any mode or in that one."""

        async def found() -> Call | None:
            of_it = (call for call in self.calls if topic_of(call) == topic and mode in (None, call.mode))
            return next(of_it, None)

        call = await eventually(found)
        assert call is not None
        return call

    async def submit(self, *subjects: str, **body: Any) -> str:
        request = {"mode": "topic", "pipeline": "plain", "items": [{"topic": subject} for subject in subjects], **body}
        return str((await self.post(BULKS, request))["bulk_job_id"])

    async def submit_formats(self, name: str, *templates: str) -> str:
        source = {"text": "A long talk about how jackets are waxed, and why. " * 30, "title": "Waxing"}
        request = {"pipeline": "formats", "name": name, "source": source, "templates": templates}
        return str((await self.post(BULKS, request))["bulk_job_id"])

    async def post(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        answer = await self.api.post(path, json=body)
        assert answer.status_code == 200, answer.text
        told: dict[str, Any] = answer.json()
        return told

    def hook(self, name: str) -> str:
        """An address of this desk's own."""
        return f"{self.receiver.url}/{self.user}/{name}"

    def received(self, name: str) -> list[str]:
        """The ids of what was sent to that address, in the order in which it came."""
        line = f"POST /{self.user}/{name} "
        return [asked.headers["webhook-id"] for asked in self.receiver.asked if asked.line.startswith(line)]

    async def bulk(self, bulk_id: str) -> dict[str, Any]:
        seen: dict[str, Any] = (await self.api.get(f"{BULKS}/{bulk_id}")).json()
        return seen

    async def completed(self, bulk_id: str) -> None:
        await eventually(lambda: self.bulk(bulk_id), lambda seen: seen["bulk_job"]["status"] == "completed")

    @contextlib.asynccontextmanager
    async def window(
        self, browser: Browser, window: Window | None = None, *, outage: bool = False
    ) -> AsyncIterator[Page]:
        async with opened(browser, self.deployment.url, window or Window(), self.user, outage=outage) as page:
            yield page


@dataclass
class Workshop:
    deployment: Deployment
    generator: ScriptedGenerator
    receiver: Server
    _desks: dict[str, Desk] = field(default_factory=dict)

    @contextlib.asynccontextmanager
    async def desk(self, user: str | None = None) -> AsyncIterator[Desk]:
        """Of somebody new, or of that user. What is held is released at the end, and nobody waits for it any more."""
        name = user or f"person-{secrets.token_hex(4)}"
        headers = {"X-Pressrun-User": name}
        client = httpx2.AsyncClient(base_url=self.deployment.url, headers=headers, timeout=20, trust_env=False)
        async with client as api:
            desk = self._desks[name] = Desk(name, self.deployment, api, self.receiver)
            try:
                yield desk
            finally:
                desk.release()

    def reply(self, call: Call) -> Reply:
        return self._desks[str(call.body["user_id"])].reply(call)

    async def receive(self, asked: Asked, writer: asyncio.StreamWriter) -> None:
        """What was sent to a webhook: taken, or wanted no more."""
        _, user, name = asked.line.split()[1].split("/")
        gone = name in self._desks[user].gone
        writer.write(message(b"Nobody lives here any more.", 410) if gone else message(b"Thank you."))
        await writer.drain()


@contextlib.asynccontextmanager
async def workshop(
    folder: Path, uri: str, database: str, settings: Mapping[str, str] | None = None
) -> AsyncIterator[Workshop]:
    async with ScriptedGenerator() as generator, Server(silence) as receiver:
        of_generators = {"PRESSRUN_IDEAS__URL": generator.url, "PRESSRUN_IMAGES__URL": generator.url}
        allowed = {"PRESSRUN_OUTBOUND__ALLOW": json.dumps([receiver.url])}
        environment = FAST | of_generators | allowed | dict(settings or {})
        async with on_mongodb(environment, folder, uri, database, workers=1, generator_url=generator.url) as deployment:
            built = Workshop(deployment, generator, receiver)
            generator.otherwise = built.reply
            receiver.answer = built.receive
            yield built


def subjects(count: int = 10) -> list[str]:
    return [f"Subject {number}" for number in range(1, count + 1)]


def topic_of(call: Call) -> str:
    return str(call.body.get("topic") or call.body.get("template"))


def row(page: Page, topic: str) -> Locator:
    """Of an article on the page of its bulk."""
    return page.locator("li.article").filter(has=page.get_by_role("link", name=topic, exact=True))


class Stays:
    """Notices whether a page is loaded anew, which a page that moves by itself never is."""

    def __init__(self, page: Page) -> None:
        self._page = page

    async def __aenter__(self) -> Stays:
        await self._page.evaluate("window.opened = 'once'")
        return self

    async def __aexit__(self, *failure: object) -> None:
        assert await self._page.evaluate("window.opened") == "once", "the page was loaded anew"
