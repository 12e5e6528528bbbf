"""Every refusal as JSON, in the generator contract's shape. HTTP codes are chosen here and nowhere else."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

from generator.errors import (
    BodyTooLarge,
    BodyUnreadable,
    GeneratorError,
    InvalidItem,
    KeyMalformed,
    KeyReused,
    ShuttingDown,
    UnknownMode,
)

CODES: Mapping[type[GeneratorError], HTTPStatus] = {
    BodyUnreadable: HTTPStatus.BAD_REQUEST,
    KeyMalformed: HTTPStatus.BAD_REQUEST,
    UnknownMode: HTTPStatus.NOT_FOUND,
    KeyReused: HTTPStatus.CONFLICT,
    BodyTooLarge: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    InvalidItem: HTTPStatus.UNPROCESSABLE_ENTITY,
    ShuttingDown: HTTPStatus.SERVICE_UNAVAILABLE,
}


def refusal(status: int, error: str, *, retryable: bool, headers: Mapping[str, str] | None = None) -> JSONResponse:
    body = {"success": False, "error": error, "retryable": retryable}
    return JSONResponse(body, status_code=status, headers=headers)


def install_problems(app: FastAPI) -> None:
    app.add_exception_handler(GeneratorError, _refused)
    app.add_exception_handler(HTTPException, _no_route)
    app.add_exception_handler(ClientDisconnect, _nobody_listens)
    app.add_exception_handler(Exception, _crashed)


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, GeneratorError)
    return refusal(CODES[type(error)], str(error), retryable=error.retryable)


async def _no_route(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    sentence = f"{request.method} {request.url.path}: {error.detail}."
    return refusal(error.status_code, sentence, retryable=error.status_code >= 500, headers=error.headers)


async def _nobody_listens(request: Request, error: Exception) -> Response:
    return Response(status_code=HTTPStatus.BAD_REQUEST)


async def _crashed(request: Request, error: Exception) -> Response:
    return refusal(HTTPStatus.INTERNAL_SERVER_ERROR, "The generator failed; its log says why.", retryable=True)
