"""One call of the generator: its request, its reply, and every way in which it can fail."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from tests.support import replies
from tests.support.replies import Reply
from tests.support.scripted_generator import ScriptedGenerator
from tests.worker.working import client_of
from worker.generator import Call, CallFailed, GeneratorClient

CALL = Call("/api/content/generate/topic", {"topic": "Office plants", "word_count": 600}, "key-1")
DEEP = b'{"success":true,"content":' + b'{"a":' * 100_000 + b"1" + b"}" * 100_001


async def failed(client: GeneratorClient) -> CallFailed:
    with pytest.raises(CallFailed) as raised:
        await client.generate(CALL)
    return raised.value


def kind(failure: CallFailed) -> dict[str, bool]:
    return {"permanent": failure.permanent, "counted": failure.counted, "definite": failure.definite}


def passing(*, counted: bool = True, definite: bool = True) -> dict[str, bool]:
    return {"permanent": False, "counted": counted, "definite": definite}


PERMANENT = {"permanent": True, "counted": True, "definite": True}
DEFINITE = passing()
UNCOUNTED = passing(counted=False, definite=False)
UNANSWERED = passing(definite=False)


async def test_a_call_says_its_mode_its_input_its_key_and_the_endpoints_credentials(
    generator: ScriptedGenerator, client: GeneratorClient
) -> None:
    await client.generate(CALL)
    call = await generator.called()
    assert (call.mode, call.body, call.key) == ("topic", CALL.body, "key-1")
    assert (call.headers["x-key"], call.headers["content-type"]) == ("secret", "application/json")


@pytest.mark.parametrize("content", ["An article.", {"title": "Plants", "parts": [{"text": "x"}]}], ids=type)
async def test_a_text_or_an_object_is_given_on_as_it_came(
    generator: ScriptedGenerator, client: GeneratorClient, content: object
) -> None:
    generator.script(replies.success(content))
    reply = await client.generate(CALL)
    assert (reply.content, reply.usage) == (content, None)


async def test_the_reported_usage_is_given_on(generator: ScriptedGenerator, client: GeneratorClient) -> None:
    generator.script(replies.success("text", {"input_tokens": 10, "output_tokens": 20, "cost": 0.5, "model": "m"}))
    usage = (await client.generate(CALL)).usage
    assert usage is not None
    assert (usage.input_tokens, usage.output_tokens, usage.cost) == (10, 20, 0.5)


async def test_each_call_has_a_connection_of_its_own(generator: ScriptedGenerator, client: GeneratorClient) -> None:
    """One kept from the last call may be closed by the endpoint just as the next is sent: that would cost a retry."""
    for _ in range(2):
        await client.generate(CALL)
    assert generator.connections == 2


REFUSALS = [
    (replies.failure("No quota."), DEFINITE, "No quota."),
    (replies.failure("No quota.", retryable=True), DEFINITE, "No quota."),
    (replies.failure("Not allowed.", retryable=False), PERMANENT, "Not allowed."),
    (replies.failure(None), DEFINITE, "The generator reported a failure without a reason."),
    (replies.failure(" \n"), DEFINITE, "The generator reported a failure without a reason."),
    (replies.failure("Half a letter: \ud83d"), DEFINITE, "Half a letter: ?"),
    (replies.failure("Trace:\n  line 1\n  line 2"), DEFINITE, "Trace: line 1 line 2"),
    *(
        (replies.status(code), PERMANENT, f"The generator answered {code}.")
        for code in (400, 401, 403, 404, 405, 413, 422, 451)
    ),
    *((replies.status(code), UNANSWERED, f"The generator answered {code}.") for code in (408, 409, 425)),
    *((replies.status(code), UNCOUNTED, f"The generator answered {code}.") for code in (429, 502, 503, 504)),
    *((replies.status(code), DEFINITE, f"The generator answered {code}.") for code in (500, 501, 505, 599, 304)),
    (replies.status(400, error="No topic."), PERMANENT, "The generator answered 400: No topic."),
    (replies.status(503, error="Busy\nnow"), UNCOUNTED, "The generator answered 503: Busy now."),
    (replies.answering({"error": "no such route"}, 404), PERMANENT, "The generator answered 404: no such route."),
    (replies.html(502), UNCOUNTED, "The generator answered 502."),
    (replies.html(404), PERMANENT, "The generator answered 404."),
    (replies.redirect("http://127.0.0.1:1/elsewhere"), DEFINITE, "The generator answered 302."),
]


@pytest.mark.parametrize(("reply", "expected", "sentence"), REFUSALS)
async def test_a_refusal_is_told_by_its_kind_and_in_one_sentence(
    generator: ScriptedGenerator, client: GeneratorClient, reply: Reply, expected: dict[str, bool], sentence: str
) -> None:
    generator.script(reply)
    failure = await failed(client)
    assert (kind(failure), str(failure)) == (expected, sentence)


@pytest.mark.parametrize("retryable", [True, False])
async def test_a_refusal_that_says_itself_whether_to_retry_is_believed_only_when_it_says_no(
    generator: ScriptedGenerator, client: GeneratorClient, retryable: bool
) -> None:
    body = {"success": False, "error": "No.", "retryable": retryable}
    generator.script(replies.answering(body, 500), replies.answering(body, 400))
    assert (await failed(client)).permanent is not retryable
    assert (await failed(client)).permanent


NOT_AGREED = "The generator's answer is not what was agreed"
UNUSABLE = [
    (replies.html(), f"{NOT_AGREED}: {len(replies.PAGE)} bytes of text/html."),
    (replies.empty(), f"{NOT_AGREED}: 0 bytes of no content type."),
    (replies.empty(204), f"{NOT_AGREED}: 0 bytes of no content type."),
    (replies.garbage(), f"{NOT_AGREED}: 37 bytes of application/json."),
    (replies.raw(b"[]"), f"{NOT_AGREED}: 2 bytes of application/json."),
    (replies.raw(b"\xff\xfe\xff"), f"{NOT_AGREED}: 3 bytes of application/json."),
    (replies.raw(DEEP), f"{NOT_AGREED}: {len(DEEP)} bytes of application/json."),
    (replies.raw(b"1" * 5_000), f"{NOT_AGREED}: 5000 bytes of application/json."),
    (replies.success([1, 2]), f"{NOT_AGREED}: 32 bytes of application/json."),
    (replies.success(None), "The generator's answer has no content."),
    (replies.success(""), "The generator's answer has no content."),
    (replies.success(" \n\t"), "The generator's answer has no content."),
    (replies.success({}), "The generator's answer has no content."),
    (replies.huge(), "The generator's answer has more than 8 MB."),
]


@pytest.mark.parametrize(("reply", "sentence"), UNUSABLE, ids=[sentence for _, sentence in UNUSABLE])
async def test_an_answer_that_nobody_can_use_is_passing_and_told_in_one_sentence(
    generator: ScriptedGenerator, client: GeneratorClient, reply: Reply, sentence: str
) -> None:
    generator.script(reply)
    failure = await failed(client)
    assert (kind(failure), str(failure)) == (DEFINITE, sentence)


async def test_the_rest_of_an_answer_that_is_too_large_is_not_waited_for(
    generator: ScriptedGenerator, client: GeneratorClient
) -> None:
    generator.script(replies.huge())
    await failed(client)
    await generator.hung_up("key-1")


@pytest.mark.parametrize("reply", [replies.never(), replies.stalled()], ids=["never", "stalled"])
async def test_a_call_without_an_end_is_given_up_after_its_time(generator: ScriptedGenerator, reply: Reply) -> None:
    generator.script(reply)
    async with client_of(generator.url, timeout=timedelta(milliseconds=400)) as client:
        failure = await failed(client)
    assert (kind(failure), str(failure)) == (UNANSWERED, "The generator did not answer within 0.4 s.")
    await generator.hung_up("key-1")


@pytest.mark.parametrize("reply", [replies.broken_off(), replies.closed()], ids=["in the middle", "before any answer"])
async def test_a_call_that_breaks_off_may_have_been_worked_on(
    generator: ScriptedGenerator, client: GeneratorClient, reply: Reply
) -> None:
    generator.script(reply)
    failure = await failed(client)
    assert kind(failure) == UNANSWERED
    assert str(failure).startswith("The call to the generator broke off: ")
    assert str(failure).count(".") == 1


async def test_a_refused_connection_is_not_counted(generator: ScriptedGenerator, client: GeneratorClient) -> None:
    await generator.go_down()
    failure = await failed(client)
    assert kind(failure) == UNCOUNTED
    assert str(failure) == "The generator cannot be reached: All connection attempts failed."


async def test_no_redirect_is_followed(generator: ScriptedGenerator, client: GeneratorClient) -> None:
    async with ScriptedGenerator() as elsewhere:
        generator.script(replies.redirect(elsewhere.url))
        await failed(client)
        assert elsewhere.connections == 0


async def test_cancelling_a_call_closes_its_connection(generator: ScriptedGenerator, client: GeneratorClient) -> None:
    generator.script(replies.never())
    call: asyncio.Task[Any] = asyncio.create_task(client.generate(CALL))
    await generator.called()
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    await generator.hung_up("key-1")
    await client.generate(CALL)  # and the client is as good as before


@pytest.mark.parametrize("usage", [{"cost": "0.01 USD"}, {"input_tokens": 10**30}, "much", [1]])
async def test_an_article_is_kept_whatever_its_usage_says(
    generator: ScriptedGenerator, client: GeneratorClient, usage: object
) -> None:
    generator.script(replies.success("An article.", usage))
    reply = await client.generate(CALL)
    assert (reply.content, reply.usage) == ("An article.", None)


@pytest.mark.parametrize(
    ("to_a_probe", "is_there"),
    [(200, True), (404, True), (405, True), (500, True), (429, True), (502, False), (503, False), (504, False)],
)
async def test_an_endpoint_is_there_unless_a_gateway_excuses_it(
    generator: ScriptedGenerator, client: GeneratorClient, to_a_probe: int, is_there: bool
) -> None:
    generator.to_probes = to_a_probe
    assert await client.answers() == is_there


async def test_an_endpoint_that_closes_the_connection_on_a_probe_is_there(client_of_closing: GeneratorClient) -> None:
    assert await client_of_closing.answers()


async def test_an_endpoint_that_refuses_the_connection_is_not_there(
    generator: ScriptedGenerator, client: GeneratorClient
) -> None:
    await generator.go_down()
    assert not await client.answers()


@pytest.fixture
async def client_of_closing() -> AsyncIterator[GeneratorClient]:
    """Of an endpoint that takes a connection, and closes it whatever it is asked."""
    server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    async with client_of(f"http://{host}:{port}") as client:
        yield client
    server.close()
