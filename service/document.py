"""The OpenAPI document as clients are generated from it: FastAPI's, said once where it says the same hundreds of times,
and with what it cannot know. Nothing is served here, and no route is known."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI
from pydantic.json_schema import models_json_schema

from service.schemas.answers import ErrorBody

ERRORS: Mapping[int | str, str] = {
    400: "Invalid",
    401: "Unauthorized",
    403: "Forbidden",
    404: "NotFound",
    409: "Conflict",
    413: "TooLarge",
    415: "WrongType",
    429: "TooMany",
    500: "OurFault",
    503: "Unavailable",
    "default": "Otherwise",
}
"""What a route may answer beside its own, with the names of the responses: Python's own phrases differ by its version.
Without a default FastAPI adds a 422, which is never answered."""

SCHEMAS = "#/components/schemas/{model}"
ERROR_RESPONSES: Mapping[int | str, dict[str, Any]] = {
    code: {
        "description": name,
        "content": {"application/json": {"schema": {"$ref": SCHEMAS.format(model=ErrorBody.__name__)}}},
    }
    for code, name in ERRORS.items()
}
"""By reference, not by model: of a model FastAPI would build a validator for each code of each route, some 1,500 that
nothing validates with, in the first requests of each process."""

OF_BODIES = {"409", "413", "415"}
"""What only looks conflicts with nothing, and has no body."""

OF_CALLERS = {"401", "403"}
REPEATED_LATER = {"409", "429", "503"}
RETRY_AFTER = {
    "Retry-After": {"description": "In seconds: when a repeat may succeed.", "schema": {"type": "integer"}},
}
SECURITY_SCHEMES = {
    "apiKey": {
        "type": "http",
        "scheme": "bearer",
        "description": "An API key, `pressrun_...`, of the scope read, write or admin.",
    },
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": "__Secure-authjs.session-token",
        "description": (
            "The session of the application in front: the cookie of Auth.js or NextAuth, plain or `__Secure-`, in "
            "chunks or whole, where `PRESSRUN_AUTH__MODE` is `sessions`."
        ),
    },
}
TAGS = {
    "bulks": "Many articles, one after the other.",
    "controls": "Stop and go on.",
    "results": "What is finished.",
    "events": "Live streams: server-sent events.",
    "jobs": "Single articles.",
    "selections": "What waits for a person to choose.",
    "assets": "What stages have made beside texts.",
    "targets": "Where articles are published.",
    "templates": "Requests that are kept.",
    "schedules": "Templates that are submitted again and again.",
    "webhooks": "Who is told of what happens, and what was sent.",
    "notifications": "What has happened, and what is mailed.",
    "keys": "One's own API keys.",
    "system": "Queue, workers, limits, health.",
}
OPEN = "/api/"
"""What does not begin so asks for no caller."""


class DocumentedApp(FastAPI):
    """A FastAPI application whose `openapi()` is the document of this module."""

    def openapi(self) -> dict[str, Any]:
        if self.openapi_schema is None:
            self.openapi_schema = _finished(super().openapi())
        return self.openapi_schema


def _finished(document: dict[str, Any]) -> dict[str, Any]:
    shared: dict[str, Any] = {}
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            left_out = OF_BODIES if method == "get" else set()
            if not path.startswith(OPEN):
                left_out = left_out | OF_CALLERS
                operation["security"] = []
            operation["responses"] = _shared(operation["responses"], left_out, shared)
    components = document["components"]
    _, errors = models_json_schema([(ErrorBody, "serialization")], ref_template=SCHEMAS)
    components["schemas"] = dict(sorted({**components["schemas"], **errors["$defs"]}.items()))
    components["responses"] = {name: shared[name] for name in sorted(shared)}
    components["securitySchemes"] = SECURITY_SCHEMES
    document["security"] = [{name: []} for name in SECURITY_SCHEMES]
    document["tags"] = [{"name": name, "description": says} for name, says in TAGS.items()]
    untitled: dict[str, Any] = _untitled(document)
    return {**untitled, "info": document["info"]}


def _shared(responses: Mapping[str, Any], left_out: set[str], shared: dict[str, Any]) -> dict[str, Any]:
    """The errors by reference to one response each, which goes to `shared`."""
    names = {str(code): name for code, name in ERRORS.items()}
    said = {}
    for code, response in responses.items():
        name = names.get(code)
        if name is None:
            said[code] = response
        elif code not in left_out:
            headers = {"headers": RETRY_AFTER} if code in REPEATED_LATER else {}
            shared[name] = {**response, "description": name, **headers}
            said[code] = {"$ref": f"#/components/responses/{name}"}
    return said


def _untitled(part: Any) -> Any:
    """Without the titles that are made of names: `Bulk Job Id` says no more than `bulk_job_id`."""
    if isinstance(part, list):
        return [_untitled(one) for one in part]
    if not isinstance(part, dict):
        return part
    return {name: _untitled(value) for name, value in part.items() if name != "title" or not isinstance(value, str)}
