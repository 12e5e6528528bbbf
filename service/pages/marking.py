"""Where on a page each fault of a request is shown: beside its field, and in the summary above the form."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from service.pages.labels import LABELS, label
from service.pages.wording import plural


@dataclass(frozen=True)
class Mark:
    """`said` stands in the summary, and leads to the field `anchor`; `beside` stands at that field, where it is of it
    alone."""

    said: str
    anchor: str | None = None
    beside: str | None = None


@dataclass(frozen=True)
class Marked:
    """A field shows the first of its faults; the summary says nothing twice."""

    by_field: Mapping[str, str] = field(default_factory=dict)
    listed: Sequence[Mark] = ()

    @property
    def heading(self) -> str:
        count = len(self.listed)
        return f"{plural(count, 'thing')} {'is' if count == 1 else 'are'} to be mended first:"


def marked(marks: Iterable[Mark]) -> Marked:
    by_field: dict[str, str] = {}
    listed: dict[str, Mark] = {}
    for mark in marks:
        if mark.anchor is not None and mark.beside is not None:
            by_field.setdefault(mark.anchor, mark.beside)
        listed.setdefault(mark.said, mark)
    return Marked(by_field, list(listed.values()))


def of_field(path: str, message: str) -> Mark:
    """Of a field of the form by its path in the body; what is wrong with a group stands at the first of its fields."""
    within = next((name for name in LABELS if name.startswith(f"{path}.")), None)
    known = path if path in LABELS else within or _around(path)
    if known is None:
        return Mark(f"{label(path)}: {message}" if path else message)
    return Mark(f"{label(known)}: {message}", known, message)


def _around(path: str) -> str | None:
    """The nearest group or list with a field of its own that the path leads into."""
    while path := path.rpartition(".")[0]:
        if path in LABELS:
            return path
    return None


def of_article(place: str, path: str, message: str, anchor: str) -> Mark:
    """Of one of many articles: `place` says which, `anchor` is the field that they all came by."""
    what = f"{place}, {label(path)}" if path else place
    return Mark(f"{what}: {message}", anchor)


@dataclass(frozen=True)
class Filled:
    """A form as it was sent, or as it is to be filled: what stands in it, and what is wrong with that."""

    values: Mapping[str, str] = field(default_factory=dict)
    wrong: Marked = field(default_factory=Marked)

    def value(self, name: str, otherwise: str = "") -> str:
        return self.values.get(name, otherwise)

    def label(self, name: str) -> str:
        return label(name)

    @property
    def faults(self) -> Mapping[str, str]:
        return self.wrong.by_field
