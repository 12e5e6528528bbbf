"""What filters and pipelines may say to the embedded store, and how mongomock must be told it.

mongomock answers some questions wrongly without a word. Such an operator is refused here by name, or said in a form
that mongomock gets right. Nothing is evaluated here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from jobs.errors import StoreRefused
from jobs.storage.store import Document

LOGICAL = frozenset({"$and", "$or", "$nor"})
COMPARISONS = frozenset({"$gt", "$gte", "$lt", "$lte", "$exists", "$regex", "$options"})
TYPES = frozenset({"string", "object", "array", "objectId", "bool", "date", "number", "binData"})
STRICT = frozenset(
    {"$eq", "$ne", "$gt", "$gte", "$lt", "$lte", "$in", "$add", "$subtract", "$multiply", "$divide", "$mod"}
)
EXPRESSIONS = STRICT | {
    "$and", "$or", "$cond", "$switch", "$ifNull", "$literal", "$filter", "$size", "$sum", "$avg", "$min",
    "$max", "$first", "$last", "$push", "$floor", "$ceil", "$abs",
}  # fmt: skip
VARIABLES = frozenset({"ROOT", "CURRENT"})


def unknown(name: str) -> StoreRefused:
    return StoreRefused(f"the embedded store does not know {name}")


def filter_for_mongomock(filter: Mapping[str, Any]) -> Document:
    """Raises `StoreRefused` for an operator that is not known to work."""
    clauses: list[Document] = []
    for key, wanted in filter.items():
        if key in LOGICAL:
            if not wanted:
                raise StoreRefused(f"{key} needs at least one filter")
            clauses.append({key: [filter_for_mongomock(part) for part in wanted]})
        elif key == "$expr":
            clauses.append({"$expr": expression(wanted)})
        elif key.startswith("$"):
            raise unknown(key)
        else:
            clauses.extend(_field_clauses(key, wanted))
    return {"$and": clauses} if clauses else {}


def operators_in(wanted: Any) -> Document:
    """What is asked of a field, as operators: a plain value means `$eq`."""
    if isinstance(wanted, dict) and next(iter(wanted), "").startswith("$"):
        return wanted
    return {"$eq": wanted}


def _field_clauses(path: str, wanted: Any) -> Iterator[Document]:
    comparisons: Document = {}
    for operator, operand in operators_in(wanted).items():
        match operator:
            case "$eq":
                yield _equals(path, operand)
            case "$ne":
                yield {"$nor": [_equals(path, operand)]}
            case "$in":
                yield _among(path, operand)
            case "$nin":
                yield {"$nor": [_among(path, operand)]}
            case "$size":
                yield {path: {"$size": operand, "$type": "array"}}
            case "$type" if isinstance(operand, str) and operand in TYPES:
                yield {path: {"$type": operand}}
            case "$elemMatch":
                yield {path: {"$elemMatch": element_filter(operand)}}
            case "$gt" | "$gte" | "$lt" | "$lte" if operand is None:
                raise StoreRefused(f"the embedded store does not know {operator} with null")
            case _ if operator in COMPARISONS:
                comparisons[operator] = operand
            case _:
                raise unknown(operator if operator != "$type" else f"$type: {operand}")
    if comparisons:
        yield {path: comparisons}


def element_filter(wanted: Mapping[str, Any]) -> Document:
    if not any(key.startswith("$") for key in wanted):
        return filter_for_mongomock(wanted)
    for operator in wanted:
        if operator not in COMPARISONS | {"$eq", "$ne", "$in", "$nin"}:
            raise unknown(operator)
    return dict(wanted)


def _equals(path: str, value: Any) -> Document:
    if value is None and "." in path:
        return {"$or": [{path: None}, _has_no_parent(path)]}
    if isinstance(value, bool):
        return {path: {"$eq": value, "$type": "bool"}}
    if isinstance(value, int | float) and value in (0, 1):
        return {path: {"$eq": value, "$type": "number"}}
    return {path: value}


def _has_no_parent(path: str) -> Document:
    """The path ends in a null or in a plain value; one that ends in an array is not null to a server."""
    parts = path.split(".")
    arrays = [{".".join(parts[:length]): {"$type": "array"}} for length in range(1, len(parts))]
    return {path: {"$exists": False}, "$nor": arrays}


def _among(path: str, values: Any) -> Document:
    if not isinstance(values, list):
        raise StoreRefused("$in and $nin need an array")
    special = [value for value in values if value is None or (isinstance(value, int | float) and value in (0, 1))]
    if not special:
        return {path: {"$in": values}}
    others = [value for value in values if not any(value is one for one in special)]
    return {"$or": [{path: {"$in": others}}, *(_equals(path, value) for value in special)]}


def expression(value: Any) -> Any:
    """An aggregation expression in which a missing field is null where mongomock would stumble over it."""
    if isinstance(value, str) and value.startswith("$$"):
        name = value[2:].partition(".")[0]
        if name.isupper() and name not in VARIABLES:
            raise unknown(f"$${name}")
    if isinstance(value, list):
        return [expression(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {key: _operation(key, operand) for key, operand in value.items()}


def _operation(name: str, operand: Any) -> Any:
    if not name.startswith("$"):
        return expression(operand)
    if name not in EXPRESSIONS:
        raise unknown(name)
    if name == "$literal":
        return operand
    if name not in STRICT or not isinstance(operand, list):
        return expression(operand)
    if name in {"$eq", "$ne", "$in"} and any(isinstance(item, bool) for item in operand):
        raise StoreRefused(f"{name} with a boolean in an expression: the embedded store takes True for 1 there")
    return [_null_if_missing(expression(item)) for item in operand]


def _null_if_missing(value: Any) -> Any:
    is_field = isinstance(value, str) and value.startswith("$") and not value.startswith("$$")
    return {"$ifNull": [value, None]} if is_field else value


def pipeline_for_mongomock(stages: Sequence[Mapping[str, Any]]) -> list[Document]:
    """Raises `StoreRefused` for a stage or an operator that is not known to work."""
    return [part for stage in stages for name, operand in stage.items() for part in _stage(name, operand)]


def _stage(name: str, operand: Any) -> list[Document]:
    match name:
        case "$match":
            return [{name: filter_for_mongomock(operand)}]
        case "$group":
            return [{name: _group(operand)}]
        case "$count":
            return [{"$group": _group({"_id": None, operand: {"$sum": 1}})}, {"$project": {"_id": 0}}]
        case "$project" | "$bucket":
            return [{name: expression(operand)}]
        case "$facet":
            return [{name: {title: pipeline_for_mongomock(stages) for title, stages in operand.items()}}]
        case "$sort" | "$limit" | "$skip" | "$unwind":
            return [{name: operand}]
        case _:
            raise unknown(name)


def _group(operand: Mapping[str, Any]) -> Document:
    # mongomock makes a group of nothing where the id is a bare null
    key = operand["_id"] or {"$literal": operand["_id"]}
    return {**expression(operand), "_id": expression(key)}
