"""To which shards a command would go under a shard key, by what its filter says. There is no sharded cluster here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

Key = tuple[str, ...]
CANDIDATES: Mapping[str, Sequence[Key]] = {
    "bulk_jobs": (("shard",), ("_id",), ("userId",)),
    "generation_jobs": (("shard",), ("_id",), ("bulk_job_id",), ("userId",)),
}
"""A key of one field, ranged or hashed, is the same to equality."""


class Reach(StrEnum):
    ONE = "one"
    SOME = "some"
    ALL = "all"


@dataclass(frozen=True)
class Routed:
    """`writes_one`: a find-and-modify, or an update or delete of one. Where that does not go to one shard, servers
    before 7.1 refuse it (of an update by `_id` they ask all shards), and later ones do it in two steps."""

    command: str
    fields: tuple[str, ...]
    writes_one: bool
    reach: Mapping[Key, Reach]


def routed(name: str, command: Mapping[str, Any]) -> Iterator[Routed]:
    """Each statement of a command as `benchmarks.commands` names it; none for collections that stay on one shard."""
    kind, _, collection = name.partition(" ")
    for filter, writes_one in _filters(kind, command):
        fields = tuple(sorted({field for part in _parts(filter) for field in part if not field.startswith("$")}))
        keys = CANDIDATES.get(collection, ())
        if keys:
            yield Routed(name, _short(fields), writes_one, {key: reach(filter, key) for key in keys})


def reach(filter: Mapping[str, Any], key: Key) -> Reach:
    """By the first field of the key."""
    asked = [part[key[0]] for part in _parts(filter) if key[0] in part]
    if not asked:
        return Reach.ALL
    operators = [set(one) for one in asked if isinstance(one, Mapping) and any(name.startswith("$") for name in one)]
    if len(operators) < len(asked) or {"$eq"} in operators:
        return Reach.ONE
    return Reach.SOME if any("$in" in names for names in operators) else Reach.ALL


def _filters(kind: str, command: Mapping[str, Any]) -> Iterator[tuple[Mapping[str, Any], bool]]:
    match kind:
        case "find":
            yield command.get("filter", {}), False
        case "aggregate":
            first = command["pipeline"][0] if command["pipeline"] else {}
            yield first.get("$match", {}), False
        case "findAndModify":
            yield command.get("query", {}), True
        case "update":
            for statement in command["updates"]:
                yield statement["q"], not statement.get("multi", False)
        case "delete":
            for statement in command["deletes"]:
                yield statement["q"], statement["limit"] == 1


def _parts(filter: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """What all has to hold."""
    return [filter, *(inner for part in filter.get("$and", ()) for inner in _parts(part))]


def _short(fields: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys("slots.<token>" if field.startswith("slots.") else field for field in fields))
