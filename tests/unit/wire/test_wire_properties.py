"""Message properties: scanned on publish, read and written when somebody looks."""

import pytest

from leveret.wire.errors import MalformedFrame, Unencodable
from leveret.wire.field import Field
from leveret.wire.properties import COPIES, Properties, decode_properties, scan_properties
from leveret.wire.table import to_table

EVERYTHING = Properties(
    content_type="text/plain",
    content_encoding="gzip",
    headers=to_table({"b": 1, "a": [True]}),
    delivery_mode=2,
    priority=9,
    correlation_id="c",
    reply_to="r",
    expiration="1000",
    message_id="m",
    timestamp=(1 << 64) - 1,
    type="t",
    user_id="guest",
    app_id="a",
    cluster_id="z",
)


def scan(octets: bytes) -> int:
    """Scan in the middle of other bytes, as in a frame."""
    return scan_properties(b"\xff\xff" + octets + b"\xff\xff", 2, 2 + len(octets))


def test_no_properties_have_no_delivery_mode() -> None:
    assert scan(b"\x00\x00") == 0


def test_the_delivery_mode_alone_is_found() -> None:
    assert scan(b"\x10\x00\x02") == 2


def test_the_delivery_mode_is_found_among_others() -> None:
    assert scan(EVERYTHING.encode()) == 2


def test_all_properties_come_back() -> None:
    octets = EVERYTHING.encode()
    assert octets[:2] == b"\xff\xfc"
    assert decode_properties(b"--" + octets + b"--", 2, 2 + len(octets)) == EVERYTHING


def test_properties_lie_in_the_order_of_their_flags() -> None:
    """Wire behaviour 47: the first property has the highest bit; cluster_id has one too."""
    octets = Properties(priority=5, content_type="x", cluster_id="y").encode()
    assert octets == b"\x88\x04\x01x\x05\x01y"


def test_headers_keep_their_order_and_types() -> None:
    octets = b"\x20\x00\x00\x00\x00\x0f" + b"\x01bB\x01" + b"\x01al" + bytes(8)
    assert decode_properties(octets, 0, len(octets)).encode() == octets


def test_any_cut_of_all_properties_is_refused() -> None:
    octets = EVERYTHING.encode()
    for size in range(len(octets)):
        with pytest.raises(MalformedFrame):
            scan(octets[:size])


@pytest.mark.parametrize("name", list(EVERYTHING.fields()))
def test_any_cut_of_one_property_is_refused(name: str) -> None:
    properties = Properties()
    setattr(properties, name, getattr(EVERYTHING, name))
    octets = properties.encode()
    assert decode_properties(octets, 0, len(octets)) == properties
    for size in range(len(octets)):
        with pytest.raises(MalformedFrame):
            scan(octets[:size])


@pytest.mark.parametrize("octets", [b"\x00\x00X", b"\x10\x00\x02X", b"\x80\x00\x01aX"])
def test_octets_after_the_last_property_are_refused(octets: bytes) -> None:
    with pytest.raises(MalformedFrame, match="followed by 1 stray octets"):
        scan(octets)


@pytest.mark.parametrize("bounds", [(-1, 2), (0, 9), (2, 0)])
def test_bounds_outside_the_data_are_refused(bounds: tuple[int, int]) -> None:
    with pytest.raises(MalformedFrame):
        scan_properties(b"\x00\x00", *bounds)


def test_the_two_lowest_flags_are_ignored() -> None:
    """RabbitMQ does not read a second word of flags: what follows the first is properties."""
    assert scan(b"\x00\x01") == 0
    assert scan(b"\x10\x03\x02") == 2
    with pytest.raises(MalformedFrame):
        scan(b"\x00\x01\x00\x00")


@pytest.mark.parametrize("table", [b"\x01aq", b"\x01a", b"\x05a", b"\x01ad\x7f\xf0" + bytes(6)])
def test_malformed_headers_are_refused(table: bytes) -> None:
    with pytest.raises(MalformedFrame):
        scan(b"\x20\x00\x00\x00\x00" + bytes((len(table),)) + table)


def test_a_short_string_here_may_hold_any_octets() -> None:
    octets = b"\x80\x00\x02\xff\x61"
    assert scan(octets) == 0
    assert decode_properties(octets, 0, len(octets)).encode() == octets


def test_an_empty_value_is_not_an_absent_one() -> None:
    octets = Properties(content_type="", headers={}, delivery_mode=0).encode()
    assert octets == b"\xb0\x00\x00\x00\x00\x00\x00\x00"
    assert decode_properties(octets, 0, len(octets)) == Properties("", None, {}, 0)


@pytest.mark.parametrize(
    "properties",
    [
        Properties(message_id="x" * 256),
        Properties(message_id="\ud800"),
        Properties(priority=256),
        Properties(delivery_mode=-1),
        Properties(timestamp=1 << 64),
        Properties(headers={"k" * 256: Field(ord("V"), None)}),
    ],
    ids=repr,
)
def test_what_the_wire_cannot_carry_is_refused(properties: Properties) -> None:
    with pytest.raises(Unencodable):
        properties.encode()


def test_a_repr_shows_what_is_present() -> None:
    assert (
        repr(Properties(delivery_mode=2, app_id="x")) == "Properties(delivery_mode=2, app_id='x')"
    )
    assert Properties() != 1


@pytest.mark.parametrize(
    ("headers", "found"),
    [
        ({"CC": []}, True),
        ({"a": 1, "BCC": "k", "b": 2}, True),
        ({"cc": [], "XCC": [], "CCC": [], "C": 1, "": 1}, False),
        ({"a": "CC", "t": {"CC": []}, "l": ["CC", "BCC"]}, False),
    ],
)
def test_a_scan_sees_keys_for_further_routing(headers: dict[str, object], found: bool) -> None:
    octets = Properties(headers=to_table(headers), delivery_mode=2).encode()
    assert scan(octets) == 2 + (COPIES if found else 0)
