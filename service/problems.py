"""The one place where an error becomes an HTTP answer: `{"error": sentence, "details": [{path, message}]}`."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from jobs import errors
from jobs.errors import Fault, InvalidInput, PressrunError
from service.json_response import JsonResponse

log = structlog.get_logger()
MAX_FAULTS = 50
_SUBJECT = re.compile(r"^(Input|String|List) should")


@dataclass(eq=False)
class BodyTooLarge(PressrunError):
    """The body is larger than {megabytes} MB: send fewer items at once."""

    megabytes: int


@dataclass(eq=False)
class NotJson(PressrunError):
    """The body must be JSON: send it with Content-Type: application/json."""


@dataclass(eq=False)
class NotAForm(PressrunError):
    """The body must be a form with a file: send it with Content-Type: multipart/form-data."""


@dataclass(eq=False)
class Unauthorized(PressrunError):
    """Unauthorized"""


@dataclass(eq=False)
class Forbidden(PressrunError):
    """{reason}"""

    reason: str


@dataclass(eq=False)
class NotChangeable(PressrunError):
    """{reason}"""

    reason: str


@dataclass(eq=False)
class NotReady(PressrunError):
    """{reason}"""

    reason: str


@dataclass(eq=False)
class TooManyStreams(PressrunError):
    """You have {most} live streams open, and more are not allowed: close one first."""

    most: int


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
    NotReady: 503,
    errors.StoreUnavailable: 503,
}
SENTENCES = {404: "There is nothing at this address.", 405: "This address does not take this method."}
RETRY_AFTER = {"Retry-After": "1"}
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
    again = RETRY_AFTER if code in (429, 503) or isinstance(error, errors.StillRunning | errors.Busy) else {}
    sentence = "The database does not answer: try again." if isinstance(error, errors.StoreUnavailable) else str(error)
    if isinstance(error, errors.StoreUnavailable):
        log.warning("database_away", reason=error.reason)
    return shown(request, code, sentence, faults, again)


def faults_of(found: Sequence[Any]) -> tuple[Fault, ...]:
    """Pydantic's errors as faults, without the outermost part of where they are (body, query)."""
    return tuple(Fault(_path(item["loc"][1:]), _sentence(item)) for item in found[:MAX_FAULTS])


def install(app: FastAPI, shown: Shown) -> None:
    @app.exception_handler(PressrunError)
    async def ours(request: Request, error: PressrunError) -> Response:
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


def _path(location: Sequence[int | str]) -> str:
    """Without the `$` tags of unions: no key of a body begins so."""
    return ".".join(str(part) for part in location if not str(part).startswith("$"))


def _sentence(item: dict[str, Any]) -> str:
    match item["type"]:
        case "missing":
            return "is required"
        case "extra_forbidden":
            return "is not a field of this request"
        case "model_type" | "model_attributes_type" | "dict_type":
            return "must be an object"
        case _:
            return _SUBJECT.sub("must", str(item["msg"])).partition(" after validation, ")[0]
