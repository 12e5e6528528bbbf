"""Pieces of prompts with placeholders, and how they are filled in. What the pieces say is in `prompts/`.

`{{name}}` stands for a value. A paragraph with a placeholder that has no value is left out. Values are only text:
nothing in them is filled in, and none closes a tag that a piece opened.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

PLACEHOLDER = re.compile(r"\{\{(\w+)\}\}")
TAG = re.compile(r"<\s{0,3}/?\s{0,3}(?:source|context|findings|brand_voice)\b[^<>]{0,20}>", re.IGNORECASE)


@dataclass(frozen=True)
class Fragment:
    paragraphs: tuple[str, ...]

    @property
    def names(self) -> set[str]:
        return {name for paragraph in self.paragraphs for name in PLACEHOLDER.findall(paragraph)}

    def filled(self, values: Mapping[str, str]) -> str:
        """Raises `KeyError` where a placeholder is of an unknown name."""
        bare = {name: TAG.sub("…", value).strip() for name, value in values.items()}
        return "\n\n".join(
            PLACEHOLDER.sub(lambda found: bare[found[1]], paragraph)
            for paragraph in self.paragraphs
            if all(bare[name] for name in PLACEHOLDER.findall(paragraph))
        )


def fragment(text: str) -> Fragment:
    return Fragment(tuple(filter(None, (paragraph.strip() for paragraph in re.split(r"\n\s*\n", text)))))
