"""In what order documents are answered, and which of their fields. No filter is read here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from bson import Int64, ObjectId

from jobs.errors import StoreRefused
from jobs.storage.embedded.values import normal, plain_field
from jobs.storage.store import Document, Sort

Tree = dict[str, Any]

# BSON's order of types, of those that documents are sorted by
PLACES: dict[type, int] = {type(None): 0, int: 1, Int64: 1, float: 1, str: 2, ObjectId: 3, bool: 4, datetime: 5}


def in_order(documents: Iterable[Document], sort: Sort | None) -> list[Document]:
    """Raises `StoreRefused` for a field that holds neither text, number, date, id nor nothing."""
    ordered = list(documents)
    for path, direction in reversed(sort or ()):
        ordered.sort(key=lambda document: _rank(path, plain_field(document, path)), reverse=direction < 0)
    return ordered


def _rank(path: str, value: Any) -> tuple[int, Any]:
    place = PLACES.get(type(value))
    if place is None:
        raise StoreRefused(f"the embedded store cannot sort by {path}: {value!r:.40}")
    return place, 0 if value is None else value


def copies(documents: Iterable[Document], projection: Sequence[str] | None) -> list[Document]:
    """Deep copies, of the named fields and `_id` alone where a projection names some."""
    if projection is None:
        return [normal(document) for document in documents]
    tree = _tree(("_id", *projection))
    return [normal(_projected(document, tree)) for document in documents]


def _tree(paths: Iterable[str]) -> Tree:
    tree: Tree = {}
    for path in dict.fromkeys(paths):
        *parents, last = path.split(".")
        branch = tree
        for part in parents:
            branch = branch.setdefault(part, {})
            if branch is True:
                raise StoreRefused(f"path collision at {path} in a projection")
        if last in branch:
            raise StoreRefused(f"path collision at {path} in a projection")
        branch[last] = True
    return tree


def _projected(document: Document, tree: Tree) -> Document:
    chosen: Document = {}
    for key, value in document.items():
        if key not in tree:
            continue
        branch = tree[key]
        if branch is True:
            chosen[key] = value
        elif isinstance(value, dict):
            chosen[key] = _projected(value, branch)
        elif isinstance(value, list):
            chosen[key] = [_projected(item, branch) for item in value if isinstance(item, dict)]
    return chosen
