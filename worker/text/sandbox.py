"""The bounds within which a template runs: Jinja's sandbox, less what multiplies text, with a budget of work.

Jinja keeps a template from Python's inside, not from using up a machine: nothing may be let in here (a filter, a
method, an operator) whose result can be longer than `MAX_CHARACTERS`, or that runs without spending the budget.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextvars import ContextVar
from functools import wraps
from typing import Any

from jinja2 import StrictUndefined, nodes
from jinja2.compiler import CodeGenerator, Frame
from jinja2.exceptions import SecurityError, TemplateSyntaxError
from jinja2.loaders import BaseLoader
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment

MAX_CHARACTERS = 2**20
MAX_STEPS = 5000
MAX_WORK = 32 * 2**20
MAX_RANGE = 1000
MAX_NUMBER = 2**53

_METHODS = {
    str: frozenset({"lower", "upper", "strip", "startswith", "endswith", "title", "capitalize", "split"}),
    dict: frozenset({"get", "items", "keys", "values"}),
}
_PLAIN = (str, int, float, bool, type(None))
_TEXT_FILTERS = ("lower", "upper", "title", "capitalize", "trim", "truncate", "wordcount", "int", "float", "round")
_LIST_FILTERS = ("first", "last", "length", "count", "sort", "unique", "reverse", "default", "d")


class Budget:
    """What one rendering may use: steps (turns of loops, calls, inclusions) and characters looked at.

    `step_work` is what a step counts as beside: the text that the longest template itself can print in it.
    """

    def __init__(self, step_work: int) -> None:
        self._step_work = step_work
        self._steps = MAX_STEPS
        self._work = MAX_WORK

    def spend(self, characters: int = 0) -> None:
        """Raises `SecurityError` when there is nothing left."""
        self._steps -= 1
        if self._steps < 0:
            raise SecurityError(f"it takes more than {MAX_STEPS} steps")
        self.look(characters + self._step_work)

    def look(self, characters: int) -> None:
        """As `spend`, without a step."""
        self._work -= characters
        if self._work < 0:
            raise SecurityError(f"it goes over more than {MAX_WORK // 2**20} MB of text")


BUDGET: ContextVar[Budget] = ContextVar("BUDGET")


class BoundedCode(CodeGenerator):
    """`~` is no operator that Jinja lets a sandbox see."""

    def visit_Concat(self, node: nodes.Concat, frame: Frame) -> None:  # noqa: N802 (Jinja's name)
        self.write("environment.joined((")
        for part in node.nodes:
            self.visit(part, frame)
            self.write(", ")
        self.write("))")


class BoundedEnvironment(ImmutableSandboxedEnvironment):
    """Templates of Markdown: nothing is escaped, and what is not defined is an error.

    Rendering needs a `Budget` in `BUDGET`.
    """

    code_generator_class = BoundedCode
    intercepted_binops = frozenset({"+", "*", "**", "%"})

    def __init__(self, loader: BaseLoader) -> None:
        super().__init__(
            loader=loader,
            undefined=StrictUndefined,
            autoescape=False,
            finalize=_printed,
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=False,
            optimized=False,
        )
        self.globals = {"range": _range, "namespace": self.globals["namespace"]}
        self.filters = {
            **{name: _charged(self.filters[name], plain=True) for name in _TEXT_FILTERS},
            **{name: _charged(self.filters[name], plain=False) for name in _LIST_FILTERS},
            "counted": _counted,
            "join": _join,
            "one_line": _one_line,
        }

    def joined(self, parts: Sequence[object]) -> str:
        """The value of `a ~ b`."""
        return "".join(_bounded([str(_printable(part)) for part in parts]))

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        for kind, allowed in _METHODS.items():
            if isinstance(obj, kind):
                return attr in allowed
        return not isinstance(obj, (*_PLAIN, list, tuple)) and super().is_safe_attribute(obj, attr, value)

    def wrap_str_format(self, value: Any) -> Callable[..., str] | None:
        """`format` can widen a text without bound: it is refused as any method that is not allowed."""
        return None

    def call(__self, __context: Context, __obj: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: N805 (as Jinja's)
        BUDGET.get().spend(_size(args))
        return super().call(__context, __obj, *args, **kwargs)

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        BUDGET.get().spend(_size((left, right)))
        numbers = all(isinstance(each, int | float) and abs(each) <= MAX_NUMBER for each in (left, right))
        if operator == "**" or (operator != "+" and not numbers):
            raise SecurityError(f"{operator!r} is for numbers of a common size, and '**' is not there")
        if operator == "+" and not numbers:
            _bounded([each for each in (left, right) if isinstance(each, str | list | tuple)])
        return super().call_binop(context, operator, left, right)

    def get_template(self, *args: Any, **kwargs: Any) -> Any:
        if budget := BUDGET.get(None):
            budget.spend()
        return super().get_template(*args, **kwargs)

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        template = super()._parse(source, name, filename)
        for loop in template.find_all(nodes.For):
            if loop.recursive:
                raise TemplateSyntaxError("loops cannot be recursive here", loop.lineno, name, filename)
            loop.iter = nodes.Filter(loop.iter, "counted", [], [], None, None, lineno=loop.lineno)
        return template


def _printed(value: object) -> object:
    if (budget := BUDGET.get(None)) and isinstance(value, str):
        budget.look(len(value))
    return _printable(value)


def _printable(value: object) -> object:
    """Text and numbers only: a list that holds itself twice, thirty times over, would fill the memory when printed."""
    if isinstance(value, (StrictUndefined, *_PLAIN)):
        return "" if value is None else value
    raise SecurityError("it prints a list or an object: join it, or name one of its fields")


def _range(*bounds: int) -> range:
    numbers = range(*bounds)
    if len(numbers) > MAX_RANGE:
        raise SecurityError(f"a range has at most {MAX_RANGE} numbers")
    return numbers


def _counted(values: Iterable[object]) -> Iterator[object]:
    for value in values:
        BUDGET.get().spend()
        yield value


def _join(values: Iterable[object], between: str = "") -> str:
    parts: list[str] = []
    for value in _counted(values):
        part = str(_printable(value))
        BUDGET.get().look(len(part) + len(between))
        parts += [between, part] if parts else [part]
    return "".join(_bounded(parts))


def _one_line(value: object) -> str:
    """As the text of a heading: on one line, without heading marks."""
    return " ".join(str(_printable(value)).split()).lstrip("# ").rstrip()


def _charged(function: Callable[..., Any], *, plain: bool) -> Callable[..., Any]:
    @wraps(function)
    def charged(*args: Any, **kwargs: Any) -> Any:
        if budget := BUDGET.get(None):
            budget.spend(_size(args))
        if plain and any(isinstance(each, list | tuple | dict) for each in args):
            raise SecurityError("a filter for text is given a list")
        return function(*args, **kwargs)

    return charged


def _bounded(parts: list[Any]) -> list[Any]:
    if _size(parts) > MAX_CHARACTERS:
        raise SecurityError(f"it makes a text of more than {MAX_CHARACTERS // 2**20} MB")
    return parts


def _size(values: Iterable[object]) -> int:
    return sum(len(value) for value in values if isinstance(value, str | list | tuple))
