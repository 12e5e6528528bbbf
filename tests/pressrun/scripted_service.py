"""A real HTTP server that answers as a test tells it to, and remembers what it was asked."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import Response, StreamingResponse

BULK = "65f0a1b2c3d4e5f6a7b8c9d0"
JOB = "65f0a1b2c3d4e5f6a7b8c9d1"


@dataclass(frozen=True)
class Answer:
    body: object = None
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    breaks_off: bool = False

    def response(self) -> Response:
        content = self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()
        headers = {"content-type": "application/json", **self.headers}
        if self.breaks_off:
            return StreamingResponse(_broken(content), status_code=self.status, headers=headers)
        return Response(content, status_code=self.status, headers=headers)


class CutOff(Exception):
    pass


async def _broken(content: bytes) -> AsyncIterator[bytes]:
    yield content
    raise CutOff


@dataclass(frozen=True)
class Asked:
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: Any


@dataclass
class ScriptedService:
    """Answers each route with what was scripted for it, one after the other; the last one stays."""

    url: str = ""
    asked: list[Asked] = field(default_factory=list)
    _script: dict[tuple[str, str], list[Answer]] = field(default_factory=dict)
    _changed: threading.Condition = field(default_factory=threading.Condition)

    def answers(self, method: str, path: str, *answers: Answer | dict[str, Any]) -> None:
        given = [each if isinstance(each, Answer) else Answer(each) for each in answers]
        self._script[method, path] = given

    def asked_for(self, method: str, path: str) -> list[Asked]:
        return [each for each in self.asked if (each.method, each.path) == (method, path)]

    def wait_until(self, evidence: Callable[[], bool], *, seconds: float = 20) -> None:
        with self._changed:
            assert self._changed.wait_for(evidence, seconds), f"did not come: {self.asked}"

    def take(self, asked: Asked) -> Response:
        script = self._script.get((asked.method, asked.path), [Answer({"error": "Not found"}, 404)])
        answer = script.pop(0) if len(script) > 1 else script[0]
        with self._changed:
            self.asked.append(asked)
            self._changed.notify_all()
        return answer.response()


@contextmanager
def scripted_service() -> Iterator[ScriptedService]:
    service = ScriptedService()
    app = FastAPI()

    @app.api_route("/{path:path}", methods=["GET", "POST", "PATCH", "DELETE"])
    async def take(request: Request) -> Response:
        content = await request.body()
        body = json.loads(content) if content else None
        return service.take(
            Asked(request.method, request.url.path, dict(request.query_params), dict(request.headers), body)
        )

    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        service.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        server = uvicorn.Server(uvicorn.Config(app, log_level="critical", lifespan="off"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            yield service
        finally:
            server.should_exit = True
            thread.join()


def bulk_answer(
    status: str = "processing",
    *,
    completed: int = 0,
    failed: int = 0,
    cancelled: int = 0,
    running: int = 0,
    total: int = 10,
    jobs: list[dict[str, Any]] | None = None,
    jobs_next_cursor: str | None = None,
    waiting: dict[str, str] | None = None,
    estimate: dict[str, str] | None = None,
    **bulk: Any,
) -> dict[str, Any]:
    """What GET /api/bulk-generate/{id} answers, as spec section 2 has it."""
    ended = completed + failed + cancelled
    return {
        "bulk_job": {
            "_id": BULK,
            "userId": "u1",
            "name": "winter",
            "mode": "topic",
            "status": status,
            "total_items": total,
            "completed_items": completed,
            "failed_items": failed,
            "cancelled_items": cancelled,
            "created_at": "2026-11-03T10:00:00.000Z",
            "started_at": "2026-11-03T10:00:01.000Z",
            "completed_at": "2026-11-03T12:31:05.000Z" if status in ("completed", "cancelled") else None,
            "estimated_completion": None,
            "error_summary": [],
            **bulk,
        },
        "jobs": jobs or [],
        "jobs_next_cursor": jobs_next_cursor,
        "progress": {
            "total": total,
            "completed": completed,
            "failed": failed,
            "cancelled": cancelled,
            "running": running,
            "awaiting": 0,
            "remaining": total - ended,
            "percentage": 100 * completed // total,
            "per_hour": 4.0 if completed else None,
            "estimate": estimate,
            "waiting": waiting,
        },
    }


def job(position: int, status: str, **fields: Any) -> dict[str, Any]:
    return {
        "id": f"{position:024x}",
        "status": status,
        "queue_position": position,
        "error": None,
        "retry_count": 0,
        "current_stage": None,
        "percentage": 0,
        "steps": {"done": 0, "total": 7},
        "elapsed_seconds": None,
        "remaining": None,
        **fields,
    }
