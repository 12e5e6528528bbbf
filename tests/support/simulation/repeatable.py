"""What would differ from run to run is made the same: ids, tokens, logs. And what is worked out twice is remembered."""

from __future__ import annotations

import gc
import itertools
from collections.abc import Callable, Iterator, Mapping, MutableMapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, TypeVar
from unittest.mock import patch

import structlog
from bson import ObjectId

import jobs.creation
import jobs.intents
import jobs.leases
import jobs.storage.embedded.collection
import jobs.storage.embedded.condition
import jobs.storage.embedded.store
from jobs.storage.embedded import engine
from jobs.storage.embedded.collection import EmbeddedCollection
from jobs.storage.embedded.condition import Condition
from jobs.storage.embedded.values import decoded, encoded, image_of
from jobs.storage.store import Document, Filter
from tests.support.simulation import quick_engine

T = TypeVar("T")
Event = MutableMapping[str, Any]
MOST_REMEMBERED = 30_000


class Memory(dict[Any, T]):
    """Thousands of runs have their beginning in common, and the embedded store's engine depends on nothing but its
    arguments: so what it said is kept, by their bytes."""

    def recall(self, asked: Any, work_out: Callable[[], T]) -> T:
        known = self.get(asked)
        if known is None:
            if len(self) >= MOST_REMEMBERED:
                self.clear()
            known = self[asked] = work_out()
        return known


_conditions: Memory[Condition] = Memory()
_matches: Memory[bool] = Memory()


@dataclass(frozen=True)
class QuickCondition(Condition):
    quick: quick_engine.Test

    @classmethod
    def of(cls, filter: Filter) -> Condition:
        return _conditions.recall(encoded(filter), lambda: cls._quick(Condition.of(filter)))

    @classmethod
    def _quick(cls, slow: Condition) -> QuickCondition:
        question = quick_engine.question(slow.exact)
        return cls(slow.said, slow.keys, slow.tests, slow.tests_suffice, slow.exact, question)

    def holds(self, document: Document) -> bool:
        told = self.quick(document)
        return super().holds(document) if told is None else told


class QuickScratch(engine.Scratch):
    def updated(self, document: Document, update: Mapping[str, Any]) -> Document:
        return quick_engine.updated(document, update) or super().updated(document, update)


class QuickCollection(EmbeddedCollection):
    def _put(self, document: Document) -> Document:
        is_normal = isinstance(document, quick_engine.Normal)
        stored = dict(document) if is_normal else decoded(image_of(document))
        self._table.check(stored)
        self._table.put(stored)
        return stored


def applies(filter: Document, document: Document) -> bool:
    return _matches.recall((encoded(filter), encoded(document)), lambda: engine.applies(filter, document))


def aggregated(documents: list[Document], stages: Sequence[Document]) -> list[Document]:
    told = quick_engine.grouped(documents, stages)
    return engine.aggregated(documents, stages) if told is None else told


@contextmanager
def repeatable(on_event: Callable[[str, Event], None] = lambda _, __: None) -> Iterator[None]:
    """Inside, a run depends on nothing but what it is given. `on_event` is told what is logged, and how loudly."""
    ids, tokens = itertools.count(1), itertools.count(1)

    def tell(_: Any, level: str, event: Event) -> Event:
        on_event(level, event)
        raise structlog.DropEvent

    def new_id() -> ObjectId:
        return ObjectId(f"{next(ids):024x}")

    secret = SimpleNamespace(token_hex=lambda _: f"t{next(tokens)}")
    before = structlog.get_config()
    structlog.configure(
        processors=[structlog.contextvars.merge_contextvars, tell],
        wrapper_class=structlog.make_filtering_bound_logger(20),
    )
    gc.disable()
    with ExitStack() as stack:
        stack.callback(structlog.configure, **before)
        stack.callback(_collect_garbage)
        for owner, name, stand_in in (
            (jobs.creation, "ObjectId", new_id),
            (jobs.leases, "secrets", secret),
            (jobs.intents, "secrets", secret),
            (jobs.storage.embedded.collection, "Scratch", QuickScratch),
            (jobs.storage.embedded.collection, "aggregated", aggregated),
            (jobs.storage.embedded.collection, "check_update", lambda _: None),
            (jobs.storage.embedded.collection, "Condition", QuickCondition),
            (jobs.storage.embedded.store, "EmbeddedCollection", QuickCollection),
            (jobs.storage.embedded.condition, "applies", applies),
        ):
            stack.enter_context(patch.object(owner, name, stand_in))
        yield


def _collect_garbage() -> None:
    # Only what this run has left: what is remembered would be looked through each time, for nothing.
    gc.collect(1)
    gc.enable()
