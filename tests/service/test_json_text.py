"""JSON text as JavaScript writes it, compared with JavaScript where there is one."""

from __future__ import annotations

import json
import math
import random
import shutil
import struct
import subprocess
from enum import StrEnum
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.wire.json_text import dumps

NODE = shutil.which("node")
with_node = pytest.mark.skipif(
    NODE is None, reason="node is not installed: numbers were NOT compared with JavaScript's"
)

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


def node(script: str, data: bytes) -> str:
    assert NODE is not None
    return subprocess.run([NODE, "-e", script], input=data, capture_output=True, check=True).stdout.decode()


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1.0, "1"),
        (-0.0, "0"),
        (0.1, "0.1"),
        (-1.5, "-1.5"),
        (100.0, "100"),
        (2.0**53, "9007199254740992"),
        (-(2.0**53) - 2, "-9007199254740994"),
        (1e16, "10000000000000000"),
        (123456789012345680000.0, "123456789012345680000"),
        (1e20, "100000000000000000000"),
        (1e21, "1e+21"),
        (-1.5e300, "-1.5e+300"),
        (1.7976931348623157e308, "1.7976931348623157e+308"),
        (0.0001, "0.0001"),
        (0.00001, "0.00001"),
        (1e-6, "0.000001"),
        (-1.234e-6, "-0.000001234"),
        (1e-7, "1e-7"),
        (1.5e-7, "1.5e-7"),
        (5e-324, "5e-324"),
        (math.nan, "null"),
        (math.inf, "null"),
        (-math.inf, "null"),
    ],
)
def test_a_double_is_written_as_a_javascript_number(value: float, text: str) -> None:
    assert dumps(value) == text
    assert dumps([{"v": value}]) == f'[{{"v":{text}}}]'


@with_node
def test_twenty_thousand_doubles_are_written_as_node_writes_them() -> None:
    source = random.Random(20261122)
    doubles = [struct.unpack("<d", source.randbytes(8))[0] for _ in range(10_000)]
    doubles += [source.uniform(-1, 1) * 10.0 ** source.randint(-12, 24) for _ in range(8_000)]
    doubles += [float(source.randint(-(10**22), 10**22)) for _ in range(2_000)]
    script = (
        "const b = require('fs').readFileSync(0);"
        "const d = new Float64Array(b.buffer.slice(b.byteOffset, b.byteOffset + b.length));"
        "process.stdout.write(Array.from(d, x => JSON.stringify(x)).join('\\n'))"
    )
    theirs = node(script, struct.pack(f"<{len(doubles)}d", *doubles)).split("\n")
    ours = [dumps(value) for value in doubles]
    assert [(d, a, b) for d, a, b in zip(doubles, ours, theirs, strict=True) if a != b] == []


@with_node
def test_every_sixteen_bit_unit_is_escaped_as_node_escapes_it() -> None:
    units = [chr(unit) for unit in range(0x10000)]
    # Between letters each unit stands alone; without them, halves of surrogate pairs meet.
    texts = ["a".join(units), "\ud83d\ude00 \ude00\ud83d \ud800", '"\\/\u2028\u2029\x7f😀']
    script = (
        "const text = require('fs').readFileSync(0).toString('utf16le');"
        "process.stdout.write(JSON.stringify(text.split('#|#')))"
    )
    theirs = node(script, "#|#".join(texts).encode("utf-16-le", "surrogatepass"))
    assert dumps(texts) == theirs


def test_text_is_raw_utf8_and_only_what_must_be_escaped_is() -> None:
    assert dumps('Zoë 名 🔑 </b>&"\\ \b\t\n\x0b\f\r\x1f\x7f\u2028') == (
        '"Zoë 名 🔑 </b>&\\"\\\\ \\b\\t\\n\\u000b\\f\\r\\u001f\x7f\u2028"'
    )


def test_a_lone_surrogate_is_escaped_and_a_pair_is_one_character() -> None:
    assert dumps({"\ud800": "a\udfffb"}) == r'{"\ud800":"a\udfffb"}'
    assert dumps("\ud83d\ude00") == '"😀"'
    assert dumps(["é", "\ud83d\ude00\ud83d"]) == r'["é","😀\ud83d"]'


def test_containers_are_written_without_spaces_in_the_order_given() -> None:
    value = {"z": [], "a": {}, "m": [1, [True, False, None], {"k": (1, 2)}], "": 10**30}
    assert dumps(value) == '{"z":[],"a":{},"m":[1,[true,false,null],{"k":[1,2]}],"":1000000000000000000000000000000}'


def test_an_enumeration_of_strings_is_its_text() -> None:
    class Status(StrEnum):
        QUEUED = "queued"

    assert dumps({"status": Status.QUEUED}) == '{"status":"queued"}'


@settings(deadline=None)
@given(json_values)
def test_what_is_written_is_read_back_as_it_was(value: Any) -> None:
    text = dumps(value)
    assert json.loads(text, parse_int=float) == value
    text.encode()


@pytest.mark.parametrize("value", [object(), b"x", {1, 2}, {1: 2}, {None: 1}, [{"a": {True: 1}}], 1j, range(3)])
def test_what_is_no_plain_value_is_refused(value: object) -> None:
    with pytest.raises(TypeError):
        dumps(value)
