"""The pipeline `article`: its stages in order. What is done with texts is `worker.text`'s affair."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel

from jobs.documents import MODES
from jobs.languages import LANGUAGES, normalised
from worker.failures import StageFailed
from worker.stage import Pipeline, Product, Sofar, Stage, StageInput, Tools
from worker.stages.content import markdown_in
from worker.stages.processing import Processed, markdown_beside, processed
from worker.stages.quality import QUALITY, Judged
from worker.stages.writing import Components, Writing, Written
from worker.text.components import chosen
from worker.text.template_files import TemplateFault
from worker.text.templates import Templates


class Request(StageInput):
    mode: str
    item: dict[str, Any]


def _request(sofar: Sofar) -> Request:
    return Request(mode=sofar.mode, item=dict(sofar.item))


class Validated(BaseModel):
    """`components` is empty where the article is written in one call."""

    language: str
    components: list[str]


def validation(components: Components) -> Stage:
    async def validate(given: Request, _: Tools) -> Validated:
        item = given.item
        if not any(_says_something(item.get(name)) for name in MODES[given.mode]):
            raise _wrong(f"An item of mode {given.mode} needs {' or '.join(MODES[given.mode])}")
        language = normalised(str(item.get("language") or "en"))
        if language is None:
            there_are = ", ".join(one.tag for one in LANGUAGES)
            raise _wrong(f"The language {str(item['language'])[:40]!r} is not supported: use one of {there_are}")
        return Validated(language=language.tag, components=_components(item, components))

    return Stage("validation", validate, _request, Validated, quick=True)


class Gathered(BaseModel):
    """What the generator is told beside the item; `notes` of what could not be had."""

    context: str | None
    notes: list[str]


async def build_context(given: Request, tools: Tools) -> Gathered:
    """The item's own context, then what the context providers know, by the slot that it is for."""
    found = await tools.context(given.item)
    own = given.item.get("context")
    told = [f"{one.slot.capitalize()} ({one.name}):\n{one.text}" for one in found if one.text]
    notes = [one.note for one in found if one.note]
    if not told:
        return Gathered(context=None, notes=notes)
    return Gathered(context="\n\n".join([own, *told] if own else told), notes=notes)


CONTEXT = Stage("context-building", build_context, _request, Gathered)


class Parts(StageInput):
    written: Written
    page_type: str | None
    item: dict[str, Any]


class Assembled(BaseModel):
    """`content` is what the result will be; `markdown` the text in it."""

    content: Any
    markdown: str
    meta_description: str | None = None


def assembly(templates: Templates) -> Stage:
    async def assemble(given: Parts, _: Tools) -> Assembled:
        written = given.written
        if written.parts is None:
            return Assembled(content=written.content, markdown=markdown_in(written.content))
        try:
            markdown = templates.assemble(given.page_type, written.parts, given.item)
        except TemplateFault as fault:
            raise StageFailed(str(fault), permanent=True) from None
        return Assembled(content=markdown, markdown=markdown, meta_description=written.parts.get("meta_description"))

    def given(sofar: Sofar) -> Parts:
        written = sofar.results["component-generation"]
        return Parts(written=written, page_type=sofar.item.get("page_type"), item=dict(sofar.item))

    return Stage("template-assembly", assemble, given, Assembled, quick=True)


class Text(StageInput):
    markdown: str
    title: str
    language: str


async def post_process(given: Text, _: Tools) -> Processed:
    return await processed(given.markdown, title=given.title, language=given.language)


def _text(sofar: Sofar) -> Text:
    return Text(
        markdown=sofar.results["template-assembly"].markdown,
        title=title_for(sofar.item),
        language=sofar.results["validation"].language,
    )


POST_PROCESSING = Stage("post-processing", post_process, _text, Processed, quick=True)


class Parcel(StageInput):
    assembled: Assembled
    processed: Processed
    judged: Judged
    gathered: Gathered
    language: str


class Stored(BaseModel):
    """In the form in which it is kept; the write that ends the job stores it."""

    content: Any
    meta: dict[str, Any]
    sketch: list[int]


async def store(given: Parcel, _: Tools) -> Stored:
    article, own = given.assembled, given.processed
    meta: dict[str, Any] = own.model_dump(exclude={"sketch", "markdown"})
    meta |= markdown_beside(article.content, own)
    meta |= {"language": given.language, "meta_description": article.meta_description}
    meta |= {"quality": given.judged.model_dump(), "notes": given.gathered.notes}
    return Stored(content=article.content, meta=meta, sketch=own.sketch)


def _parcel(sofar: Sofar) -> Parcel:
    made = sofar.results
    return Parcel(
        assembled=made["template-assembly"],
        processed=made["post-processing"],
        judged=made["quality-validation"],
        gathered=made["context-building"],
        language=made["validation"].language,
    )


STORAGE = Stage("storage", store, _parcel, Stored, quick=True)


def _product(sofar: Sofar) -> Product:
    stored: Stored = sofar.results["storage"]
    return Product(stored.content, stored.meta, stored.sketch)


def article(templates: Templates, components: Components) -> Pipeline:
    return Pipeline(
        "article",
        (
            validation(components),
            CONTEXT,
            Writing(components).stage,
            assembly(templates),
            QUALITY,
            POST_PROCESSING,
            STORAGE,
        ),
        _product,
    )


def title_for(item: Mapping[str, Any]) -> str:
    """What an article is called that has no heading."""
    told = [item.get(name) for name in ("topic", "trend", "keywords", "title", "source_url")]
    first = next((one for one in told if one), "Article")
    return ", ".join(map(str, first)) if isinstance(first, list) else str(first)


def _components(item: Mapping[str, Any], components: Components) -> list[str]:
    asked: Sequence[str] | None = item.get("components")
    if asked and not components.can:
        raise _wrong("The generator cannot write components: leave them out, or switch generator.components on")
    if not asked and not components.always:
        return []
    try:
        return list(chosen(item.get("page_type"), asked))
    except ValueError as error:
        raise StageFailed(str(error), permanent=True) from None


def _says_something(value: object) -> bool:
    return any(character.isalnum() for character in str(value)) if value else False


def _wrong(sentence: str) -> StageFailed:
    return StageFailed(f"{sentence}.", permanent=True)
