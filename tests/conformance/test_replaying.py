"""The instruments themselves: what is written reads back, and a replay notices every change."""

import copy
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pamqp.commands import Basic, Queue

from conformance.conversation import load
from conformance.notation import octets, split_frames, written
from conformance.recording import RecordedConversation, tags_of, with_confirms
from conformance.replaying import Deviation, Replay
from conversations.memory import memory_server
from peer import BODY, Peer, Typed, frame, header_frame, method_frame, table

CONVERSATIONS = load()
ODD_FIELDS = {
    "signed 64": Typed("l", b"\0\0\0\0\0\0\0\1"),
    "unsigned 8": Typed("B", b"\xff"),
    "short": Typed("s", b"\xff\xff"),
    "float": Typed("f", b"\x7f\xc0\0\1"),
    "octets": Typed("x", b"\0\0\0\2\xff\xfe"),
    "not UTF-8": b"\xff",
    "time": Typed("T", b"\0\0\0\0\0\0\0\7"),
    "true": True,
    "void": None,
    "nested": {"list": [1, "a", {"b": 2**40}]},
}


@given(
    st.binary(max_size=200)
    | st.lists(st.sampled_from("ABCMH\0\xce\1")).map("".join).map(str.encode)
)
def test_any_octets_read_back(data):
    assert b"".join(map(octets, written(data))) == data


@pytest.mark.parametrize("name", ODD_FIELDS)
def test_fields_of_every_type_are_readable_and_read_back(name):
    declare = method_frame(1, Queue.Declare(queue="q", arguments={name: ODD_FIELDS[name]}))
    (notation,) = written(declare)
    assert notation[0] == "Queue.Declare"
    assert octets(notation) == declare


def test_a_table_with_a_name_twice_is_kept_as_octets():
    twice = table({"a": 1})[4:] * 2
    data = method_frame(1, Queue.Declare(queue="q")).removesuffix(b"\0\0\0\0\xce")
    data = data[:3] + (len(data) - 7 + 4 + len(twice)).to_bytes(4, "big") + data[7:]
    data += len(twice).to_bytes(4, "big") + twice + b"\xce"
    assert written(data) == [["raw", data.hex()]]


def test_what_is_left_of_a_frame_is_kept_as_octets():
    whole = header_frame(1, 3)
    assert written(whole + whole[:-1])[1] == ["raw", whole[:-1].hex()]
    assert split_frames(frame(BODY, 1, b"abc", end=0))[0] == []


def test_a_multiple_confirm_is_those_it_settles():
    assert tags_of({"delivery_tag": 4, "multiple": True}, {1, 3}) == [2, 4]
    steps = [["receive", 1, ["Basic.Ack", 1, {"delivery_tag": 2, "multiple": True}]]]
    steps.append(["receive", 1, ["Basic.Nack", 1, {"delivery_tag": 3}]])
    assert with_confirms(steps) == [["confirms", 1, 1, [1, 2], [3]]]


def recorded():
    """A conversation with the server in memory, with generated names in it."""
    conversation = RecordedConversation(memory_server())
    peer = Peer(conversation.connect()).handshake().open_channels()
    q = peer.call(Queue.Declare(queue="", exclusive=True)).queue
    peer.call(Basic.Consume(queue=q))
    peer.publish(1, "", q, b"body", Basic.Properties(headers={"q": q}))
    assert peer.expect(Basic.Deliver).properties.headers == {"q": q}
    peer.close()
    return conversation.finished()


def test_generated_names_are_told_apart_and_not_compared():
    steps = recorded()
    assert re.findall(r"amq\.\w+-#\d", str(steps))[:3] == [
        "amq.gen-#1",
        "amq.gen-#1",
        "amq.ctag-#2",
    ]
    server = memory_server()
    server.names = 1000
    Replay(server).run(steps)


def test_another_name_in_the_place_of_a_generated_one_is_noticed():
    steps = recorded()
    deliver = next(step for step in steps if step[2:] and step[2][0] == "Basic.Deliver")
    deliver[2][2]["consumer_tag"] = "amq.ctag-#9"
    with pytest.raises(Deviation):
        Replay(memory_server()).run(steps)


@pytest.mark.parametrize("name", [*CONVERSATIONS][::10])
def test_a_changed_recording_is_noticed(name):
    """The last that was heard was something else."""
    steps = copy.deepcopy(CONVERSATIONS[name])
    heard = [step for step in steps if step[0] in ("receive", "confirms", "end", "silence")]
    changed = heard[-1]
    if changed[0] == "receive" and changed[2][0] == "raw":
        changed[2][1] = "00" + changed[2][1]
    elif changed[0] == "receive" and changed[2][0] == "body":
        changed[2][2] = "something else"
    elif changed[0] == "receive" and len(changed[2]) > 2:
        changed[2][-1] = {**changed[2][-1], "else": 1}
    elif changed[0] == "confirms":
        changed[3].append(10**6)
    else:
        changed[:] = ["receive", changed[1], ["Tx.SelectOk", 7, {}]]
    with pytest.raises(Deviation):
        Replay(memory_server()).run(steps)
