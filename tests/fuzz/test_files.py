"""Uploaded files that were right before they were damaged, and files of any bytes: read, or refused with a sentence."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.errors import InvalidInput
from service.uploads.intake.items import look_through
from tests.fuzz.budget import tried
from tests.fuzz.mutating import damaged
from tests.fuzz.world import World
from tests.service.requesting import refused
from tests.support.workbooks import workbook

ITEMS = [{"topic": f"Tea {number}", "word_count": 500, "keywords": ["a", "b"]} for number in range(10)]
ROWS = [("Topic", "Words", "Keywords"), *((f"Tea, “{n}”", 500 + n, "green, black") for n in range(10))]
CSV = "\n".join(";".join(f'"{cell}"' for cell in row) for row in ROWS)
SHOPIFY = (Path(__file__).parent.parent / "data" / "shopify-apparel.csv").read_bytes()
FILES = {
    "a.csv": CSV.encode(),
    "a.utf16.csv": CSV.encode("utf-16"),
    "a.windows.csv": CSV.encode("cp1252"),
    "a.tsv": CSV.replace(";", "\t").encode(),
    "shopify.csv": SHOPIFY[:2_000],
    "a.json": json.dumps({"items": ITEMS}).encode(),
    "a.jsonl": "\n".join(map(json.dumps, ITEMS)).encode(),
    "a.xlsx": workbook(*ROWS, name="Plan", Other=[("x",)]),
}
MODES = st.sampled_from(["topic", "keywords", "trends", "spin"])
SUFFIXES = st.sampled_from([".csv", ".tsv", ".json", ".jsonl", ".xlsx", ".txt", ""])


def check(read: Callable[[], object]) -> None:
    """Nothing is raised but what is a sentence for a person."""
    try:
        read()
    except InvalidInput as error:
        said = str(error)
    else:
        return
    assert 0 < len(said) < 500
    assert said.isprintable()


@st.composite
def damaged_workbooks(draw: st.DrawFn) -> bytes:
    """Whole as an archive: one of its parts is damaged, missing, or there twice."""
    parts = _parts(FILES["a.xlsx"])
    name = draw(st.sampled_from(sorted(parts)))
    match draw(st.sampled_from(["damage", "remove", "swap"])):
        case "damage":
            parts[name] = draw(damaged(parts[name]))
        case "remove":
            del parts[name]
        case _:
            other = draw(st.sampled_from(sorted(parts)))
            parts[name], parts[other] = parts[other], parts[name]
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for each, data in parts.items():
            archive.writestr(each, data)
    return file.getvalue()


def _parts(book: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(book)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.mark.parametrize("filename", FILES)
def test_what_is_damaged_here_was_right_before(filename: str) -> None:
    found = look_through(FILES[filename], filename=filename, mode="topic", columns=None, sheet=None)
    assert found.result.items


@pytest.mark.parametrize("filename", FILES)
@tried(60)
@given(data=st.data(), mode=MODES)
def test_a_damaged_file_is_read_or_refused_with_a_sentence(filename: str, data: st.DataObject, mode: str) -> None:
    content = data.draw(damaged(FILES[filename]))
    check(lambda: look_through(content, filename=filename, mode=mode, columns=None, sheet=None))


@tried(120)
@given(content=damaged_workbooks(), mode=MODES, sheet=st.sampled_from([None, "Plan", "Other", "None"]))
def test_a_workbook_of_damaged_parts_is_read_or_refused_with_a_sentence(
    content: bytes, mode: str, sheet: str | None
) -> None:
    check(lambda: look_through(content, filename="a.xlsx", mode=mode, columns=None, sheet=sheet))


@tried(150)
@given(
    content=st.binary(max_size=300) | st.sampled_from(list(FILES.values())),
    suffix=SUFFIXES,
    name=st.text(max_size=30),
    columns=st.none() | st.dictionaries(st.sampled_from(["topic", "keywords", "x"]), st.text(max_size=8), max_size=3),
)
def test_a_file_of_any_bytes_and_any_name_is_read_or_refused_with_a_sentence(
    content: bytes, suffix: str, name: str, columns: dict[str, str] | None
) -> None:
    check(lambda: look_through(content, filename=name + suffix, mode="topic", columns=columns, sheet=None))


@tried(60)
@given(data=st.data(), submit=st.sampled_from(["true", "false", "1"]), settings=st.sampled_from(["{}", "[]", "{", ""]))
async def test_a_damaged_form_is_answered_with_what_was_read_or_a_sentence(
    world: World, data: st.DataObject, submit: str, settings: str
) -> None:
    name = data.draw(st.sampled_from(sorted(FILES)))
    content = data.draw(st.just(FILES[name]) | damaged(FILES[name]))
    request = world.admin.build_request(
        "POST",
        "/api/bulk-generate/upload",
        data={"mode": "topic", "submit": submit, "settings": settings},
        files={"file": (name, content)},
    )
    form = await request.aread()
    sent = data.draw(st.just(form) | damaged(form))
    headers = {"content-type": request.headers["content-type"]}
    answer = await world.admin.post("/api/bulk-generate/upload", content=sent, headers=headers)
    if answer.status_code != 200:
        assert answer.status_code == 400, answer.text
        refused(answer, 400)
