"""Bulks as files, for when they are no longer in the database: one a bulk, of JSON lines. Nothing is deleted here.

Each line is `{"collection": ..., "document": ...}` in MongoDB's Extended JSON (relaxed), which `mongoimport` reads.
"""

from __future__ import annotations

import asyncio
import os
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from glob import escape
from pathlib import Path
from typing import IO
from urllib.parse import quote

from bson import ObjectId, json_util

from jobs.errors import ArchiveFailed
from jobs.storage.store import Document, Name

LINES_AT_ONCE = 50


class Archive:
    """Files `<folder>/<year>-<month>/<bulk>-<rev>.jsonl`, by the month in which the bulk was created; where it
    stays, and loses its articles, `<bulk>-<rev>-articles.jsonl`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def keep(
        self,
        bulk: Document,
        parts: AsyncIterator[tuple[Name, Document]],
        is_whole: Callable[[], Awaitable[bool]],
        *,
        articles: bool = False,
    ) -> None:
        """The file is there and on the disk afterwards, unless `is_whole` denies, once all parts have been read, that
        these were all. One that is there gives way: it is as whole. Raises `ArchiveFailed`."""
        try:
            await self._keep(bulk, parts, is_whole, _name(bulk["_id"], bulk["rev"], "-articles" if articles else ""))
        except OSError as error:
            raise ArchiveFailed(f"{error.strerror or error} ({self._folder})") from error

    async def forget(self, bulk_id: ObjectId, rev: int) -> None:
        """Of a bulk that stays after all. Raises `ArchiveFailed`."""
        try:
            await asyncio.to_thread(self._unlink, _name(bulk_id, rev))
        except OSError as error:
            raise ArchiveFailed(f"{error.strerror or error} ({self._folder})") from error

    async def _keep(
        self,
        bulk: Document,
        parts: AsyncIterator[tuple[Name, Document]],
        is_whole: Callable[[], Awaitable[bool]],
        name: str,
    ) -> None:
        folder = self._folder / f"{bulk['created_at']:%Y-%m}"
        final = folder / name
        draft = folder / f".{final.name}.{secrets.token_hex(4)}"
        await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True)
        try:
            with await asyncio.to_thread(draft.open, "xb") as file:
                await write_lines(file, parts)
                await asyncio.to_thread(_to_disk, file)
            if await is_whole():
                await asyncio.to_thread(_put_in_place, draft, final)
                await asyncio.to_thread(_folder_to_disk, folder)
        finally:
            await asyncio.to_thread(draft.unlink, missing_ok=True)

    def _unlink(self, name: str) -> None:
        for path in (*self._folder.glob(f"*/{escape(name)}"), *self._folder.glob(f"*/.{escape(name)}.*")):
            path.unlink(missing_ok=True)


async def write_lines(file: IO[bytes], parts: AsyncIterator[tuple[Name, Document]]) -> int:
    """How many documents were written; not on the disk yet. Raises OSError."""
    written = 0
    lines: list[bytes] = []
    async for collection, document in parts:
        line = {"collection": collection, "document": document}
        lines.append(json_util.dumps(line, json_options=json_util.RELAXED_JSON_OPTIONS).encode() + b"\n")
        written += 1
        if len(lines) == LINES_AT_ONCE:
            await asyncio.to_thread(file.writelines, lines)
            lines = []
    await asyncio.to_thread(file.writelines, lines)
    return written


def _name(bulk_id: ObjectId, rev: int, of: str = "") -> str:
    # An adopted bulk has whatever id the application gave it.
    return f"{quote(str(bulk_id), safe='')}-{rev}{of}.jsonl"


def _put_in_place(draft: Path, final: Path) -> None:
    """Not by a link: folders that are shared over a network often know none."""
    try:
        draft.replace(final)
    except FileNotFoundError:
        if not final.exists():  # else who has put that there has taken this one away
            raise
    for left in final.parent.glob(f".{escape(final.name)}.*"):  # of processes that were killed
        left.unlink(missing_ok=True)


def _to_disk(file: IO[bytes]) -> None:
    file.flush()
    os.fsync(file.fileno())


def _folder_to_disk(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
