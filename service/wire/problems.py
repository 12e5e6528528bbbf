"""The one place where an error becomes an HTTP answer: `{"error": sentence, "details": [{path, message}]}`."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any, Protocol

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from jobs import errors
from jobs.errors import Fault, InvalidInput, PressrunError
from service.refusals import (
    BodyTooLarge,
    Forbidden,
    NotAForm,
    NotChangeable,
    NotJson,
    NotReady,
    TooManyStreams,
    Unauthorized,
)
from service.wire.faults import faults_of
from service.wire.json_response import JsonResponse

log = structlog.get_logger()


STATUS: dict[type[PressrunError], int] = {
    errors.InvalidInput: 400,
    Unauthorized: 401,
    Forbidden: 403,
    errors.NotFound: 404,
    errors.MoveRefused: 409,
    errors.SelectionRefused: 409,
    errors.BudgetUsedUp: 409,
    errors.QuotaReached: 409,
    NotChangeable: 409,
    errors.KeyReused: 409,
    errors.StillRunning: 409,
    errors.Busy: 409,
    errors.NameTaken: 409,
    errors.TooMany: 409,
    errors.NoEncryptionKey: 409,
    errors.StoreFull: 409,
    BodyTooLarge: 413,
    NotJson: 415,
    NotAForm: 415,
    TooManyStreams: 429,
    errors.TooManySubmissions: 429,
    errors.TooManyOpenBulks: 429,
    errors.TooManySends: 429,
    NotReady: 503,
    errors.StoreUnavailable: 503,
}
SENTENCES = {404: "There is nothing at this address.", 405: "This address does not take this method."}
A_SECOND = timedelta(seconds=1)
OUR_FAULT = "Something went wrong here; it was noted."


class Shown(Protocol):
    """How an error is answered: as JSON, or as what people look at."""

    def __call__(
        self, request: Request, code: int, sentence: str, faults: Sequence[Fault], headers: Mapping[str, str]
    ) -> Response: ...


def as_json(
    request: Request, code: int, sentence: str, faults: Sequence[Fault], headers: Mapping[str, str]
) -> Response:
    body: dict[str, Any] = {"error": sentence}
    if faults:
        body["details"] = [{"path": fault.path, "message": fault.message} for fault in faults]
    return JsonResponse(body, status_code=code, headers=dict(headers))


def problem(request: Request, error: PressrunError, shown: Shown = as_json) -> Response:
    """The answer for an error of ours; one that is not listed is our own fault, and told without its facts."""
    code = STATUS.get(type(error))
    if code is None:
        log.error("unexpected_error", error=str(error), kind=type(error).__name__)
        return shown(request, 500, OUR_FAULT, (), {})
    faults = error.faults if isinstance(error, InvalidInput) else ()
    sentence = "The database does not answer: try again." if isinstance(error, errors.StoreUnavailable) else str(error)
    if isinstance(error, errors.StoreUnavailable):
        log.warning("database_away", reason=error.reason)
    return shown(request, code, sentence, faults, retry_after(error))


def retry_after(error: PressrunError) -> Mapping[str, str]:
    """The header that says in whole seconds when it may go better; none where that is not known."""
    if STATUS.get(type(error)) not in (429, 503) and not isinstance(error, errors.StillRunning | errors.Busy):
        return {}
    wait: timedelta = getattr(error, "retry_after", A_SECOND)
    return {"Retry-After": str(max(1, math.ceil(wait.total_seconds())))}


def install(app: FastAPI, shown: Shown, noted: Callable[[PressrunError], None]) -> None:
    """`noted` is told of each error of ours."""

    @app.exception_handler(PressrunError)
    async def ours(request: Request, error: PressrunError) -> Response:
        noted(error)
        return problem(request, error, shown)

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> Response:
        return problem(request, InvalidInput("The request is not valid.", faults_of(error.errors())), shown)

    @app.exception_handler(HTTPException)
    async def http(request: Request, error: HTTPException) -> Response:
        sentence = SENTENCES.get(error.status_code, error.detail)
        return shown(request, error.status_code, sentence, (), error.headers or {})

    @app.exception_handler(Exception)
    async def unexpected(request: Request, error: Exception) -> Response:
        log.error("unexpected_error", exc_info=error)
        return shown(request, 500, OUR_FAULT, (), {})
