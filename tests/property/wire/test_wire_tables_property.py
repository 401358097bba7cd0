"""Any table and any properties come back as the same bytes, and agree with pamqp; checking and
reading refuse the same bytes."""

import struct
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from pamqp import commands
from pamqp import decode as pamqp_decode
from pamqp import encode as pamqp_encode

from effort import effort
from leveret.wire.errors import MalformedFrame
from leveret.wire.field import Field
from leveret.wire.properties import COPIES, Properties, decode_properties, scan_properties
from leveret.wire.table import Table, check_table, decode_table, encode_table, plain


def signed(bits: int) -> st.SearchStrategy[int]:
    return st.integers(-(1 << (bits - 1)), (1 << (bits - 1)) - 1)


def unsigned(bits: int) -> st.SearchStrategy[int]:
    return st.integers(0, (1 << bits) - 1)


FINITE: dict[str, Any] = {"allow_nan": False, "allow_infinity": False}
VALUES: dict[str, st.SearchStrategy[object]] = {
    "t": st.booleans(),
    "b": signed(8),
    "B": unsigned(8),
    "s": signed(16),
    "u": unsigned(16),
    "I": signed(32),
    "i": unsigned(32),
    "l": signed(64),
    "L": signed(64),
    "f": st.floats(width=32, **FINITE),
    "d": st.floats(**FINITE),
    "D": st.tuples(unsigned(8), unsigned(32)),
    "S": st.binary(max_size=30),
    "T": unsigned(64),
    "V": st.none(),
    "x": st.binary(max_size=30),
}
SCALARS = st.one_of(
    [st.builds(Field, st.just(ord(kind)), values) for kind, values in VALUES.items()]
)
KEYS = st.binary(max_size=8).map(lambda octets: octets.decode("utf-8", "surrogateescape"))
FIELDS = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4).map(lambda items: Field(ord("A"), items))
        | st.dictionaries(KEYS, inner, max_size=4).map(lambda items: Field(ord("F"), items))
    ),
    max_leaves=8,
)
TABLES = st.dictionaries(KEYS, FIELDS, max_size=5)


@settings(max_examples=effort(300), deadline=None)
@given(TABLES, st.binary(max_size=3))
def test_any_table_comes_back_equal_and_as_the_same_bytes(table: Table, around: bytes) -> None:
    octets = encode_table(table)
    assert struct.unpack(">I", octets[:4])[0] == len(octets) - 4
    data = around + octets[4:] + around
    bounds = (len(around), len(data) - len(around))
    check_table(data, *bounds)
    again = decode_table(data, *bounds)
    assert again == table
    assert list(again) == list(table)
    assert encode_table(again) == octets


def refusal(reader: Callable[[bytes, int, int], object], octets: bytes) -> str | None:
    try:
        reader(octets, 0, len(octets))
    except MalformedFrame as refused:
        return str(refused)
    return None


def accepts_both_or_neither(octets: bytes) -> None:
    refused = refusal(check_table, octets)
    assert refusal(decode_table, octets) == refused
    if refused is None:
        plain(decode_table(octets, 0, len(octets)))


@settings(max_examples=effort(500), deadline=None)
@given(st.binary(max_size=60))
def test_checking_and_reading_refuse_the_same_bytes(octets: bytes) -> None:
    accepts_both_or_neither(octets)


@settings(max_examples=effort(500), deadline=None)
@given(TABLES.filter(bool), st.data())
def test_checking_and_reading_refuse_the_same_damage(table: Table, data: st.DataObject) -> None:
    octets = bytearray(encode_table(table)[4:])
    for _ in range(data.draw(st.integers(1, 3))):
        octets[data.draw(st.integers(0, len(octets) - 1))] = data.draw(st.integers(0, 255))
    accepts_both_or_neither(bytes(octets[: data.draw(st.integers(0, len(octets)))]))


# What pamqp can carry too: keys and strings that are UTF-8, one precision of floats, decimals with
# a signed mantissa, times that a datetime can hold; and it sorts the keys of what it writes.
NATIVES = st.dictionaries(
    st.text(max_size=20),
    st.recursive(
        st.none()
        | st.booleans()
        | signed(64)
        | st.floats(width=32, **FINITE)
        | st.text(max_size=20)
        | st.binary(max_size=20).map(bytearray)
        | st.integers(0, 0xFFFFFFFF).map(lambda s: datetime.fromtimestamp(s, UTC))
        | st.tuples(st.integers(0, (1 << 31) - 1), st.integers(0, 20)).map(
            lambda parts: Decimal(parts[0]).scaleb(-parts[1])
        ),
        lambda inner: (
            st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
        ),
        max_leaves=8,
    ),
    max_size=5,
)


