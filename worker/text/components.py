"""The parts that an article can be made of, and which of them each page type has. What they say is not known here."""

from __future__ import annotations

from collections.abc import Iterable

COMPONENTS = ("title", "intro", "sections", "conclusion", "faq", "meta_description")
PAGE_TYPES = ("product", "category", "brand", "inspire", "engage")

_DEFAULT = ("title", "intro", "sections", "conclusion", "meta_description")
_OF_PAGE_TYPE = {
    "product": ("title", "intro", "sections", "faq", "meta_description"),
    "category": ("title", "intro", "sections", "faq", "meta_description"),
    "brand": _DEFAULT,
    "inspire": _DEFAULT,
    "engage": COMPONENTS,
}


def chosen(page_type: str | None, wanted: Iterable[str] | None = None) -> tuple[str, ...]:
    """What is wanted, once each and in the order of an article; where nothing is, what the page type has.

    Raises `ValueError` with a sentence for a component that does not exist.
    """
    names = frozenset(wanted or ())
    unknown = sorted(names.difference(COMPONENTS))
    if unknown:
        raise ValueError(f"There is no component {unknown[0][:80]!r}: choose from {', '.join(COMPONENTS)}.")
    if not names:
        return _OF_PAGE_TYPE.get(page_type or "", _DEFAULT)
    return tuple(name for name in COMPONENTS if name in names)
