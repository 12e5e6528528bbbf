"""The stage that has an image made for an article: its prompt, and its URL or its bytes."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from jobs.pipelines import IMAGES
from outbound.allowed import NOTHING
from outbound.errors import UrlRefused
from outbound.urls import check_url
from worker.failures import StageFailed
from worker.stage import Instead, Sofar, Stage, StageInput, Tools

MOST_BYTES = 8 * 2**20
MOST_OF_REPLY = 12 * 2**20
"""Of the answer: its bytes are in Base64."""

KINDS: Mapping[str, tuple[bytes, ...]] = {
    "image/png": (b"\x89PNG\r\n\x1a\n",),
    "image/jpeg": (b"\xff\xd8\xff",),
    "image/gif": (b"GIF87a", b"GIF89a"),
    "image/webp": (b"RIFF",),
}
"""What is taken, and how it begins."""


class Illustration(BaseModel):
    """`url` is the generator's own or the path of the asset; `asset` the id of the bytes that are kept."""

    prompt: str
    alt: str
    url: str
    asset: str | None = None
    content_type: str | None = None


class Motif(StageInput):
    """`wanted`: None where nobody has said so."""

    title: str
    prompt: str
    wanted: bool | None


async def draw(given: Motif, tools: Tools) -> Illustration:
    reply = await tools.call(IMAGES, "/api/content/image", {"prompt": given.prompt}, most_bytes=MOST_OF_REPLY)
    content = reply.content if isinstance(reply.content, Mapping) else {}
    alt = content.get("alt")
    told: dict[str, Any] = {"prompt": given.prompt, "alt": alt if isinstance(alt, str) and alt else given.title}
    url, data = content.get("url"), content.get("data")
    if isinstance(url, str) and not isinstance(data, str):
        return Illustration(**told, url=_public(url))
    if not isinstance(data, str):
        raise _unusable("neither a URL nor bytes")
    image, kind = _bytes_of(data)
    asset = await tools.keep_asset(image, kind)
    return Illustration(**told, url=asset.path, asset=asset.id, content_type=kind)


def illustration(*, there_is: bool) -> Stage:
    """`there_is` a generator of images; without one the stage is skipped."""

    def can_skip(given: Motif) -> Instead | None:
        if given.wanted is False:
            return Instead(None, "no image is wanted")
        return None if there_is or given.wanted else Instead(None, "there is no generator of images")

    return Stage(
        "image-generation",
        draw,
        _motif,
        Illustration | None,
        generator=IMAGES,
        can_skip=can_skip,
        on_error=_do_without,
    )


def _motif(sofar: Sofar) -> Motif:
    idea = sofar.results["selection"]
    title = str(idea["title"])
    about = idea.get("summary") or idea.get("angle")
    prompt = f"An image for an article with the title “{title}”." + (f" It is about this: {about}" if about else "")
    return Motif(title=title, prompt=prompt[:1_000], wanted=sofar.options.get("image"))


def _do_without(given: Motif, failure: StageFailed, final: bool) -> Instead | None:
    """An article is not lost for want of an image, unless one was asked for."""
    return Instead(None, f"There is no image: {failure.error}") if final and not given.wanted else None


def _public(url: str) -> str:
    """A page that shows it is not to be led into anybody's private network."""
    try:
        return check_url(url, NOTHING).url
    except UrlRefused as refused:
        raise StageFailed(f"The image of the generator cannot be used: {refused}", definite=True) from None


def _bytes_of(data: str) -> tuple[bytes, str]:
    try:
        image = base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError):
        raise _unusable("bytes that are not in Base64") from None
    if len(image) > MOST_BYTES:
        raise _unusable(f"more than {MOST_BYTES // 2**20} MB")
    kind = next((kind for kind, starts in KINDS.items() if image.startswith(starts)), None)
    if kind is None or (kind == "image/webp" and image[8:12] != b"WEBP"):
        raise _unusable("bytes that are no PNG, JPEG, GIF or WebP")
    return image, kind


def _unusable(what: str) -> StageFailed:
    return StageFailed(f"The generator of images gave {what}.", definite=True)
