"""Failures that the settings ask for: of that kind, that often, and the same in every run."""

from __future__ import annotations

from itertools import islice

import pytest

from generator.faults import Fault, faults
from generator.settings import Settings
from tests.generator.serving import TOPIC, URL, eventually, serving


@pytest.mark.parametrize(("rate", "status"), [("rate_500", 500), ("rate_429", 429)])
async def test_a_passing_failure_is_answered_on_request(rate: str, status: int) -> None:
    settings = Settings.model_validate({rate: 1, "retry_after_seconds": 7, "store_file": None})
    async with serving(settings) as served:
        response = await served.client.post(URL, json=TOPIC)
        assert response.status_code == status
        assert response.json()["success"] is False
        assert response.json()["retryable"] is True
        assert response.headers.get("retry-after") == ("7" if status == 429 else None)
        stats = await served.stats()
        assert (stats["calls"], stats["failed_on_request"], stats["generated"]) == (1, 1, 0)


async def test_garbage_is_a_page_with_status_200() -> None:
    async with serving(Settings(rate_garbage=1, store_file=None)) as served:
        response = await served.client.post(URL, json=TOPIC)
        assert response.status_code == 200
        assert response.headers["content-type"].startswith("text/html")
        assert "<p>" in response.text


async def test_a_hanging_call_ends_when_its_caller_hangs_up() -> None:
    async with serving(Settings(rate_hang=1, store_file=None)) as served:
        call = await served.open_call()
        await served.until("failed_on_request", 1)
        call.hang_up()
        await eventually(call.reader.at_eof)
        assert (await served.stats())["abandoned"] == 0


def test_the_same_seed_fails_the_same_calls() -> None:
    rates = {Fault.SERVER_ERROR: 0.2, Fault.TOO_MANY: 0.1, Fault.HANG: 0.05, Fault.GARBAGE: 0.05}
    first, again, other = (list(islice(faults(rates, seed), 2_000)) for seed in (1, 1, 2))
    assert first == again
    assert first != other
    for fault, rate in rates.items():
        assert first.count(fault) / 2_000 == pytest.approx(rate, abs=0.03)


def test_nothing_fails_unless_asked() -> None:
    assert set(islice(faults(dict.fromkeys(Fault, 0.0), 1), 1_000)) == {None}
