"""Any method comes back as it was, agrees with pamqp, and no bytes do worse than be refused."""

import importlib
import struct
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pamqp import commands

from effort import effort
from leveret.wire.errors import WireError
from leveret.wire.methods import METHODS, Method, decode_method
from leveret.wire.table import plain, to_table

sys.path.insert(0, str(Path(__file__).parents[3] / "tools"))
specification = importlib.import_module("specification")
sys.path.pop(0)

SPECIFIED = {m.class_id << 16 | m.method_id: m for m in specification.METHODS}

# What pamqp can carry too: long strings that are UTF-8, signed delivery tags.
TABLES = st.dictionaries(
    st.text(max_size=20),
    st.recursive(
        st.none() | st.booleans() | st.integers(-(1 << 63), (1 << 63) - 1) | st.text(max_size=20),
        lambda inner: (
            st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
        ),
        max_leaves=6,
    ),
    max_size=4,
)
VALUES = {
    "octet": st.integers(0, 255),
    "short": st.integers(0, 0xFFFF),
    "long": st.integers(0, 0xFFFFFFFF),
    "longlong": st.integers(0, (1 << 63) - 1),
    "shortstr": st.text(max_size=63),
    "longstr": st.text(max_size=300).map(str.encode),
    "bit": st.booleans(),
    "table": TABLES.map(to_table),
}
ANYTHING = VALUES | {
    "longlong": st.integers(0, (1 << 64) - 1),
    "longstr": st.binary(max_size=300),
}


@st.composite
def methods_of(draw: st.DrawFn, values: dict[str, st.SearchStrategy[object]]) -> Method:
    method_id = draw(st.sampled_from(sorted(METHODS)))
    fields = [field for field in SPECIFIED[method_id].fields if not field.reserved]
    return METHODS[method_id](**{field.name: draw(values[field.type]) for field in fields})


@settings(max_examples=effort(300), deadline=None)
@given(methods_of(ANYTHING))
def test_any_method_comes_back_equal_and_as_the_same_bytes(method: Method) -> None:
    payload = method.encode()
    assert decode_method(payload) == method
    assert decode_method(payload).encode() == payload


def as_pamqp_shows(value: object, type_: str) -> object:
    if type_ == "longstr":
        assert isinstance(value, bytes)
        return value.decode()
    if type_ == "table":
        assert isinstance(value, dict)
        return plain(value)
    return value


@settings(max_examples=effort(300), deadline=None)
@given(methods_of(VALUES).filter(lambda method: method.method_id in commands.INDEX_MAPPING))
def test_pamqp_reads_what_we_write_and_we_read_what_it_writes(method: Method) -> None:
    known: Any = commands.INDEX_MAPPING[method.method_id]
    other = known.__new__(known)
    other.unmarshal(method.encode()[4:])
    specified = SPECIFIED[method.method_id]
    for field, attribute in zip(specified.fields, known.attributes(), strict=True):
        if not field.reserved:
            expected = as_pamqp_shows(getattr(method, field.name), field.type)
            assert getattr(other, attribute) == expected
    payload = struct.pack(">I", method.method_id) + marshalled(other)
    assert decode_method(payload).encode() == payload
    ours = decode_method(payload)
    for field in specified.fields:
        if not field.reserved:
            mine, theirs = getattr(ours, field.name), getattr(method, field.name)
            assert as_pamqp_shows(mine, field.type) == as_pamqp_shows(theirs, field.type)


def marshalled(frame: commands.base.Frame) -> bytes:
    # What names may hold is the broker's to say; pamqp also wants "0" in some reserved fields.
    with mock.patch.object(type(frame), "validate", return_value=None):
        return frame.marshal()


@settings(max_examples=effort(300), deadline=None)
@given(st.sampled_from(sorted(METHODS)), st.binary(max_size=80))
def test_any_arguments_are_read_or_refused(method_id: int, arguments: bytes) -> None:
    with suppress(WireError):
        decode_method(struct.pack(">I", method_id) + arguments)


@settings(max_examples=effort(300), deadline=None)
@given(methods_of(ANYTHING), st.data())
def test_a_damaged_method_is_read_or_refused(method: Method, data: st.DataObject) -> None:
    payload = bytearray(method.encode())
    for _ in range(data.draw(st.integers(1, 3))):
        payload[data.draw(st.integers(0, len(payload) - 1))] = data.draw(st.integers(0, 255))
    payload = payload[: data.draw(st.integers(0, len(payload)))]
    with suppress(WireError):
        decode_method(bytes(payload))


@given(st.binary(max_size=8))
def test_any_bytes_are_a_method_or_refused(payload: bytes) -> None:
    with suppress(WireError):
        decode_method(payload)


def test_pamqp_lacks_only_the_access_class() -> None:
    missing = set(METHODS) - set(commands.INDEX_MAPPING)
    assert {METHODS[method_id].name.partition(".")[0] for method_id in missing} == {"access"}
    with pytest.raises(KeyError):
        commands.INDEX_MAPPING[missing.pop()]
