"""What updates may say to the embedded store.

mongomock passes over changes that it cannot make, and makes some that a server refuses: both are refused here.
Nothing is changed here.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

from jobs.errors import StoreRefused
from jobs.storage.embedded.language import element_filter, unknown
from jobs.storage.store import Document

ARRAY_UPDATES = frozenset({"$push", "$pull", "$addToSet", "$pop"})
UPDATES = ARRAY_UPDATES | {"$set", "$unset", "$inc", "$min", "$max", "$currentDate", "$setOnInsert"}
MODIFIERS = {"$push": frozenset({"$each", "$slice", "$position"}), "$addToSet": frozenset({"$each"})}


def check_update(update: Mapping[str, Any]) -> None:
    """Raises `StoreRefused` for what mongomock would take for something else, or a server refuse."""
    if not update:
        raise StoreRefused("an update must say something")
    paths: list[str] = []
    for operator, changes in update.items():
        if operator not in UPDATES:
            raise unknown(operator)
        for path, operand in changes.items():
            _check_operand(operator, operand)
            if any(part.startswith("$") or not part for part in path.split(".")):
                raise StoreRefused(f"the embedded store has no path {path}")
            paths.append(path + ".")
    paths.sort()
    for one, next_one in itertools.pairwise(paths):
        if next_one.startswith(one):
            raise StoreRefused(f"updating {next_one[:-1]} would conflict with {one[:-1]}")


def _check_operand(operator: str, operand: Any) -> None:
    if operator == "$currentDate" and operand is not True:
        raise unknown(f"$currentDate: {operand}")
    if operator == "$pull" and isinstance(operand, dict):
        element_filter(operand)
    if operator in MODIFIERS and isinstance(operand, dict):
        for key in operand:
            if key.startswith("$") and key not in MODIFIERS[operator]:
                raise unknown(f"{operator} with {key}")


def check_reach(document: Document, update: Mapping[str, Any]) -> None:
    """Raises `StoreRefused` where a change would not do what a server does: mongomock passes over it."""
    for operator, changes in update.items():
        for path, operand in changes.items():
            if operator != "$unset":
                _check_target(document, operator, path, operand)


def _check_target(document: Document, operator: str, path: str, operand: Any) -> None:
    *parents, last = path.split(".")
    parent: Any = document
    for part in parents:
        parent = parent.get(part, {}) if isinstance(parent, dict) else parent
    if not isinstance(parent, dict):
        raise StoreRefused(f"cannot create the field {path} within {parent!r:.40}")
    if last not in parent:
        return
    there = parent[last]
    if operator in ARRAY_UPDATES and not isinstance(there, list):
        raise StoreRefused(f"{operator} needs an array at {path}, not {there!r:.40}")
    if operator in {"$min", "$max"} and isinstance(there, bool) != isinstance(operand, bool):
        raise StoreRefused(f"the embedded store cannot compare {there!r:.40} at {path} with {operand!r:.40}")
