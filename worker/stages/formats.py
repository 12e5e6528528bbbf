"""The pipeline `formats`: one source, told anew by one template. Each job of a bulk has a template of its own."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from pydantic import BaseModel

from jobs.pipelines import CONTENT
from worker.failures import StageFailed
from worker.stage import Instead, Pipeline, Product, Sofar, Stage, StageInput, Tools
from worker.stages.content import markdown_in, path_of
from worker.stages.processing import Processed, markdown_beside, processed
from worker.text.html_text import text_of_html

PAGES = ("text/html", "application/xhtml+xml", "text/plain", "text/markdown")
MOST_OF_PAGE = 5 * 2**20
MOST_OF_SOURCE = 100_000
VIDEO_HOSTS = ("youtube.com", "youtu.be", "vimeo.com", "dailymotion.com", "tiktok.com", "twitch.tv")
VIDEO_ENDINGS = (".mp4", ".mov", ".webm", ".m3u8", ".mkv", ".avi")


class Source(StageInput):
    text: str | None
    url: str | None
    processing_mode: str | None


class Fetched(BaseModel):
    """`text` is None for a video, whose URL the generator is given."""

    text: str | None


async def fetch(given: Source, tools: Tools) -> Fetched:
    if given.url is None:
        raise StageFailed("The item has neither source_text nor source_url.", permanent=True)
    page = await tools.fetch(given.url, types=PAGES, most_bytes=MOST_OF_PAGE)
    text = text_of_html(page)[:MOST_OF_SOURCE] if "<" in page else page[:MOST_OF_SOURCE]
    if not text.strip():
        raise StageFailed("There is no text on the page of the source.", permanent=True)
    return Fetched(text=text)


def _source(sofar: Sofar) -> Source:
    item = sofar.item
    mode = item.get("processing_mode")
    return Source(text=item.get("source_text"), url=item.get("source_url"), processing_mode=str(mode) if mode else None)


def _need_not_fetch(given: Source) -> Instead | None:
    if given.text:
        return Instead(Fetched(text=None), "the request brings its text")
    if given.url and (given.processing_mode == "video" or is_video(given.url)):
        return Instead(Fetched(text=None), "a video: the generator is given its URL")
    return None


class Assignment(StageInput):
    mode: str
    told: dict[str, Any]


async def write(given: Assignment, tools: Tools) -> Any:
    return (await tools.call(CONTENT, path_of(given.mode), given.told)).content


def _assignment(sofar: Sofar) -> Assignment:
    text = sofar.results["source-fetching"].text
    source = {"source_text": text} if text is not None else {}
    return Assignment(mode=sofar.mode, told={**sofar.item, **source, "mode": sofar.mode})


class Text(StageInput):
    content: Any
    title: str
    language: str


async def post_process(given: Text, _: Tools) -> Processed:
    return await processed(markdown_in(given.content), title=given.title, language=given.language)


def _text(sofar: Sofar) -> Text:
    item = sofar.item
    title = str(item.get("title") or item.get("template") or "Format")
    content = sofar.results["format-generation"]
    return Text(content=content, title=title, language=str(item.get("language") or "en"))


def _product(sofar: Sofar) -> Product:
    own: Processed = sofar.results["post-processing"]
    content = sofar.results["format-generation"]
    meta = own.model_dump(exclude={"sketch", "markdown"}) | markdown_beside(content, own)
    return Product(content, meta | {"template": sofar.item.get("template"), "verbosity": sofar.item.get("verbosity")})


def is_video(url: str) -> bool:
    parts = urlsplit(url)
    host = (parts.hostname or "").removeprefix("www.").removeprefix("m.")
    return host in VIDEO_HOSTS or parts.path.lower().endswith(VIDEO_ENDINGS)


FORMATS = Pipeline(
    "formats",
    (
        Stage("source-fetching", fetch, _source, Fetched, can_skip=_need_not_fetch),
        Stage("format-generation", write, _assignment, generator=CONTENT),
        Stage("post-processing", post_process, _text, Processed, quick=True),
    ),
    _product,
)
