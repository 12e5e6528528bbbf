"""A caller who goes away while a model writes: its connection is closed, so that no more is paid for."""

from __future__ import annotations

import asyncio

import pytest

from tests.generator.modelling import Modelled, modelled
from tests.generator.openai_server import Exchange, Script, words
from tests.generator.serving import eventually


async def never_answering(exchange: Exchange) -> None:
    await exchange.hung_up.wait()


async def writing_for_ever(exchange: Exchange) -> None:
    await exchange.begin_stream()
    while not exchange.hung_up.is_set():
        await exchange.event(words("and so on "))
        await asyncio.sleep(0.01)


async def falling_silent(exchange: Exchange) -> None:
    await exchange.begin_stream()
    await exchange.event(words("Once upon a time"))
    await exchange.hung_up.wait()


async def asked(model: Modelled) -> Exchange:
    await eventually(lambda: bool(model.endpoint.exchanges))
    return model.endpoint.exchanges[0]


@pytest.mark.parametrize("script", [never_answering, writing_for_ever, falling_silent])
@pytest.mark.parametrize("key", [None, "k"])
async def test_the_models_connection_is_closed_when_the_caller_hangs_up(script: Script, key: str | None) -> None:
    async with modelled(script) as model:
        call = await model.served.open_call(key=key)
        exchange = await asked(model)
        call.hang_up()
        async with asyncio.timeout(2):
            await exchange.hung_up.wait()
        await model.served.until("abandoned", 1)


async def test_a_caller_who_joined_keeps_the_models_connection_open() -> None:
    async with modelled(writing_for_ever) as model:
        first = await model.served.open_call(key="k")
        exchange = await asked(model)
        second = await model.served.open_call(key="k")
        await model.served.until("joined", 1)
        first.hang_up()
        third = await model.served.open_call(key="k")
        await model.served.until("joined", 2)
        assert not exchange.hung_up.is_set()
        second.hang_up()
        third.hang_up()
        async with asyncio.timeout(2):
            await exchange.hung_up.wait()
        assert len(model.endpoint.exchanges) == 1


async def test_shutting_down_closes_the_models_connection() -> None:
    async with modelled(falling_silent) as model:
        call = await model.served.open_call()
        exchange = await asked(model)
        await model.served.calls.close()
        assert await call.status() == 503
        async with asyncio.timeout(2):
            await exchange.hung_up.wait()
