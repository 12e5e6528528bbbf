"""What JSON a body may hold: strict, not too much of it, and what can be stored. Nothing is sent or stored here."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import Any

from jobs.errors import Fault, InvalidInput
from service.wire.json_size import MAX_VALUES, holds_too_many_values

MAX_DEPTH = 20
MAX_KEYS = 1_000
MAX_FAULTS = 50


def json_of(body: bytes) -> Any:
    """Raises `InvalidInput` for what is no strict JSON (no key twice, no NaN, UTF-8), and for too much of it."""
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        raise InvalidInput("The body is not UTF-8 text.", (Fault("", "send JSON as UTF-8"),)) from None
    if holds_too_many_values(text):
        fault = Fault("", f"must not hold more than {MAX_VALUES:,} values")
        raise InvalidInput("The body holds too many values: send fewer items at once.", (fault,))
    try:
        return json.loads(text, parse_constant=_refuse_constant, object_pairs_hook=_without_repeats)
    except RecursionError:
        raise InvalidInput("The body is nested too deeply.", (_too_deep(""),)) from None
    except json.JSONDecodeError as error:
        raise _no_json(str(error)) from None
    except ValueError:
        raise _no_json("a number has too many digits") from None


def check_storable(value: object) -> None:
    """Raises `InvalidInput` for text, keys, numbers or a depth that cannot be stored."""
    if _is_storable(value):
        return
    faults = []
    for fault in _text_faults(value, "", 0):
        faults.append(fault)
        if len(faults) == MAX_FAULTS:
            break
    if faults:
        raise InvalidInput("The body holds text or keys that cannot be stored.", tuple(faults))


def _is_storable(value: object) -> bool:
    """The same in a fifth of the time, for the many in which nothing is wrong: level by level, without paths."""
    level = [value]
    for _ in range(MAX_DEPTH + 1):
        inner: list[object] = []
        for one in level:
            if isinstance(one, str):
                if why_no_text(one) is not None:
                    return False
            elif isinstance(one, dict):
                if len(one) > MAX_KEYS or any(_why_no_key(key) is not None for key in one):
                    return False
                inner += one.values()
            elif isinstance(one, list):
                inner += one
            elif not _is_storable_number(one):
                return False
        if not inner:
            return True
        level = inner
    return False


def _is_storable_number(value: object) -> bool:
    if isinstance(value, float):
        return math.isfinite(value)
    return not isinstance(value, int) or -(2**63) <= value < 2**63


def _no_json(why: str) -> InvalidInput:
    return InvalidInput("The body is not valid JSON.", (Fault("", why),))


def _refuse_constant(name: str) -> None:
    raise _no_json(f"{name} is not a JSON number")


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        repeated = next(name for name in names if names.count(name) > 1)
        raise _no_json(f"the key {repeated[:80]!r} stands twice in one object")
    return found


def _text_faults(value: Any, path: str, depth: int) -> Iterator[Fault]:
    if depth > MAX_DEPTH:
        yield _too_deep(path)
        return
    match value:
        case str():
            if (why := why_no_text(value)) is not None:
                yield Fault(path, why)
        case int():
            if not -(2**63) <= value < 2**63:
                yield Fault(path, "must be a number of at most 64 bits")
        case float() if not math.isfinite(value):  # 1e999 is JSON, and read as infinite
            yield Fault(path, "must be a number that a double can hold")
        case list():
            for position, item in enumerate(value):
                yield from _text_faults(item, _joined(path, str(position)), depth + 1)
        case dict():
            yield from _object_faults(value, path, depth)


def _object_faults(value: dict[str, Any], path: str, depth: int) -> Iterator[Fault]:
    if len(value) > MAX_KEYS:
        yield Fault(path, f"must not have more than {MAX_KEYS} keys")
        return
    for key, item in value.items():
        if (why := _why_no_key(key)) is not None:
            yield Fault(_joined(path, key.encode("utf-8", "replace").decode()[:80]), why)
        else:
            yield from _text_faults(item, _joined(path, key), depth + 1)


def why_no_text(text: str) -> str | None:
    """What in it cannot be stored."""
    if "\0" in text:
        return "must not hold a NUL character"
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            return "must not hold half of a surrogate pair"
    return None


def _why_no_key(key: str) -> str | None:
    if not key or key.startswith("$") or "." in key:
        return "a key must not be empty, begin with $ or hold a dot"
    return why_no_text(key)


def _joined(path: str, part: str) -> str:
    return f"{path}.{part}" if path else part


def _too_deep(path: str) -> Fault:
    return Fault(path[:200], f"must not be nested more than {MAX_DEPTH} deep")
