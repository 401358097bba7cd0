"""Mistakes that a log could make, each as a disk that makes it for the log: what the log asks for
is not done, or what is read is not what is there."""

from zlib import crc32

from crash.disks import DiskBetween
from leveret.store.disk import DiskFile
from leveret.store.log.format import (
    CRC_AT,
    HEADER_SIZE,
    ID_SIZE,
    PUBLISH,
    PUBLISH_SIZE,
    SETTLE,
    SegmentHeader,
)

INDEX_CRC_AT = 56
NOBODYS_TICKET = 1 << 60


class ConfirmsBeforeSync(DiskBetween):
    """What was written counts as being on disk."""

    def sync(self, path: str, file: DiskFile) -> None:
        pass


class FoldersNotSynced(DiskBetween):
    """What has a name counts as having it on disk."""

    def sync_folder(self, folder: str) -> None:
        pass


class AcknowledgementsLost(DiskBetween):
    """The acknowledgements of a commit are not written."""

    def write(self, path: str, file: DiskFile, offset: int, data: bytes) -> None:
        at = HEADER_SIZE if offset == 0 else 0
        if path.startswith("log/") and len(data) > at + HEADER_SIZE and any(data[:8]):
            data = without_acknowledgements(data, at)
        file.write(offset, data)


class LengthsTrusted(DiskBetween):
    """Checksums are not looked at: whatever says how long it is, is that long."""

    def read(self, path: str, file: DiskFile, offset: int, size_bytes: int) -> bytes:
        content = file.read(0, file.size())
        if path.startswith("log/"):
            content = with_right_checksums(content)
        return content[offset : offset + size_bytes]


def number(octets: bytes | bytearray, at: int, size: int) -> int:
    return int.from_bytes(octets[at : at + size], "big")


def entries(octets: bytes | bytearray, at: int) -> list[tuple[int, int, int, int]]:
    """The entries of the index of the batch at `at`: kind, where, ids, size of the record."""
    found: list[tuple[int, int, int, int]] = []
    place = at + HEADER_SIZE
    end = min(place + number(octets, at + 40, 4), len(octets))
    while place + PUBLISH_SIZE <= end:
        kind = octets[place]
        publish = kind == PUBLISH
        count = number(octets, place + 2, 2) if publish else number(octets, place + 4, 4)
        size = number(octets, place + 4, 4) if publish else 0
        found.append((kind, place, count, size))
        place += PUBLISH_SIZE + count * ID_SIZE
    return found


def without_acknowledgements(data: bytes, at: int) -> bytes:
    """A batch whose acknowledgements are for nobody's messages."""
    octets = bytearray(data)
    for kind, place, count, _ in entries(octets, at):
        if kind == SETTLE:
            start = place + PUBLISH_SIZE
            octets[start : start + count * ID_SIZE] = NOBODYS_TICKET.to_bytes(8, "big") * count
    put_checksums(octets, at)
    return bytes(octets)


def with_right_checksums(content: bytes) -> bytes:
    """A segment in which every checksum holds, up to where no batch begins."""
    header = SegmentHeader(content[:HEADER_SIZE])
    octets = bytearray(content)
    at = HEADER_SIZE
    while header.valid and at + HEADER_SIZE <= len(octets) and octets[at : at + 8] == header.salt:
        record = at + HEADER_SIZE + number(octets, at + 40, 4)
        for kind, _, _, size in entries(octets, at):
            if kind == PUBLISH:
                if record + size <= len(octets):
                    crc = crc32(octets[record + 4 : record + size])
                    octets[record : record + 4] = crc.to_bytes(4, "big")
                record += size
        put_checksums(octets, at)
        at += HEADER_SIZE + number(octets, at + 40, 4) + number(octets, at + 48, 8)
    return bytes(octets)


def put_checksums(octets: bytearray, at: int) -> None:
    """Make the checksums of a batch's index and header hold."""
    index_at = at + HEADER_SIZE
    index = octets[index_at : index_at + number(octets, at + 40, 4)]
    octets[at + INDEX_CRC_AT : at + INDEX_CRC_AT + 4] = crc32(index).to_bytes(4, "big")
    octets[at + CRC_AT : at + CRC_AT + 4] = crc32(octets[at : at + CRC_AT]).to_bytes(4, "big")
