"""Writes plain values as the JSON text that JavaScript's `JSON.stringify` writes, byte for byte.

Only plain values are taken, and bson is not known here: what comes from the database is made plain by
`jobs/storage/bson_json.py` first.
"""

from __future__ import annotations

import json
import math

_quoted = json.JSONEncoder(ensure_ascii=False).encode
_MAX_EXACT = 2.0**53


def dumps(value: object) -> str:
    """The text of None, bool, int, float, str, list, tuple and dict with string keys, in the order given.

    NaN and the infinities are `null`; the text can be encoded as UTF-8. Raises TypeError for other values.
    """
    parts: list[str] = []
    _write(value, parts)
    text = "".join(parts)
    return text if text.isascii() else _well_formed(text)


def _write(value: object, parts: list[str]) -> None:
    if isinstance(value, str):
        parts.append(_quoted(value))
    elif value is None:
        parts.append("null")
    elif value is True or value is False:
        parts.append("true" if value else "false")
    elif isinstance(value, int):
        parts.append(int.__repr__(value))
    elif isinstance(value, dict):
        _write_object(value, parts)
    elif isinstance(value, list | tuple):
        separator = "["
        for item in value:
            parts.append(separator)
            _write(item, parts)
            separator = ","
        parts.append("]" if value else "[]")
    elif isinstance(value, float):
        parts.append(_number(value))
    else:
        raise TypeError(f"{type(value).__name__} is no plain JSON value")


def _write_object(value: dict[object, object], parts: list[str]) -> None:
    separator = "{"
    for key, item in value.items():
        if not isinstance(key, str):
            raise TypeError(f"a key of a JSON object is a string, not {type(key).__name__}")
        parts += (separator, _quoted(key), ":")
        _write(item, parts)
        separator = ","
    parts.append("}" if value else "{}")


def _number(value: float) -> str:
    """ECMAScript's Number::toString. Both languages write the shortest digits, but not the same exponents."""
    if value.is_integer() and abs(value) <= _MAX_EXACT:
        return str(int(value))
    if not math.isfinite(value):
        return "null"
    text = float.__repr__(value)
    if "e" not in text and not text.endswith(".0"):
        return text
    sign = "-" if text[0] == "-" else ""
    mantissa, _, exponent = text.lstrip("-").partition("e")
    whole, _, fraction = mantissa.partition(".")
    fraction = "" if fraction == "0" else fraction
    digits = (whole + fraction).rstrip("0")
    return sign + _placed(digits, len(whole) + int(exponent or 0))


def _placed(digits: str, point: int) -> str:
    """The number 0.DIGITS times ten to the power of `point`, which never has digits on both sides."""
    if len(digits) <= point <= 21:
        return digits.ljust(point, "0")
    if -6 < point <= 0:
        return "0." + "0" * -point + digits
    mantissa = digits[0] + ("." + digits[1:] if len(digits) > 1 else "")
    return f"{mantissa}e{point - 1:+d}"


def _well_formed(text: str) -> str:
    """Two halves of a surrogate pair are one character, as in JavaScript, and a lone one is escaped."""
    try:
        text.encode()
    except UnicodeEncodeError:
        joined = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")
        return joined.encode("utf-8", "backslashreplace").decode()
    return text
