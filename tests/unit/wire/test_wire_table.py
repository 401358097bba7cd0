"""Field tables: each type octet, what is refused, and what people see of them."""

import struct
import time
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from leveret.wire.errors import MalformedFrame, Unencodable
from leveret.wire.field import KIND_NAMES, MAX_TAKEN_DEPTH, MAX_TAKEN_ELEMENTS, Field
from leveret.wire.table import (
    MAX_TABLE_DEPTH,
    MAX_TABLE_ELEMENTS,
    Table,
    check_table,
    decode_table,
    encode_table,
    plain,
    to_table,
)


def content(*fields: bytes) -> bytes:
    """A table's content, its fields all under the key `a`."""
    return b"".join(b"\x01a" + field for field in fields)


def sized(octets: bytes) -> bytes:
    return struct.pack(">I", len(octets)) + octets


def decode(octets: bytes) -> Table:
    check_table(octets, 0, len(octets))
    return decode_table(octets, 0, len(octets))


# Wire behaviour 48: the types RabbitMQ reads.
KINDS = [
    (b"t\x01", True),
    (b"t\x00", False),
    (b"b\x80", -128),
    (b"B\x80", 128),
    (b"s\x80\x00", -32768),
    (b"u\x80\x00", 32768),
    (b"I\x80\x00\x00\x00", -(1 << 31)),
    (b"i\x80\x00\x00\x00", 1 << 31),
    (b"l\x80" + bytes(7), -(1 << 63)),
    (b"L" + b"\xff" * 8, -1),
    (b"f\x3f\xc0\x00\x00", 1.5),
    (b"d\x3f\xf8" + bytes(6), 1.5),
    (b"D\x02\xff\xff\xff\xff", (2, 4294967295)),
    (b"S\x00\x00\x00\x02\xff\x00", b"\xff\x00"),
    (b"A\x00\x00\x00\x03t\x01V", [Field(116, True), Field(86, None)]),
    (b"T" + b"\xff" * 8, (1 << 64) - 1),
    (b"F\x00\x00\x00\x04\x01bt\x01", {"b": Field(116, True)}),
    (b"V", None),
    (b"x\x00\x00\x00\x01\xfe", b"\xfe"),
]


@pytest.mark.parametrize(("octets", "value"), KINDS, ids=lambda part: repr(part))
def test_each_type_is_read_and_written_back_as_the_same_octets(
    octets: bytes, value: object
) -> None:
    table = decode(content(octets))
    assert table == {"a": Field(octets[0], value)}
    assert encode_table(table) == sized(content(octets))


def test_every_type_has_the_name_that_error_texts_use() -> None:
    assert set(KIND_NAMES) == {octets[0] for octets, _ in KINDS}
    assert KIND_NAMES[ord("I")] == "signedint"
    assert KIND_NAMES[ord("i")] == "unsignedint"


@pytest.mark.parametrize("kind", sorted(set(range(256)) - set(KIND_NAMES)))
def test_any_other_type_octet_is_refused(kind: int) -> None:
    with pytest.raises(MalformedFrame, match=f"Unknown type octet {kind} "):
        decode(content(bytes((kind,)) + bytes(8)))


@pytest.mark.parametrize(("octets", "value"), KINDS, ids=lambda part: repr(part))
def test_a_table_cut_anywhere_is_refused(octets: bytes, value: object) -> None:
    whole = content(octets)
    for size in range(1, len(whole)):
        with pytest.raises(MalformedFrame):
            check_table(whole, 0, size)
        with pytest.raises(MalformedFrame):
            decode_table(whole, 0, size)


@pytest.mark.parametrize("octets", [b"A\x00\x00\x00\x02\x74", b"F\x00\x00\x00\x03\x01b"])
def test_a_nested_value_may_not_reach_beyond_what_encloses_it(octets: bytes) -> None:
    with pytest.raises(MalformedFrame):
        decode(content(octets) + b"t\x01\x01")


@pytest.mark.parametrize("bounds", [(-1, 3), (0, 99), (3, 2)])
def test_bounds_outside_the_data_are_refused(bounds: tuple[int, int]) -> None:
    with pytest.raises(MalformedFrame):
        check_table(b"\x01aV", *bounds)
    with pytest.raises(MalformedFrame):
        decode_table(b"\x01aV", *bounds)


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
def test_numbers_that_are_not_finite_are_refused_as_rabbitmq_does(number: float) -> None:
    for octets in (b"d" + struct.pack(">d", number), b"f" + struct.pack(">f", number)):
        with pytest.raises(MalformedFrame, match="not finite"):
            decode(content(octets))


def test_the_first_of_equal_keys_counts_as_in_rabbitmq() -> None:
    assert decode(content(b"B\x01", b"B\x02")) == {"a": Field(ord("B"), 1)}


def test_a_key_that_is_not_utf_8_is_accepted_and_kept() -> None:
    octets = b"\x01\xffV"
    assert encode_table(decode(octets)) == sized(octets)
    assert plain(decode(octets)) == {"\\xff": None}


def test_an_empty_key_is_a_key() -> None:
    assert decode(b"\x00V") == {"": Field(ord("V"), None)}


def nested(depth: int) -> bytes:
    octets = b""
    for _ in range(depth - 1):
        octets = content(b"F" + sized(octets))
    return octets


def test_nesting_is_read_to_its_limit_and_not_beyond() -> None:
    assert encode_table(decode(nested(MAX_TABLE_DEPTH))) == sized(nested(MAX_TABLE_DEPTH))
    for read in (check_table, decode_table):
        octets = nested(MAX_TABLE_DEPTH + 1)
        with pytest.raises(MalformedFrame, match="nested deeper than 128 levels"):
            read(octets, 0, len(octets))


