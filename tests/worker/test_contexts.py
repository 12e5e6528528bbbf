"""Context providers, over HTTP and as functions: what they tell, and that no failure of theirs is a job's."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from typing import Any

import pytest

from jobs.notification.url_template import UrlTemplate
from outbound.allowed import parse_allowed
from outbound.client import Outbound
from tests.outbound.serving import Answer, Asked, Server, endless, message, says, silence
from tests.worker.conftest import Logged
from worker.contexts import MOST_CHARACTERS, Contexts
from worker.http_contexts import FAILURE_IS_KEPT, Endpoint, HttpContext
from worker.stage import Context

ITEM = {"topic": "green tea", "external_id": "T-7", "tenant": "shop"}
JSON = {"Content-Type": "application/json; charset=utf-8"}
HEADERS = {"Authorization": "Bearer s3cr3t"}


class Time:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    async with Server(says(message(b'{"context": "Costs 7."}', headers=JSON))) as server:
        yield server


def provider(
    server: Server, *, path: str = "/{external_id}?q={topic}", timeout: float = 5, time: Time | None = None, **more: Any
) -> HttpContext:
    url = UrlTemplate(f"{server.url}{path}")
    endpoint = Endpoint("pim", url, HEADERS, timeout=timedelta(seconds=timeout), **more)
    return HttpContext(Outbound(parse_allowed([server.url])), endpoint, time or Time())


async def told_by(http: HttpContext, item: Mapping[str, Any] = ITEM) -> Context:
    contexts = Contexts()
    contexts.register("pim", http.ask, slot="product", timeout=None)
    (told,) = await contexts.of(item)
    assert (told.name, told.slot) == ("pim", "product")
    assert (told.text is None) == (told.note is not None)
    assert "s3cr3t" not in repr(told)
    assert "127.0.0.1" not in repr(told)
    return told


async def test_a_provider_is_asked_about_the_item_with_its_credentials(server: Server) -> None:
    assert (await told_by(provider(server, path="/{external_id}?q={topic}&t={tenant}"))).text == "Costs 7."
    asked = await server.until_asked()
    assert asked.line == "GET /T-7?q=green%20tea&t=shop HTTP/1.1"
    assert asked.headers["authorization"] == "Bearer s3cr3t"


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (message(b'{"context": "Costs 7.", "more": 1}', headers=JSON), "Costs 7."),
        (message(b'{ "price": 7, "name": "T\xc3\xa9" }', headers=JSON), '{"price":7,"name":"T\u00e9"}'),
        (message(b'{"context": {"price": 7}}', headers=JSON), '{"context":{"price":7}}'),
        (message(b"[1, 2]", headers=JSON), "[1,2]"),
        (message(b'"seven"', headers=JSON), '"seven"'),
        (message(b" Costs 7. "), "Costs 7."),
        (message(b"a\0b"), "ab"),
        (message(b'{"context": "\\ud800!"}', headers=JSON), "?!"),
        (message(json.dumps({"context": "x" * 50_000}).encode(), headers=JSON), "x" * MOST_CHARACTERS),
        (message(json.dumps(["y" * 50_000]).encode(), headers=JSON), '["' + "y" * (MOST_CHARACTERS - 2)),
    ],
)
async def test_an_answer_becomes_text_of_a_bounded_length(answer: bytes, text: str) -> None:
    async with Server(says(answer)) as server:
        assert (await told_by(provider(server))).text == text


@pytest.mark.parametrize(
    ("answer", "note"),
    [
        (says(message(b"{", headers=JSON)), "did not answer with valid JSON."),
        (says(message(b"[" * 100_000, headers=JSON)), "did not answer with valid JSON."),
        (says(message(b"\xff", headers=JSON)), "did not answer with valid JSON."),
        (says(message(b"{}", headers=JSON)), "knows nothing of this item."),
        (says(message(b"null", headers=JSON)), "knows nothing of this item."),
        (says(message(b'{"context": " "}', headers=JSON)), "knows nothing of this item."),
        (says(message(b"", headers=JSON)), "did not answer with valid JSON."),
        (says(message(b"")), "knows nothing of this item."),
        (says(message(b"<p>", headers={"Content-Type": "text/html"})), "did not answer with JSON or text."),
        (says(message(b"x" * 2**21)), "answered with too much."),
        (endless(message(b"", headers={"Content-Length": ""}), b"x" * 65_536), "answered with too much."),
        (says(message(b"", 404)), "answered 404."),
        (says(message(b"", 302, {"Location": "http://169.254.169.254/"})), "answered 302."),
        (says(message(b"", 500)), "answered 500."),
    ],
)
async def test_a_useless_answer_is_noted(answer: Answer, note: str) -> None:
    async with Server(answer) as server:
        assert (await told_by(provider(server))).note == f"The context provider pim {note}"


async def test_a_provider_that_hangs_is_noted_and_hung_up_on() -> None:
    async with Server(silence) as server:
        told = await told_by(provider(server, timeout=0.2))
        assert told.note == "The context provider pim did not answer within 0.2 s."
        await server.until_hung_up()


async def test_a_provider_that_is_gone_is_noted() -> None:
    async with Server(silence) as server:
        gone = provider(server)
    assert (await told_by(gone)).note == "The context provider pim cannot be reached."


async def test_a_provider_that_the_guard_refuses_is_not_connected_to(server: Server, logged: Logged) -> None:
    refused = HttpContext(Outbound(), Endpoint("pim", UrlTemplate(f"{server.url}/"), HEADERS))
    assert (await told_by(refused)).note == "The context provider pim may not be asked."
    assert server.connections == 0
    (entry,) = logged
    assert (entry["event"], entry["provider"]) == ("context_provider_failed", "pim")
    assert "s3cr3t" not in repr(logged)


@pytest.mark.parametrize(
    ("external_id", "why"), [(None, "the item has no external_id"), ("../admin", "external_id would lead to another")]
)
async def test_without_a_value_for_its_path_a_provider_is_not_asked(
    server: Server, external_id: str | None, why: str
) -> None:
    told = await told_by(provider(server), {**ITEM, "external_id": external_id})
    assert told.note is not None
    assert told.note.startswith("The context provider pim was not asked: ")
    assert why in told.note
    assert server.connections == 0


async def test_ten_jobs_about_one_item_ask_once_and_the_answer_is_kept_for_its_time(server: Server) -> None:
    time = Time()
    http = provider(server, keep=timedelta(seconds=600), time=time)
    told = await asyncio.gather(*(told_by(http) for _ in range(10)))
    time.now = 599
    assert {context.text for context in [*told, await told_by(http)]} == {"Costs 7."}
    assert server.connections == 1
    await told_by(http, {**ITEM, "topic": "black tea"})
    assert server.connections == 2
    time.now = 601
    await told_by(http)
    assert server.connections == 3


async def test_a_failure_is_kept_for_ten_seconds_only(server: Server) -> None:
    good, time = server.answer, Time()
    http = provider(server, time=time)
    server.answer = says(message(b"", 500))
    for _ in range(3):
        assert (await told_by(http)).note == "The context provider pim answered 500."
    server.answer = good
    time.now = FAILURE_IS_KEPT.total_seconds() - 0.1
    assert (await told_by(http)).text is None
    assert server.connections == 1
    time.now = FAILURE_IS_KEPT.total_seconds()
    assert (await told_by(http)).text == "Costs 7."


async def test_a_job_that_is_cancelled_hangs_up_and_one_that_is_not_keeps_its_answer() -> None:
    held = asyncio.Event()

    async def answer(_: Asked, writer: asyncio.StreamWriter) -> None:
        await held.wait()
        writer.write(message(b"Costs 7."))
        await writer.drain()

    async with Server(answer) as server:
        http = provider(server, timeout=30)
        alone = asyncio.create_task(told_by(http))
        await server.until_asked()
        alone.cancel()
        await server.until_hung_up()
        jobs = [asyncio.create_task(told_by(http)) for _ in range(2)]
        await server.until_asked(2)
        jobs[0].cancel()
        await asyncio.wait(jobs[:1])
        held.set()
        assert (await jobs[1]).text == "Costs 7."
        assert server.connections == 2
        assert alone.cancelled()
        assert jobs[0].cancelled()


async def test_all_are_asked_at_once_and_told_in_their_order() -> None:
    begun = asyncio.Barrier(3)

    def function(name: str) -> Any:
        async def ask(item: Mapping[str, Any]) -> str:
            await begun.wait()
            return f"{name} of {item['topic']}"

        return ask

    contexts = Contexts()
    for name in ("one", "two", "three"):
        contexts.register(name, function(name), slot="seo")
    assert [told.text for told in await contexts.of(ITEM)] == [
        f"{name} of green tea" for name in ("one", "two", "three")
    ]


async def test_a_function_that_fails_in_any_way_is_noted_and_the_others_are_heard() -> None:
    async def hangs(_: Mapping[str, Any]) -> str:
        await asyncio.Event().wait()
        raise AssertionError

    async def raises(_: Mapping[str, Any]) -> str:
        raise RuntimeError("the password is s3cr3t")

    async def times_out(_: Mapping[str, Any]) -> str:
        raise TimeoutError

    async def cancels(_: Mapping[str, Any]) -> str:
        raise asyncio.CancelledError

    async def no_text(_: Mapping[str, Any]) -> Any:
        return {"price": 7}

    async def nothing(_: Mapping[str, Any]) -> None:
        return None

    async def spoils(item: Mapping[str, Any]) -> str:
        assert isinstance(item, dict)
        item.clear()
        return "spoiled"

    async def knows(item: Mapping[str, Any]) -> str:
        return f"{item['topic']}!"

    contexts = Contexts()
    for ask in (hangs, raises, times_out, cancels, no_text, nothing, spoils, knows):
        contexts.register(ask.__name__, ask, timeout=timedelta(milliseconds=100))
    told = {context.name: context.text or context.note for context in await contexts.of(ITEM)}
    assert told == {
        "hangs": "The context provider hangs did not answer within 0.1 s.",
        "raises": "The context provider raises has failed.",
        "times_out": "The context provider times_out has failed.",
        "cancels": "The context provider cancels has failed.",
        "no_text": "The context provider no_text did not answer with text.",
        "nothing": "The context provider nothing knows nothing of this item.",
        "spoils": "spoiled",
        "knows": "green tea!",
    }


async def test_a_cancelled_job_stops_its_functions() -> None:
    began, ended = asyncio.Event(), asyncio.Event()

    async def hangs(_: Mapping[str, Any]) -> str:
        began.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()
        raise AssertionError

    contexts = Contexts()
    contexts.register("hangs", hangs)
    asking = asyncio.ensure_future(contexts.of(ITEM))
    await began.wait()
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert ended.is_set()


async def test_without_providers_there_is_no_context() -> None:
    assert list(await Contexts().of(ITEM)) == []


def test_a_name_that_is_taken_and_a_slot_that_there_is_not_are_refused() -> None:
    async def ask(_: Mapping[str, Any]) -> str:
        return ""

    contexts = Contexts()
    contexts.register("pim", ask)
    with pytest.raises(ValueError, match="there is a context provider 'pim' already"):
        contexts.register("pim", ask)
    with pytest.raises(ValueError, match="has the slot 'news'"):
        contexts.register("news", ask, slot="news")