def as_plain_shows(value: object) -> object:
    if isinstance(value, datetime):
        return int(value.timestamp())
    if isinstance(value, list):
        return [as_plain_shows(item) for item in value]
    if isinstance(value, dict):
        return {key: as_plain_shows(item) for key, item in value.items()}
    return value


@settings(max_examples=effort(300), deadline=None)
@given(NATIVES)
def test_we_read_what_pamqp_writes_and_it_reads_what_we_write(natives: dict[str, object]) -> None:
    octets = pamqp_encode.field_table(natives)  # type: ignore[arg-type]
    table = decode_table(octets, 4, len(octets))
    assert plain(table) == as_plain_shows(natives)
    assert encode_table(table) == octets
    consumed, read = pamqp_decode.field_table(encode_table(table))
    assert consumed == len(octets)
    assert as_plain_shows(read) == as_plain_shows(natives)


SHORTSTR = st.none() | st.binary(max_size=12).map(lambda o: o.decode("utf-8", "surrogateescape"))
OCTET = st.none() | unsigned(8)
PROPERTIES = st.builds(
    Properties,
    content_type=SHORTSTR,
    content_encoding=SHORTSTR,
    headers=st.none() | TABLES,
    delivery_mode=OCTET,
    priority=OCTET,
    correlation_id=SHORTSTR,
    reply_to=SHORTSTR,
    expiration=SHORTSTR,
    message_id=SHORTSTR,
    timestamp=st.none() | unsigned(64),
    type=SHORTSTR,
    user_id=SHORTSTR,
    app_id=SHORTSTR,
    cluster_id=SHORTSTR,
)


@settings(max_examples=effort(300), deadline=None)
@given(PROPERTIES, st.binary(max_size=3))
def test_any_properties_come_back_equal_and_as_the_same_bytes(
    properties: Properties, around: bytes
) -> None:
    octets = properties.encode()
    data = around + octets + around
    bounds = (len(around), len(data) - len(around))
    assert scan_properties(data, *bounds) & ~COPIES == (properties.delivery_mode or 0)
    assert decode_properties(data, *bounds) == properties
    assert decode_properties(data, *bounds).encode() == octets


def scanned_as_read(octets: bytes) -> None:
    try:
        delivery_mode = scan_properties(octets, 0, len(octets)) & ~COPIES
    except MalformedFrame:
        return
    assert (decode_properties(octets, 0, len(octets)).delivery_mode or 0) == delivery_mode


@settings(max_examples=effort(300), deadline=None)
@given(st.binary(max_size=40))
def test_any_bytes_are_properties_or_refused(octets: bytes) -> None:
    scanned_as_read(octets)


@settings(max_examples=effort(300), deadline=None)
@given(PROPERTIES, st.data())
def test_damaged_properties_are_read_or_refused(
    properties: Properties, data: st.DataObject
) -> None:
    octets = bytearray(properties.encode())
    for _ in range(data.draw(st.integers(1, 3))):
        octets[data.draw(st.integers(0, len(octets) - 1))] = data.draw(st.integers(0, 255))
    scanned_as_read(bytes(octets[: data.draw(st.integers(0, len(octets)))]))


# What pamqp can carry too: no cluster_id, delivery modes 1 and 2, no empty strings.
TEXT = st.none() | st.text(min_size=1, max_size=12)
PAMQP_PROPERTIES = st.fixed_dictionaries(
    {
        "content_type": TEXT,
        "content_encoding": TEXT,
        "headers": st.none() | NATIVES,
        "delivery_mode": st.sampled_from([None, 1, 2]),
        "priority": OCTET,
        "correlation_id": TEXT,
        "reply_to": TEXT,
        "expiration": TEXT,
        "message_id": TEXT,
        "timestamp": st.none()
        | st.integers(0, 0xFFFFFFFF).map(lambda s: datetime.fromtimestamp(s, UTC)),
        "user_id": TEXT,
        "app_id": TEXT,
    }
)


@settings(max_examples=effort(200), deadline=None)
@given(PAMQP_PROPERTIES, TEXT)
def test_pamqp_and_we_read_each_others_properties(
    values: dict[str, object], type_: str | None
) -> None:
    theirs = commands.Basic.Properties(**values, message_type=type_)  # type: ignore[arg-type]
    octets = theirs.marshal()
    ours = decode_properties(octets, 0, len(octets))
    assert ours.encode() == octets
    assert ours.type == type_
    for name, value in values.items():
        mine = getattr(ours, name)
        assert (plain(mine) if isinstance(mine, dict) else mine) == as_plain_shows(value)
    again = commands.Basic.Properties()
    again.unmarshal(int.from_bytes(octets[:2], "big"), ours.encode()[2:])
    for name, value in values.items():
        assert as_plain_shows(getattr(again, name)) == as_plain_shows(value)
