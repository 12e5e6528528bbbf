"""What becomes of a model's answer, asked over real HTTP: text, usage and cost."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generator.errors import NotWritten
from generator.openai.events import LONGEST_LINE, DataLines
from tests.generator.modelling import COST, KEY, modelled
from tests.generator.openai_server import (
    DONE,
    USAGE,
    Script,
    answering,
    ending,
    streaming,
    usage,
    words,
    writing,
)
from tests.generator.serving import TOPIC, URL

ARTICLE = "# Office plants\n\nGrün, 绿色 and 🌱 are the colours of an office plant.\n"


async def test_a_streamed_text_is_answered_with_its_usage_and_cost() -> None:
    async with modelled(writing(ARTICLE)) as model:
        status, body = await model.text()
    assert status == 200
    assert body == {
        "success": True,
        "content": ARTICLE,
        "usage": {"input_tokens": 100, "output_tokens": 2_000, "cost": pytest.approx(COST)},
    }


async def test_the_model_is_asked_as_the_settings_say() -> None:
    async with modelled(writing(ARTICLE), max_output_tokens=900, output_tokens_field="max_completion_tokens") as model:
        await model.text()
        asked = model.endpoint.exchanges[0]
    assert asked.path == "/v1/chat/completions"
    assert asked.headers["authorization"] == f"Bearer {KEY}"
    assert asked.body["model"] == "writer-1"
    assert asked.body["stream"] is True
    assert asked.body["stream_options"] == {"include_usage": True}
    assert asked.body["max_completion_tokens"] == 900
    assert "max_tokens" not in asked.body
    assert [message["role"] for message in asked.body["messages"]] == ["system", "user"]


async def test_without_a_key_and_a_limit_none_is_sent() -> None:
    async with modelled(writing(ARTICLE), api_key=None) as model:
        assert (await model.text())[0] == 200
        asked = model.endpoint.exchanges[0]
    assert "authorization" not in asked.headers
    assert not {"max_tokens", "max_completion_tokens"} & asked.body.keys()


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        (streaming(words(ARTICLE), ending(), DONE), None),
        (streaming(words(ARTICLE), ending(), {"choices": [], "usage": {"prompt_tokens": -1}}, DONE), None),
        (streaming(words(ARTICLE), {**ending(), **{"usage": USAGE["usage"]}}, DONE), (100, 2_000)),
        (streaming(usage(100, 1), words(ARTICLE), usage(100, 7), ending(), USAGE, DONE), (100, 2_000)),
        (streaming(words(ARTICLE), ending(), {"choices": None, "usage": USAGE["usage"]}, DONE), (100, 2_000)),
    ],
    ids=["none", "unreadable", "with the end", "as it goes", "without choices"],
)
async def test_usage_is_what_was_told_last_or_nothing(script: Script, expected: tuple[int, int] | None) -> None:
    async with modelled(script) as model:
        status, body = await model.text()
    told = body["usage"]
    assert (status, body["content"]) == (200, ARTICLE)
    assert (told and (told["input_tokens"], told["output_tokens"])) == expected


async def test_a_model_without_a_price_costs_nobody_knows_what() -> None:
    async with modelled(writing(ARTICLE), model="unheard-of") as model:
        _, body = await model.text()
    assert body["usage"] == {"input_tokens": 100, "output_tokens": 2_000, "cost": None}


@pytest.mark.parametrize(
    "script",
    [
        streaming(b": keep-alive\r\n\r\nevent: x\r\nid: 7\r\n", words(ARTICLE), ending(), USAGE, DONE),
        streaming(words(ARTICLE), {"choices": [{"index": 1, "delta": {"content": "x"}}]}, ending()),
        streaming(words(ARTICLE), ending(), cut=True),
        answering(200, {"choices": [{"message": {"content": ARTICLE}, "finish_reason": "stop"}]}),
    ],
    ids=["comments and other fields", "a second choice", "cut behind the end", "in one piece"],
)
async def test_the_same_text_comes_out_however_it_comes_in(script: Script) -> None:
    async with modelled(script) as model:
        status, body = await model.text()
    assert (status, body.get("content")) == (200, ARTICLE)


@pytest.mark.parametrize(
    "told",
    [f"```markdown\n{ARTICLE}```", f"<think>Plants, hm.\n\nI see.</think>\n\n{ARTICLE}", f"\n\n{ARTICLE}\n\n\n"],
    ids=["fence", "thoughts", "blank lines"],
)
async def test_what_models_wrap_around_a_text_is_taken_off(told: str) -> None:
    async with modelled(writing(told)) as model:
        assert (await model.text())[1]["content"] == ARTICLE


async def test_code_at_both_ends_of_a_text_is_no_wrapping() -> None:
    told = "```sh\nls\n```\n\nlists, and\n\n```sh\nrm\n```\n"
    async with modelled(writing(told)) as model:
        assert (await model.text())[1]["content"] == told


@pytest.mark.parametrize(
    ("component", "told", "content"),
    [
        ("title", '# **"Plants that forgive"**\n\nHere is more.', "Plants that forgive"),
        ("title", "Title: 7 plants", "7 plants"),
        ("title", "#1 plant of the year", "#1 plant of the year"),
        ("meta_description", "Plants need\nlight.", "Plants need light."),
        ("faq", "### Why?\n\nBecause.", "### Why?\n\nBecause.\n"),
    ],
)
async def test_titles_and_descriptions_are_plain_text(component: str, told: str, content: str) -> None:
    async with modelled(writing(told)) as model:
        assert (await model.text(component=component))[1]["content"] == content


async def test_a_repeated_key_does_not_ask_the_model_again() -> None:
    async with modelled(writing(ARTICLE)) as model:
        headers = {"Idempotency-Key": "job:content:hash:0"}
        first, again = [await model.served.client.post(URL, json=TOPIC, headers=headers) for _ in range(2)]
        assert again.json() == first.json()
        assert len(model.endpoint.exchanges) == 1


@given(
    st.lists(st.text(alphabet="aé🌱 :{}"), max_size=5), st.lists(st.integers(0, 60)), st.sampled_from(["\n", "\r\n"])
)
def test_lines_are_the_same_however_the_stream_is_cut_into_pieces(texts: list[str], cuts: list[int], end: str) -> None:
    whole = "".join(f"data: {text}{end}{end}: comment{end}" for text in texts).encode()
    edges = [0, *sorted(min(cut, len(whole)) for cut in cuts), len(whole)]
    lines = DataLines()
    found = [value for at, to in pairwise(edges) for value in lines.fed(whole[at:to])]
    assert found == [text.strip() for text in texts]


def test_a_line_without_an_end_is_not_collected_for_ever() -> None:
    lines = DataLines()
    for _ in range(LONGEST_LINE // 65_536):
        lines.fed(b"x" * 65_536)
    with pytest.raises(NotWritten, match="more than any article needs"):
        lines.fed(b"x")