def test_elements_are_read_to_their_limit_and_not_beyond() -> None:
    fitting = content(b"A" + sized(b"V" * (MAX_TABLE_ELEMENTS - 1)))
    assert encode_table(decode(fitting)) == sized(fitting)
    for read in (check_table, decode_table):
        octets = content(b"A" + sized(b"V" * MAX_TABLE_ELEMENTS))
        with pytest.raises(MalformedFrame, match="more than 16384 elements"):
            read(octets, 0, len(octets))


def test_headers_of_a_message_that_was_taken_have_room_for_more() -> None:
    deep = nested(MAX_TAKEN_DEPTH)
    large = content(b"A" + sized(b"V" * (MAX_TAKEN_ELEMENTS - 1)))
    for octets in (deep, large):
        check_table(octets, 0, len(octets), taken=True)
        table = decode_table(octets, 0, len(octets), taken=True)
        assert encode_table(table, taken=True) == sized(octets)
        with pytest.raises(Unencodable):
            encode_table(table)


def test_that_room_ends_too() -> None:
    deep = nested(MAX_TAKEN_DEPTH + 1)
    large = content(b"A" + sized(b"V" * MAX_TAKEN_ELEMENTS))
    for read in (check_table, decode_table):
        with pytest.raises(MalformedFrame, match="nested deeper than 144 levels"):
            read(deep, 0, len(deep), taken=True)
        with pytest.raises(MalformedFrame, match="more than 32768 elements"):
            read(large, 0, len(large), taken=True)
    with pytest.raises(Unencodable, match="at most 32768 elements"):
        encode_table({"a": [None] * MAX_TAKEN_ELEMENTS}, taken=True)


def test_bombs_of_depth_and_of_elements_end_soon() -> None:
    header = b"A"
    depth = b"".join(header + struct.pack(">I", 5 * left) for left in range(26000, -1, -1))
    bombs = [content(depth), content(b"A" + sized(b"V" * 10_000_000)), b"\x00V" * 5_000_000]
    started = time.perf_counter()
    for bomb in bombs:
        for read in (check_table, decode_table):
            with pytest.raises(MalformedFrame):
                read(bomb, 0, len(bomb))
    assert time.perf_counter() - started < 2


@pytest.mark.parametrize(
    ("native", "field"),
    [
        (True, Field(ord("t"), True)),
        (-(1 << 31), Field(ord("I"), -(1 << 31))),
        ((1 << 31) - 1, Field(ord("I"), (1 << 31) - 1)),
        (1 << 31, Field(ord("l"), 1 << 31)),
        ("é", Field(ord("S"), "é".encode())),
        (b"\x00", Field(ord("x"), b"\x00")),
        (0.1, Field(ord("d"), 0.1)),
        (None, Field(ord("V"), None)),
        ({"b": 1}, Field(ord("F"), {"b": Field(ord("I"), 1)})),
        ([1, "x"], Field(ord("A"), [Field(ord("I"), 1), Field(ord("S"), b"x")])),
        (datetime(2020, 1, 1, tzinfo=UTC), Field(ord("T"), 1577836800)),
    ],
    ids=repr,
)
def test_a_native_value_is_written_with_the_type_that_fits_it(native: object, field: Field) -> None:
    assert to_table({"a": native}) == {"a": field}


@pytest.mark.parametrize(
    "value",
    [
        1 << 63,
        "\ud800",
        float("nan"),
        float("inf"),
        pytest.param(object(), id="object()"),
        {1: 2},
        {"k" * 256: 1},
        datetime(2020, 1, 1),
        datetime(1969, 1, 1, tzinfo=UTC),
        Field(ord("q"), 1),
        Field(ord("t"), 1),
        Field(ord("b"), 128),
        Field(ord("B"), -1),
        Field(ord("u"), 65536),
        Field(ord("i"), True),
        Field(ord("l"), "1"),
        Field(ord("T"), -1),
        Field(ord("f"), 1e300),
        Field(ord("d"), 1),
        Field(ord("D"), (256, 1)),
        Field(ord("D"), 1.5),
        Field(ord("S"), "text"),
        Field(ord("x"), bytearray(1)),
        Field(ord("A"), {}),
        Field(ord("F"), []),
        Field(ord("V"), 0),
    ],
    ids=repr,
)
def test_a_value_that_no_table_can_carry_is_refused(value: object) -> None:
    with pytest.raises(Unencodable):
        encode_table({"a": value})


def test_values_that_contain_themselves_are_refused() -> None:
    endless: list[object] = []
    endless += [endless, endless]
    with pytest.raises(Unencodable, match="nested at most 128"):
        encode_table({"a": endless})


def test_what_could_not_be_read_again_is_not_written() -> None:
    with pytest.raises(Unencodable, match="at most 16384 elements"):
        encode_table({"a": [None] * MAX_TABLE_ELEMENTS})


def test_people_see_natives() -> None:
    table = to_table({"s": "é", "n": [1, {"x": b"\x01"}], "when": datetime(2020, 1, 1, tzinfo=UTC)})
    table["d"] = Field(ord("D"), (2, 314))
    table["bad"] = Field(ord("S"), b"a\xff")
    assert plain(table) == {
        "s": "é",
        "n": [1, {"x": b"\x01"}],
        "when": 1577836800,
        "d": Decimal("3.14"),
        "bad": "a\\xff",
    }


def test_a_field_shows_its_type_octet() -> None:
    assert repr(Field(ord("I"), 5)) == "Field('I', 5)"
    assert Field(ord("I"), 5) != Field(ord("l"), 5)
    assert Field(ord("I"), 5) != 5
