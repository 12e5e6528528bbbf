"""The reference of the commands, made of what `pressrun --help` is made of."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from typer.main import get_command

from pressrun.cli import app
from tests.docs.markdown import code, page, table

INTRODUCTION = """`pressrun COMMAND --help` says the same. Those that speak to a running service take `--url`, `--key`
and `--user`; the others read the [settings](settings.md)."""


def commands_page() -> str:
    return page("# Commands", INTRODUCTION, *_commands(get_command(app), "pressrun"))


def _commands(group: Any, name: str) -> Iterator[str]:
    for inner, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from _commands(command, f"{name} {inner}")
        else:
            context = command.make_context(inner, [], resilient_parsing=True)
            yield f"## {code(f'{name} {inner}')}"
            yield " ".join(command.help.split())
            yield table(("option", "type", "default", "means"), (_parameter(one, context) for one in command.params))


def _parameter(parameter: Any, context: Any) -> tuple[str, str, str, str]:
    if parameter.param_type_name == "argument":
        names = code(parameter.metavar or parameter.name.upper())
    else:
        names = ", ".join(map(code, [*parameter.opts, *parameter.secondary_opts]))
    kind = parameter.metavar or parameter.display_type(context)
    return names, code(kind), _default(parameter), parameter.help or ""


def _default(parameter: Any) -> str:
    if parameter.required:
        return "required"
    return "" if parameter.default in (None, False, ()) or callable(parameter.default) else code(str(parameter.default))
