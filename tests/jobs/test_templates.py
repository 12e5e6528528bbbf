"""Templates as they are stored: an owner's own, names that differ, not too many, whoever asks at the same moment."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from bson import ObjectId

from jobs.errors import InvalidInput, NameTaken, NotFound, TooMany
from jobs.indexes import INDEXES
from jobs.storage.embedded.store import EmbeddedStore
from jobs.system import System
from jobs.templates import LONGEST_REQUEST, MOST, Kept, Template, TemplateId, Templates
from tests.support.clock import MovableClock

OWNER, OTHER = "owner", "other"
KEPT = Kept('{"mode":"topic","items":[{"topic":"Tea"}]}', "topic", None, 1)


async def names(system: System, owner: str = OWNER) -> list[str]:
    return [template.name for template in (await system.templates.page(owner, MOST, None)).templates]


async def test_a_template_is_found_again_with_its_request_to_the_letter(system: System, clock: MovableClock) -> None:
    text = '{"items": [{"topic": "Tee ☕", "n": 1.0}], "mode":"topic"}'
    template = await system.templates.keep(OWNER, "Tees", replace(KEPT, text=text))
    assert await system.templates.find(OWNER, template.id) == (template, text)
    now = clock.now()
    assert template == Template(template.id, "Tees", "topic", None, 1, now, now)


async def test_an_owner_sees_their_own_the_newest_first_and_nobody_elses(system: System, clock: MovableClock) -> None:
    kept = {}
    for owner, name in ((OWNER, "a"), (OWNER, "b"), (OTHER, "a"), (OWNER, "c")):
        kept[owner, name] = await system.templates.keep(owner, name, KEPT)
        clock.move(timedelta(seconds=1))
    assert await names(system) == ["c", "b", "a"]
    first = await system.templates.page(OWNER, 2, None)
    rest = await system.templates.page(OWNER, 2, first.next_cursor)
    assert [template.name for template in (*first.templates, *rest.templates)] == ["c", "b", "a"]
    assert rest.next_cursor is None
    theirs = kept[OTHER, "a"].id
    for ask in (
        system.templates.find(OWNER, theirs),
        system.templates.change(OWNER, theirs, name="mine"),
        system.templates.remove(OWNER, theirs),
        system.templates.find(OWNER, TemplateId(ObjectId())),
    ):
        with pytest.raises(NotFound, match="no such template"):
            await ask
    assert await names(system, OTHER) == ["a"]


async def test_a_change_changes_what_is_named_and_nothing_else(system: System, clock: MovableClock) -> None:
    template = await system.templates.keep(OWNER, "Teas", KEPT)
    clock.move(timedelta(hours=1))
    renamed = await system.templates.change(OWNER, template.id, name="Milks")
    assert renamed == replace(template, name="Milks", changed_at=clock.now())
    other = Kept('{"pipeline":"blog"}', None, "blog", 0)
    changed = await system.templates.change(OWNER, template.id, request=other)
    assert changed == replace(renamed, mode=None, pipeline="blog", total_items=0)
    assert await system.templates.find(OWNER, template.id) == (changed, other.text)


async def test_a_name_that_is_taken_changes_nothing(system: System) -> None:
    first = await system.templates.keep(OWNER, "Teas", KEPT)
    second = await system.templates.keep(OWNER, "Milks", KEPT)
    with pytest.raises(NameTaken, match="a template of the name Teas already"):
        await system.templates.keep(OWNER, "Teas", KEPT)
    with pytest.raises(NameTaken):
        await system.templates.change(OWNER, second.id, name="Teas", request=Kept("{}", None, None, 0))
    assert await system.templates.find(OWNER, second.id) == (second, KEPT.text)
    assert await system.templates.change(OWNER, first.id, name="Teas") is not None


async def test_a_removed_template_is_gone_and_its_name_is_free(system: System) -> None:
    template = await system.templates.keep(OWNER, "Teas", KEPT)
    await system.templates.remove(OWNER, template.id)
    with pytest.raises(NotFound):
        await system.templates.remove(OWNER, template.id)
    assert await names(system) == []
    await system.templates.keep(OWNER, "Teas", KEPT)


async def test_of_ten_who_keep_one_name_at_once_one_does(system: System) -> None:
    results = await asyncio.gather(
        *(system.templates.keep(OWNER, "Teas", KEPT) for _ in range(10)), return_exceptions=True
    )
    assert [type(result) for result in results if isinstance(result, BaseException)] == [NameTaken] * 9
    assert await names(system) == ["Teas"]


async def test_no_owner_has_more_than_two_hundred_however_many_keep_at_once(system: System) -> None:
    for number in range(MOST - 2):
        await system.templates.keep(OWNER, f"t{number}", KEPT)
    results = await asyncio.gather(
        *(system.templates.keep(OWNER, f"more{number}", KEPT) for number in range(6)), return_exceptions=True
    )
    assert [type(result) for result in results if isinstance(result, BaseException)] == [TooMany] * 4
    assert len(await names(system)) == MOST
    await system.templates.keep(OTHER, "theirs", KEPT)


async def test_a_request_as_large_as_a_body_is_kept_and_a_byte_more_is_not(system: System) -> None:
    text = '"' + "é" * (LONGEST_REQUEST // 2 - 1) + '"'
    template = await system.templates.keep(OWNER, "Large", replace(KEPT, text=text))
    assert (await system.templates.find(OWNER, template.id))[1] == text
    with pytest.raises(InvalidInput, match="too large to be kept"):
        await system.templates.keep(OWNER, "Larger", replace(KEPT, text=text + " "))
    with pytest.raises(InvalidInput):
        await system.templates.change(OWNER, template.id, request=replace(KEPT, text=text + " "))


async def test_the_embedded_store_keeps_templates_over_a_restart(tmp_path: Path, clock: MovableClock) -> None:
    store = await EmbeddedStore.open(tmp_path)
    await store.create_indexes(INDEXES)
    template = await Templates(store, clock).keep(OWNER, "Teas", KEPT)
    await store.close()
    store = await EmbeddedStore.open(tmp_path)
    await store.create_indexes(INDEXES)
    assert await Templates(store, clock).find(OWNER, template.id) == (template, KEPT.text)
    with pytest.raises(NameTaken):
        await Templates(store, clock).keep(OWNER, "Teas", KEPT)
    await store.close()
