"""Methods to bytes and back, and what happens to those that cannot be."""

import pytest

from leveret.wire import constants, methods
from leveret.wire.errors import MalformedFrame, Unencodable, UnknownMethod
from leveret.wire.field import KIND_BOOL, Field
from leveret.wire.methods import METHODS, decode_method


def test_queue_declare_is_read_as_the_specification_lays_it_out() -> None:
    payload = b"\x00\x32\x00\x0a\x00\x00\x02mq\x12\x00\x00\x00\x04\x01at\x01"
    assert decode_method(payload) == methods.QueueDeclare(
        queue="mq", durable=True, nowait=True, arguments={"a": Field(KIND_BOOL, True)}
    )


def test_queue_declare_is_written_as_the_specification_lays_it_out() -> None:
    declare = methods.QueueDeclare(queue="mq", passive=True, auto_delete=True)
    assert declare.encode() == b"\x00\x32\x00\x0a\x00\x00\x02mq\x09\x00\x00\x00\x00"


def test_basic_deliver_is_written_as_the_specification_lays_it_out() -> None:
    deliver = methods.BasicDeliver("c", 258, True, "x", "k")
    assert (
        deliver.encode() == b"\x00\x3c\x00\x3c\x01c\x00\x00\x00\x00\x00\x00\x01\x02\x01\x01x\x01k"
    )


def test_bits_after_the_last_one_mean_nothing() -> None:
    assert decode_method(b"\x00\x3c\x00\x50" + bytes(7) + b"\x07\xff") == methods.BasicAck(7, True)


def test_what_a_reserved_field_says_is_ignored() -> None:
    opened = decode_method(b"\x00\x0a\x00\x28\x01/\x02ab\x01")
    assert opened == methods.ConnectionOpen(virtual_host="/")
    assert opened.encode() == b"\x00\x0a\x00\x28\x01/\x00\x00"


def test_unused_bits_and_tickets_of_access_request_are_kept() -> None:
    request = methods.AccessRequest("/data", exclusive=True, read=True)
    assert request.encode() == b"\x00\x1e\x00\x0a\x05/data\x11"
    assert decode_method(b"\x00\x1e\x00\x0b\x00\x01") == methods.AccessRequestOk(ticket=1)


@pytest.mark.parametrize("method", METHODS.values(), ids=lambda method: method.name)
def test_every_method_made_of_defaults_comes_back_equal(method: type[methods.Method]) -> None:
    assert decode_method(method().encode()) == method()


@pytest.mark.parametrize("method", METHODS.values(), ids=lambda method: method.name)
def test_every_method_refuses_octets_after_its_last_field(method: type[methods.Method]) -> None:
    with pytest.raises(MalformedFrame, match=r"^cannot decode <<"):
        decode_method(method().encode() + b"X")


@pytest.mark.parametrize("method", METHODS.values(), ids=lambda method: method.name)
def test_every_method_refuses_to_be_cut_short(method: type[methods.Method]) -> None:
    payload = method().encode()
    for size in range(len(payload)):
        with pytest.raises(MalformedFrame):
            decode_method(payload[:size])


def test_the_refusal_quotes_the_arguments_as_rabbitmq_does() -> None:
    with pytest.raises(MalformedFrame, match=r"^cannot decode <<0,0,2,119,108>>$"):
        decode_method(b"\x00\x32\x00\x0a\x00\x00\x02wl")


def test_a_payload_too_short_for_a_method_id_is_an_unknown_frame() -> None:
    with pytest.raises(MalformedFrame, match=r"type 1, all octets = <<0,1,2>>: unknown_frame"):
        decode_method(b"\x00\x01\x02")


def test_an_unknown_method_is_named_by_its_ids() -> None:
    with pytest.raises(UnknownMethod) as caught:
        decode_method(b"\x00\x32\x00\x63")
    assert (caught.value.class_id, caught.value.method_id) == (50, 99)


@pytest.mark.parametrize("name", [b"\xff", b"\xed\xa0\x80", b"\xc0\x80"])
def test_a_short_string_that_is_not_utf_8_is_refused(name: bytes) -> None:
    """Wire behaviour 49: short strings must be UTF-8."""
    payload = b"\x00\x32\x00\x1e\x00\x00" + bytes((len(name),)) + name + b"\x00"
    with pytest.raises(MalformedFrame, match=r"^Malformed UTF-8 in shortstr$"):
        decode_method(payload)


def test_a_reserved_short_string_that_is_not_utf_8_is_refused() -> None:
    with pytest.raises(MalformedFrame, match=r"^Malformed UTF-8 in shortstr$"):
        decode_method(b"\x00\x14\x00\x0a\x01\xff")


def test_a_long_string_may_hold_any_octets() -> None:
    secure = methods.ConnectionSecure(challenge=b"\xff\x00")
    assert decode_method(secure.encode()) == secure


def test_a_short_string_of_255_octets_is_written_and_one_of_256_is_refused() -> None:
    longest = methods.BasicCancel("é" * 127 + "x")
    assert decode_method(longest.encode()) == longest
    with pytest.raises(Unencodable, match="at most 255 octets, not 256"):
        methods.BasicCancel("é" * 128).encode()


@pytest.mark.parametrize(
    "method",
    [
        methods.BasicQos(prefetch_count=65536),
        methods.BasicQos(prefetch_count=-1),
        methods.BasicQos(prefetch_size=1 << 32),
        methods.BasicAck(1 << 64),
        methods.BasicCancel("\ud800"),
        methods.QueueBind(arguments={"k" * 256: Field(KIND_BOOL, True)}),
    ],
    ids=repr,
)
def test_what_the_wire_cannot_carry_is_refused_as_a_value_error(method: methods.Method) -> None:
    with pytest.raises(Unencodable):
        method.encode()
    assert issubclass(Unencodable, ValueError)


def test_a_repr_hides_credentials() -> None:
    start_ok = methods.ConnectionStartOk(mechanism="PLAIN", response=b"\0guest\0hunter2")
    assert "hunter2" not in repr(start_ok)
    assert "PLAIN" in repr(start_ok)
    assert "hunter2" not in repr(methods.ConnectionSecureOk(b"hunter2"))
    assert "hunter2" not in repr(methods.ConnectionUpdateSecret(new_secret=b"hunter2"))


def test_a_repr_reads_like_the_call_that_makes_it() -> None:
    assert repr(methods.BasicAck(3)) == "BasicAck(delivery_tag=3, multiple=False)"


def test_methods_of_different_kinds_are_never_equal() -> None:
    assert methods.QueuePurgeOk(3) != methods.QueueDeleteOk(3)
    assert methods.QueuePurgeOk(3) != 3


def test_a_method_knows_its_name_its_id_and_whether_content_follows() -> None:
    assert methods.BasicPublish.method_id == constants.BASIC_PUBLISH == 60 << 16 | 40
    assert methods.BasicPublish.name == "basic.publish"
    assert [m.name for m in METHODS.values() if m.has_content] == [
        "basic.publish",
        "basic.return",
        "basic.deliver",
        "basic.get-ok",
    ]
    assert methods.QueueDeclare.synchronous
    assert not methods.BasicAck.synchronous
