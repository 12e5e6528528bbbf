"""Makes something else of what nothing is wrong with: JSON values, texts and bytes. No tests here."""

from __future__ import annotations

import json
from copy import deepcopy
from typing import Any

from hypothesis import strategies as st

Path = tuple[str | int, ...]
DEEP = json.loads("[" * 30 + "]" * 30)
ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers() | st.sampled_from([2**31, 2**53 + 1, 2**63, -(2**63) - 1, 10**400]),
    st.floats(allow_nan=False),
    st.text(alphabet=st.characters(exclude_categories=()), max_size=20),
    st.sampled_from(["", " ", "\0", "\ud800", "$set", "a.b", "x" * 5_000, "2026-13-01", "9999-12-31T23:59:59Z", "NaN"]),
    st.sampled_from([[], {}, DEEP, [[]], [None], {"": 1}, {"$gt": ""}, ["x"] * 300]).map(deepcopy),
)
"""What a field does not expect."""


def paths(value: Any, path: Path = ()) -> list[Path]:
    """To everything in it, itself first; of a list only the first two."""
    found = [path]
    match value:
        case dict():
            for key, inner in value.items():
                found += paths(inner, (*path, key))
        case list():
            for number, inner in enumerate(value[:2]):
                found += paths(inner, (*path, number))
        case _:
            pass
    return found


@st.composite
def mutated(draw: st.DrawFn, value: Any) -> Any:
    """With one to three things changed, taken away, or added."""
    changed = deepcopy(value)
    for _ in range(draw(st.integers(1, 3))):
        changed = _changed(draw, changed, draw(st.sampled_from(paths(changed))))
    return changed


def _changed(draw: st.DrawFn, whole: Any, path: Path) -> Any:
    if not path:
        return {**whole, draw(st.text(max_size=10)): draw(ODD)} if isinstance(whole, dict) else draw(ODD)
    holder = whole
    for part in path[:-1]:
        holder = holder[part]
    match draw(st.sampled_from(["replace", "remove", "wrap", "add"])):
        case "remove":
            del holder[path[-1]]
        case "wrap":
            holder[path[-1]] = draw(st.sampled_from([lambda inner: [inner], lambda inner: {"x": inner}]))(
                holder[path[-1]]
            )
        case "add" if isinstance(holder, dict):
            holder[draw(st.text(max_size=10))] = draw(ODD)
        case _:
            holder[path[-1]] = draw(ODD)
    return whole


@st.composite
def damaged(draw: st.DrawFn, whole: bytes) -> bytes:
    """With pieces of it taken out, repeated, moved or overwritten."""
    data = whole
    for _ in range(draw(st.integers(1, 4))):
        begin = draw(st.integers(0, len(data)))
        end = draw(st.integers(begin, min(len(data), begin + 40)))
        match draw(st.sampled_from(["remove", "repeat", "overwrite", "cut", "move"])):
            case "remove":
                data = data[:begin] + data[end:]
            case "repeat":
                data = data[:end] + data[begin:end] * draw(st.integers(1, 50)) + data[end:]
            case "overwrite":
                data = data[:begin] + draw(st.binary(max_size=12)) + data[end:]
            case "cut":
                data = data[: max(begin, 1)]
            case _:
                data = data[end:] + data[begin:end] + data[:begin]
    return data
