"""The port to traces: spans, and the W3C `traceparent` that joins those of several processes. No library is known here.

What is stored of a trace is its `traceparent`: in bulks, jobs and events, as it was when they were submitted. It is
never shown to users, and nothing is decided by it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

TRACEPARENT = re.compile(r"00-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
NO_FACTS: Mapping[str, str] = {}

_current: ContextVar[str | None] = ContextVar("traceparent", default=None)


class SpanKind(StrEnum):
    INTERNAL = "internal"
    CLIENT = "client"
    CONSUMER = "consumer"


class Span(Protocol):
    @property
    def traceparent(self) -> str | None:
        """What a request that is sent within it carries; None without a trace."""

    def fail(self, reason: str) -> None:
        """`reason` is one of ours: no text of a user's or a generator's."""


class Tracer(Protocol):
    @property
    def traceparent(self) -> str | None:
        """Of the span that this task is in; None without one."""

    def span(
        self,
        name: str,
        *,
        kind: SpanKind = SpanKind.INTERNAL,
        follows: object = None,
        facts: Mapping[str, str] = NO_FACTS,
    ) -> AbstractContextManager[Span]:
        """`follows`: the `traceparent`, as it was stored, of what has led to this; where it is none, what this task is
        just in has."""

    def was(self, name: str, seconds: float, *, follows: object, facts: Mapping[str, str] = NO_FACTS) -> None:
        """A span that has taken so long, and ends now."""


@dataclass(frozen=True)
class Untraced:
    """Implements `Tracer`, and tells nobody: a trace that a request has brought is passed on, and named in logs."""

    @property
    def traceparent(self) -> str | None:
        return current()

    @contextmanager
    def span(
        self,
        name: str,
        *,
        kind: SpanKind = SpanKind.INTERNAL,
        follows: object = None,
        facts: Mapping[str, str] = NO_FACTS,
    ) -> Iterator[Span]:
        traceparent = read(follows) or current()
        with following(traceparent):
            yield _Passed(traceparent)

    def was(self, name: str, seconds: float, *, follows: object, facts: Mapping[str, str] = NO_FACTS) -> None:
        """Nothing."""


@dataclass(frozen=True)
class _Passed:
    traceparent: str | None

    def fail(self, reason: str) -> None:
        """Nothing."""


def read(text: object) -> str | None:
    """A `traceparent` as W3C Trace Context has it; None for anything else."""
    return text if isinstance(text, str) and TRACEPARENT.fullmatch(text) else None


def current() -> str | None:
    return _current.get()


def trace_id() -> str | None:
    """Of the trace that this task belongs to."""
    traceparent = current()
    return traceparent.split("-")[1] if traceparent is not None else None


@contextmanager
def following(traceparent: str | None) -> Iterator[None]:
    """This task, and those that it starts, belong to that trace."""
    before = _current.set(traceparent)
    try:
        yield
    finally:
        _current.reset(before)
