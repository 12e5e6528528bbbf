"""Each command that a page shows is one, and takes the options that it is shown with."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from pressrun.cli import app
from tests.docs.blocks import ROOT

PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *(ROOT / "examples").glob("*/*.md")]
SHOWN = re.compile(
    r"(?:^ {4}|^ {8}|`|\$\(|; )(?:[A-Z_]+='?[^ `']*'? )*(?:\.venv/bin/)?pressrun ([a-z][^`|;)#\n]*)", re.MULTILINE
)


def commands(page: Path) -> Iterator[str]:
    text = re.sub(
        r"^```sh\n(.*?)^```",
        lambda block: re.sub("^", "    ", block[1], flags=re.M),
        page.read_text(),
        flags=re.M | re.S,
    )
    yield from SHOWN.findall(text)


def fault(shown: str) -> str | None:
    """What is wrong with it; None where nothing is."""
    words = shlex.split(shown.replace("'", "").replace('"', "").replace("\\", ""))
    command: Any = get_command(app)
    while words and hasattr(command, "commands"):
        name = words.pop(0)
        if name not in command.commands:
            return f"no command {name}"
        command = command.commands[name]
    options = {spelling for one in command.params for spelling in [*one.opts, *one.secondary_opts]} | {"--help"}
    used = {word.strip("[],.").partition("=")[0] for word in words if word.lstrip("[").startswith("-")}
    unknown = {word.lstrip("[") for word in used if re.match(r"\[?--?[a-z]", word)} - options
    return f"no option {sorted(unknown)}" if unknown else None


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_command_that_is_shown_is_one(page: Path) -> None:
    assert {shown: why for shown in commands(page) if (why := fault(shown))} == {}


def test_the_pages_do_show_commands_and_a_wrong_one_is_noticed() -> None:
    assert len([shown for page in PAGES for shown in commands(page)]) > 60
    assert fault("submit FILE --mode topic") is None
    assert fault("submit FILE --moed topic") == "no option ['--moed']"
    assert fault("templates keep ID") == "no command keep"
