"""What plain filters, updates and groups come to, said at once: the embedded store's engine takes ten times as long.

None means that the engine must be asked. `test_quick_engine.py` holds the two against each other.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, cast

from bson import ObjectId

from jobs.storage.store import Document

Test = Callable[[Document], bool | None]
NUMBERS = (int, float)
COMPARED = (str, ObjectId, datetime, int)
PLAIN = (*COMPARED, type(None))
COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "$gt": operator.gt,
    "$gte": operator.ge,
    "$lt": operator.lt,
    "$lte": operator.le,
}
MISSING = object()


def question(filter: Mapping[str, Any]) -> Test:
    """To be asked of many documents. `filter` in the form that `jobs.storage.embedded.language` gives it."""
    return _all([_clause(path, wanted) for path, wanted in filter.items()])


def _clause(path: str, wanted: Any) -> Test:
    match path:
        case "$and":
            return _all([question(part) for part in wanted])
        case "$or":
            return _any([question(part) for part in wanted])
        case "$nor":
            return _not(_any([question(part) for part in wanted]))
        case _ if path.startswith("$"):
            return _cannot_tell
    operators = wanted if isinstance(wanted, dict) else {"$eq": wanted}
    comparisons = [_comparison(name, operand) for name, operand in operators.items()]
    return _of_field(path, comparisons, only_existence=operators.keys() == {"$exists"})


def _of_field(path: str, comparisons: Sequence[Callable[[Any], bool | None]], *, only_existence: bool) -> Test:
    first, *others = path.split(".")

    def test(document: Document) -> bool | None:
        value = document.get(first, MISSING)
        for part in others:
            if value.__class__ is dict:
                value = value.get(part, MISSING)
            elif value.__class__ is not list or (only_existence and not value):
                value = MISSING
        if value.__class__ is list:
            return None
        told: bool | None = True
        for compare in comparisons:
            answer = compare(value)
            if answer is False:
                return False
            told = told and answer
        return told

    return test


def _comparison(name: str, operand: Any) -> Callable[[Any], bool | None]:
    match name:
        case "$exists" if isinstance(operand, bool):
            return lambda value: (value is not MISSING) is operand
        case "$type" if operand == "number":
            return lambda value: value.__class__ in NUMBERS
        case "$eq" if operand.__class__ in PLAIN:
            return lambda value: _equals(value, operand)
        case "$in" if all(one.__class__ in PLAIN for one in operand):
            return lambda value: _is_among(value, operand)
        case "$gt" | "$gte" | "$lt" | "$lte" if operand.__class__ in COMPARED:
            compare = COMPARISONS[name]
            return lambda value: compare(value, operand) if value.__class__ is operand.__class__ else None
    return _cannot_tell


def _cannot_tell(_: Any) -> None:
    return None


def _equals(value: Any, wanted: Any) -> bool | None:
    if value is MISSING:
        return wanted is None
    if value.__class__ is wanted.__class__:
        return bool(value == wanted)
    return False if value.__class__ in PLAIN else None


def _is_among(value: Any, wanted: Sequence[Any]) -> bool | None:
    told: bool | None = False
    for one in wanted:
        answer = _equals(value, one)
        if answer:
            return True
        told = None if answer is None else told
    return told


def _all(tests: Sequence[Test]) -> Test:
    if len(tests) == 1:
        return tests[0]

    def test(document: Document) -> bool | None:
        told: bool | None = True
        for one in tests:
            answer = one(document)
            if answer is False:
                return False
            told = told and answer
        return told

    return test


def _any(tests: Sequence[Test]) -> Test:
    return _not(_all([_not(test) for test in tests]))


def _not(test: Test) -> Test:
    def other(document: Document) -> bool | None:
        answer = test(document)
        return None if answer is None else not answer

    return other


class Normal(dict[str, Any]):
    """A document made of others that are as a server would give them: it needs no way through BSON."""


def updated(document: Document, update: Mapping[str, Any]) -> Normal | None:
    """A changed copy that shares what is unchanged."""
    changed = Normal(document)
    for name, changes in update.items():
        if name == "$setOnInsert":
            continue
        for path, operand in changes.items():
            *parents, last = path.split(".")
            parent: Document = changed
            for part in parents:
                inner = parent.get(part)
                if not isinstance(inner, dict):
                    return None
                parent[part] = inner = dict(inner)
                parent = inner
            if not _change(name, parent, last, operand):
                return None
    return changed


def _change(name: str, parent: Document, last: str, operand: Any) -> bool:
    there = parent.get(last, MISSING)
    match name:
        case "$set" if last != "_id":
            parent[last] = operand
        case "$unset":
            parent.pop(last, None)
        case "$inc" if there.__class__ is operand.__class__ is int:
            parent[last] = there + operand
        case "$min" | "$max" if there.__class__ is operand.__class__ and there.__class__ in (int, datetime):
            parent[last] = (min if name == "$min" else max)(there, operand)
        case "$push" if isinstance(there, list) and isinstance(operand, dict) and operand.keys() == {"$each"}:
            parent[last] = [*there, *operand["$each"]]
        case "$pull" if isinstance(there, list) and _names_ids(operand):
            parent[last] = [one for one in there if one["id"] not in operand["id"]["$in"]]
        case "$push" if isinstance(there, list) and isinstance(operand, dict) and operand.keys() == {"$each", "$slice"}:
            parent[last] = _sliced([*there, *operand["$each"]], operand["$slice"])
        case _:
            return False
    return True


def _names_ids(operand: Any) -> bool:
    match operand:
        case {"id": {"$in": list(), **other_operators}, **others}:
            return not others and not other_operators
    return False


def _sliced(items: list[Any], length: int) -> list[Any]:
    return items[:length] if length >= 0 else items[length:]


def grouped(documents: Sequence[Document], stages: Sequence[Mapping[str, Any]]) -> list[Document] | None:
    """One `$group` by a plain field, of counts and least values of fields."""
    match stages:
        case [{"$group": {"_id": str(by), **sums}}] if by.startswith("$") and "." not in by:
            groups: dict[Any, list[Document]] = {}
            for document in documents:
                groups.setdefault(document.get(by[1:]), []).append(document)
            rows = [_row(key, members, sums) for key, members in groups.items()]
            return None if None in rows else cast("list[Document]", rows)
        case _:
            return None


def _row(key: Any, members: Sequence[Document], sums: Mapping[Any, Any]) -> Document | None:
    row: Document = {"_id": key}
    if not isinstance(key, str):
        return None
    for name, wanted in sums.items():
        match wanted:
            case {"$sum": 1}:
                row[name] = len(members)
            case {"$min": str(field)}:
                values = [value for member in members if (value := _plain_field(member, field[1:])) is not None]
                if {value.__class__ for value in values} not in ({int}, {datetime}, set()):
                    return None
                row[name] = min(values, default=None)
            case _:
                return None
    return row


def _plain_field(document: Document, path: str) -> Any:
    value: Any = document
    for part in path.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return value
