"""What would differ from run to run is made the same: ids, tokens, logs. And what is worked out twice is remembered."""

from __future__ import annotations

import gc
import itertools
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from contextlib import ExitStack, contextmanager
from types import SimpleNamespace
from typing import Any, TypeVar
from unittest.mock import patch

import structlog
from bson import ObjectId

import jobs.creation
import jobs.embedded.collection
import jobs.embedded.condition
import jobs.intents
import jobs.leases
from jobs.embedded import engine
from jobs.embedded.condition import Condition
from jobs.embedded.values import encoded
from jobs.store import Document, Filter

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


_updates: Memory[Document] = Memory()
_conditions: Memory[Condition] = Memory()
_matches: Memory[bool] = Memory()


class RememberingScratch(engine.Scratch):
    def updated(self, document: Document, update: Mapping[str, Any]) -> Document:
        work_out = super().updated
        return _updates.recall((encoded(document), encoded(update)), lambda: work_out(document, update))


class RememberingCondition(Condition):
    @classmethod
    def of(cls, filter: Filter) -> Condition:
        return _conditions.recall(encoded(filter), lambda: Condition.of(filter))


def applies(filter: Document, document: Document) -> bool:
    return _matches.recall((encoded(filter), encoded(document)), lambda: engine.applies(filter, document))


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
    structlog.configure(processors=[tell], wrapper_class=structlog.make_filtering_bound_logger(20))
    gc.disable()
    with ExitStack() as stack:
        stack.callback(structlog.configure, **before)
        stack.callback(_collect_garbage)
        for owner, name, stand_in in (
            (jobs.creation, "ObjectId", new_id),
            (jobs.leases, "secrets", secret),
            (jobs.intents, "secrets", secret),
            (jobs.embedded.collection, "Scratch", RememberingScratch),
            (jobs.embedded.collection, "Condition", RememberingCondition),
            (jobs.embedded.condition, "applies", applies),
        ):
            stack.enter_context(patch.object(owner, name, stand_in))
        yield


def _collect_garbage() -> None:
    # Only what this run has left: what is remembered would be looked through each time, for nothing.
    gc.collect(1)
    gc.enable()
