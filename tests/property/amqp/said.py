"""What a server said, in a form that can be compared."""

import struct
from dataclasses import dataclass, field

from leveret.wire.methods import decode_method
from peer import PROTOCOL_HEADER

OPEN_OK, BASIC_ACK = b"\x00\x14\x00\x0b", b"\x00\x3c\x00\x50"


@dataclass
class Said:
    """What a server said. Confirms may be gathered into fewer frames when more is read at once,
    so they are told apart and one by one."""

    frames: list[bytes] = field(default_factory=list)
    confirmed: list[tuple[int, int]] = field(default_factory=list)
    closed: bool = False


def listen(data: bytes, closed: bool) -> Said:
    said = Said(closed=closed)
    last: dict[int, int] = {}
    while data:
        if data == PROTOCOL_HEADER:
            said.frames.append(data)
            break
        kind, channel, size = struct.unpack(">BHI", data[:7])
        octets, data = data[: size + 8], data[size + 8 :]
        assert octets[-1] == 0xCE
        if kind == 1:
            decode_method(octets[7:-1])
        if kind == 1 and octets[7:11] == BASIC_ACK:
            tag, multiple = struct.unpack(">QB", octets[11:20])
            first = last.get(channel, 0) + 1 if multiple else tag
            said.confirmed += [(channel, number) for number in range(first, tag + 1)]
            last[channel] = tag
            continue
        if octets[7:11] == OPEN_OK:
            last[channel] = 0
        said.frames.append(octets)
    return said
