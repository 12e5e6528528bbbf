"""Which shards a command goes to is read off its filter: only what has to be equal to one value leads to one."""

from __future__ import annotations

from typing import Any

import pytest

from benchmarks.scaling.routing import Reach, reach, routed

SHARD = ("shard",)


@pytest.mark.parametrize(
    ("filter", "expected"),
    [
        ({"shard": 7, "status": "queued"}, Reach.ONE),
        ({"shard": {"$eq": 7}}, Reach.ONE),
        ({"$and": [{"status": "queued"}, {"shard": 7}]}, Reach.ONE),
        ({"shard": {"$in": [7, 8]}}, Reach.SOME),
        ({"shard": {"$gt": 7}}, Reach.ALL),
        ({"$or": [{"shard": 7}, {"status": "queued"}]}, Reach.ALL),
        ({"status": "queued"}, Reach.ALL),
        ({}, Reach.ALL),
    ],
)
def test_only_equality_leads_to_one_shard(filter: dict[str, Any], expected: Reach) -> None:
    assert reach(filter, SHARD) is expected


def test_an_embedded_document_that_is_asked_for_whole_is_equality() -> None:
    assert reach({"shard": {"of": 7}}, SHARD) is Reach.ONE


def test_each_statement_of_an_update_is_told_by_itself() -> None:
    one, many = {"q": {"_id": 1, "shard": 7}, "u": {}}, {"q": {"bulk_job_id": 2}, "u": {}, "multi": True}
    told = list(routed("update generation_jobs", {"update": "generation_jobs", "updates": [one, many]}))
    assert [way.writes_one for way in told] == [True, False]
    assert [way.reach[SHARD] for way in told] == [Reach.ONE, Reach.ALL]


def test_a_slots_token_is_not_a_field_of_its_own() -> None:
    (way,) = routed("findAndModify bulk_jobs", {"query": {"_id": 1, "slots.abc": 1, "slots.def.job_id": 2}})
    assert way.fields == ("_id", "slots.<token>")


def test_collections_that_stay_on_one_shard_are_left_out() -> None:
    assert list(routed("find limits", {"filter": {"_id": "system"}})) == []


@pytest.mark.parametrize("collection", ["bulk_jobs", "generation_jobs"])
def test_commands_that_only_insert_have_no_filter(collection: str) -> None:
    assert list(routed(f"insert {collection}", {"documents": [{"_id": 1}]})) == []
