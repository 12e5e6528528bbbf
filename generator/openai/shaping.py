"""From a model's text to content: wrapping taken off, ideas and images read and checked. No model is asked here."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Any

from generator.errors import NotWritten
from generator.ideas import Ideas
from generator.openai.protocol import DrawnImage
from generator.pictures import Picture
from generator.wishes import Component

LARGEST_IMAGE = 8 * 2**20
THOUGHT = re.compile(r"\A\s*<think>.*?</think>", re.DOTALL)
FENCED = re.compile(r"\A```[\w-]*\n(.*)\n```\Z", re.DOTALL)
MARK = re.compile(r"\A#{1,6} ")
LABEL = re.compile(r"\A(?:title|meta description|description)\s*:\s*", re.IGNORECASE)
KINDS = {b"\x89PNG": "image/png", b"\xff\xd8\xff": "image/jpeg", b"RIFF": "image/webp"}


def bare(text: str) -> str:
    """Without the thoughts that some models begin with, and the code fence that many put around the whole."""
    thought = THOUGHT.sub("", text).strip()
    found = FENCED.match(thought)
    return found[1].strip() if found and "\n```" not in found[1] else thought


def shaped(text: str, component: Component | None) -> str:
    """Markdown that ends in a line break, or one line of plain text for a title or a description."""
    content = bare(text)
    match component:
        case Component.TITLE:
            return _plain(content.split("\n", 1)[0])
        case Component.META_DESCRIPTION:
            return _plain(content)
        case _:
            return f"{content}\n" if content else ""


def ideas_in(text: str, count: int) -> Ideas:
    """Raises `ValueError` where the text holds no such ideas; too many are cut off behind the last one asked for."""
    begin, end = text.find("{"), text.rfind("}")
    ideas = Ideas.model_validate_json(text[begin : end + 1])
    kept = ideas.ideas[:count]
    return Ideas(ideas=kept, recommended=ideas.recommended if ideas.recommended < len(kept) else 0)


def image_content(image: DrawnImage, picture: Picture) -> dict[str, Any]:
    """Raises `NotWritten` where there is no image, or none that can be used."""
    alt = {"alt": picture.alt}
    if image.url:
        return {"url": image.url, **alt}
    try:
        data = base64.b64decode(image.b64_json or "", validate=True)
    except (binascii.Error, ValueError):
        raise NotWritten("The model's image is not valid base64") from None
    if len(data) > LARGEST_IMAGE:
        raise NotWritten(f"The model's image has more than {LARGEST_IMAGE // 2**20} MB")
    kind = next((kind for magic, kind in KINDS.items() if data.startswith(magic)), None)
    if kind is None:
        raise NotWritten("The model answered no PNG, JPEG or WebP image")
    return {"data": image.b64_json, "content_type": kind, **alt}


def _plain(text: str) -> str:
    line = MARK.sub("", " ".join(text.split())).replace("**", "")
    return LABEL.sub("", line).strip("\"'“”„«» ")
