"""How long a refusal asks to wait: seconds, a date, or nonsense."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from tests.support import replies
from tests.support.scripted_generator import ScriptedGenerator
from worker.generator import Call, CallFailed, GeneratorClient

MOST = timedelta(minutes=10)


async def wait_after(generator: ScriptedGenerator, client: GeneratorClient, value: str | None) -> timedelta | None:
    generator.script(replies.status(429, retry_after=value))
    with pytest.raises(CallFailed) as raised:
        await client.generate(Call("/api/content/generate/topic", {}, "key"))
    return raised.value.wait


@pytest.mark.parametrize(
    ("value", "wait"),
    [
        ("0", timedelta(0)),
        ("7", timedelta(seconds=7)),
        (" 120 ", timedelta(minutes=2)),
        ("600", MOST),
        ("601", MOST),
        ("9" * 30, MOST),
        ("9" * 5_000, MOST),
    ],
)
async def test_seconds_are_waited_up_to_ten_minutes(
    generator: ScriptedGenerator, client: GeneratorClient, value: str, wait: timedelta
) -> None:
    assert await wait_after(generator, client, value) == wait


@pytest.mark.parametrize(
    "value",
    [
        None,
        "",
        "soon",
        "1.5",
        "5 minutes",
        "Mon, 99 Foo 2026 25:61:61 GMT",
        "Mon, 01 Jan 99999999999999999999 00:00:00 GMT",
        "Mon, 01 Jan 2024 00:00:00 +9999999999",
        "-5",
        "-" + "9" * 30,
    ],
)
async def test_nonsense_asks_for_nothing(
    generator: ScriptedGenerator, client: GeneratorClient, value: str | None
) -> None:
    assert await wait_after(generator, client, value) is None


async def test_a_date_is_waited_for(generator: ScriptedGenerator, client: GeneratorClient) -> None:
    at = datetime.now(UTC) + timedelta(minutes=5)
    wait = await wait_after(generator, client, format_datetime(at, usegmt=True))
    assert wait is not None
    assert timedelta(minutes=4) < wait <= timedelta(minutes=5)


@pytest.mark.parametrize(("days", "wait"), [(1, MOST), (-1, timedelta(0))])
async def test_a_date_too_far_off_is_cut_and_one_gone_by_asks_for_none(
    generator: ScriptedGenerator, client: GeneratorClient, days: int, wait: timedelta
) -> None:
    at = datetime.now(UTC) + timedelta(days=days)
    assert await wait_after(generator, client, format_datetime(at, usegmt=True)) == wait
