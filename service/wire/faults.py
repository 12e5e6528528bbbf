"""What Pydantic finds wrong with a request, in our own sentences and paths. Nothing is judged or answered here."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from jobs.errors import Fault

MAX_FAULTS = 50
_SUBJECT = re.compile(r"^(Input|String|List) should")


def faults_of(found: Sequence[Any]) -> tuple[Fault, ...]:
    """Pydantic's errors as faults, without the outermost part of where they are (body, query)."""
    return tuple(Fault(_path(item["loc"][1:]), _sentence(item)) for item in found[:MAX_FAULTS])


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
