"""Every refusal as JSON, in the generator contract's shape. HTTP codes are chosen here and nowhere else."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from http import HTTPStatus

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

from generator.answers import Usage
from generator.errors import (
    BodyTooLarge,
    BodyUnreadable,
    GeneratorError,
    InvalidItem,
    KeyMalformed,
    KeyReused,
    ModelBusy,
    ModelFailed,
    ModelLimited,
    ModelOutOfReach,
    NoImageModel,
    NotWritten,
    OrderRefused,
    ShuttingDown,
    UnknownMode,
)

log = logging.getLogger(__name__)

CODES: Mapping[type[GeneratorError], HTTPStatus] = {
    BodyUnreadable: HTTPStatus.BAD_REQUEST,
    KeyMalformed: HTTPStatus.BAD_REQUEST,
    UnknownMode: HTTPStatus.NOT_FOUND,
    KeyReused: HTTPStatus.CONFLICT,
    BodyTooLarge: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    InvalidItem: HTTPStatus.UNPROCESSABLE_ENTITY,
    ShuttingDown: HTTPStatus.SERVICE_UNAVAILABLE,
    NoImageModel: HTTPStatus.UNPROCESSABLE_ENTITY,
    OrderRefused: HTTPStatus.UNPROCESSABLE_ENTITY,
    NotWritten: HTTPStatus.OK,
    ModelFailed: HTTPStatus.INTERNAL_SERVER_ERROR,
    ModelOutOfReach: HTTPStatus.BAD_GATEWAY,
    ModelBusy: HTTPStatus.SERVICE_UNAVAILABLE,
    ModelLimited: HTTPStatus.TOO_MANY_REQUESTS,
}
"""A caller who pays attention (spec §6) tries again after 5xx, counts 502 to 504 and 429 not at all, and gives up
after other 4xx. What was paid for is told with 200, where callers look for usage."""


def refusal(
    status: int, error: str, *, retryable: bool, headers: Mapping[str, str] | None = None, usage: Usage | None = None
) -> JSONResponse:
    body: dict[str, object] = {"success": False, "error": error, "retryable": retryable}
    if usage is not None:
        body["usage"] = usage.model_dump()
    return JSONResponse(body, status_code=status, headers=headers)


def install_problems(app: FastAPI) -> None:
    app.add_exception_handler(GeneratorError, _refused)
    app.add_exception_handler(HTTPException, _no_route)
    app.add_exception_handler(ClientDisconnect, _nobody_listens)
    app.add_exception_handler(Exception, _crashed)


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, GeneratorError)
    if isinstance(error, ModelOutOfReach):
        log.warning("generator.model_out_of_reach error=%s", error)
    headers = {"Retry-After": error.retry_after} if error.retry_after else None
    return refusal(CODES[type(error)], str(error), retryable=error.retryable, headers=headers, usage=error.usage)


async def _no_route(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    sentence = f"{request.method} {request.url.path}: {error.detail}."
    return refusal(error.status_code, sentence, retryable=error.status_code >= 500, headers=error.headers)


async def _nobody_listens(request: Request, error: Exception) -> Response:
    return Response(status_code=HTTPStatus.BAD_REQUEST)


async def _crashed(request: Request, error: Exception) -> Response:
    return refusal(HTTPStatus.INTERNAL_SERVER_ERROR, "The generator failed; its log says why.", retryable=True)
