"""Turns the value of a spreadsheet's cell into text, as a person would write it; what it is for is not known here."""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta
from typing import Any

_LARGEST_EXACT = 10**15
"""A spreadsheet keeps 15 digits of a number."""

_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")


def text_of_cell(value: Any) -> str:
    """Trimmed. Whole numbers without a fraction, dates as 2026-03-01, moments as 2026-03-01 14:30, truth as TRUE."""
    match value:
        case None:
            return ""
        case bool():
            return "TRUE" if value else "FALSE"
        case int() | float():
            return str(int(value)) if value == round(value) and abs(value) < _LARGEST_EXACT else f"{value:.15g}"
        case datetime():
            return _day(value) if value.time() == time() else f"{_day(value)} {_of_day(value.time())}"
        case date():
            return _day(value)
        case time():
            return _of_day(value)
        case timedelta():
            minutes, seconds = divmod(round(value.total_seconds()), 60)
            return f"{minutes // 60}:{minutes % 60:02}:{seconds:02}"
        case _:
            return _ESCAPED.sub(_character, str(value)).replace("\r\n", "\n").replace("\r", "\n").strip()


def _day(day: date) -> str:
    return day.strftime("%Y-%m-%d")


def _of_day(moment: time) -> str:
    return moment.strftime("%H:%M:%S" if moment.second else "%H:%M")


def _character(escaped: re.Match[str]) -> str:
    """OOXML writes what XML cannot hold as _x000D_ (ECMA-376 part 1, 22.9.2.19); of those only line ends are wanted."""
    code = int(escaped[1], 16)
    return escaped[0] if code >= 0x20 else chr(code) if code in (0x9, 0xA, 0xD) else " "
