"""The reference generation endpoint as a FastAPI app: routes and composition. No article is written here.

uvicorn waits for open requests before it ends the lifespan, and a call may hang on request. Whoever runs this app
therefore awaits `app.state.calls.close()` when the server begins to shut down (in `uvicorn.Server.shutdown`).
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict
from datetime import timedelta

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response

from generator.calls import Calls, Counts
from generator.connection import read_body, read_key, unless_hung_up
from generator.demo import DemoWriter
from generator.faults import Fault, faults
from generator.openai.writer import OpenAIWriter
from generator.orders import Orders, Read
from generator.phrases import load_phrases
from generator.problems import install_problems, refusal
from generator.prompting import load_prompts
from generator.results import Results
from generator.settings import Settings
from generator.writing import Writer

GARBAGE = "<!doctype html><title>Welcome</title><p>This is not the page you are looking for.</p>"


def create_app(settings: Settings) -> FastAPI:
    """The app, once per process and store file. `app.state.calls` is its `Calls`, to be closed on shutdown."""
    results = Results(settings.store_file)
    counts = Counts()
    calls = Calls(results, counts)
    writer = _writer(settings)
    orders = Orders(writer)
    due = faults({fault: getattr(settings, fault.value) for fault in Fault}, settings.seed)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await results.open()
        try:
            yield
        finally:
            await calls.close()
            await writer.close()
            await results.close()

    app = FastAPI(
        title="Pressrun reference generator",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
    )
    app.state.calls = calls
    install_problems(app)

    @app.post("/api/content/generate/{mode}")
    async def generate(mode: str, request: Request) -> Response:
        return await _answered(request, lambda body: orders.text(mode, body))

    @app.post("/api/content/ideas")
    async def ideas(request: Request) -> Response:
        return await _answered(request, orders.ideas)

    @app.post("/api/content/image")
    async def image(request: Request) -> Response:
        return await _answered(request, orders.image)

    async def _answered(request: Request, read: Read) -> Response:
        counts.calls += 1
        fault = next(due)
        body = await read_body(request)
        if fault is not None:
            counts.failed_on_request += 1
            return await _failed(fault, request)
        order = read(body)
        work = calls.answer(read_key(request), order.body_hash, order.write)
        answer = await unless_hung_up(request, work)
        return JSONResponse({"success": True, **answer.model_dump()}) if answer else Response()

    async def _failed(fault: Fault, request: Request) -> Response:
        match fault:
            case Fault.SERVER_ERROR:
                return refusal(500, "This call fails on request (rate_500).", retryable=True)
            case Fault.TOO_MANY:
                later = {"Retry-After": str(settings.retry_after_seconds)}
                sentence = "This call is one too many on request (rate_429)."
                return refusal(429, sentence, retryable=True, headers=later)
            case Fault.GARBAGE:
                return HTMLResponse(GARBAGE)
            case Fault.HANG:
                await unless_hung_up(request, calls.hang())
                return Response()

    @app.get("/healthz")
    async def healthz() -> dict[str, str]:
        return {"status": "ok"}

    @app.get("/stats")
    async def stats() -> dict[str, int]:
        return {**asdict(counts), "in_flight": calls.in_flight}

    return app


def _writer(settings: Settings) -> Writer:
    if settings.openai is not None:
        return OpenAIWriter(settings.openai, load_prompts())
    return DemoWriter(
        phrases=load_phrases(),
        latency=timedelta(seconds=settings.latency_seconds),
        latency_jitter=settings.latency_jitter,
        price_input=settings.price_per_million_input_tokens,
        price_output=settings.price_per_million_output_tokens,
    )
