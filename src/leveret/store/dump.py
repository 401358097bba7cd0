"""The messages of a data folder, and what its log says word for word, as values for JSON."""

from __future__ import annotations

from base64 import b64encode
from typing import TYPE_CHECKING, Any, Final

from leveret.broker.copies import blind_keys
from leveret.store.log.format import OFFSET_BITS, OFFSET_MASK, read_record
from leveret.store.log.walk import commits
from leveret.store.log_store import LOG_FOLDER
from leveret.wire.errors import WireError
from leveret.wire.properties import decode_properties
from leveret.wire.table import plain

if TYPE_CHECKING:
    from collections.abc import Iterator

    from leveret.broker.message import Message
    from leveret.store.check import FoundQueue, StoredData
    from leveret.store.disk import DiskFile

    Line = dict[str, Any]

PROPERTIES: Final = (
    "content_type",
    "content_encoding",
    "headers",
    "delivery_mode",
    "priority",
    "correlation_id",
    "reply_to",
    "expiration",
    "message_id",
    "timestamp",
    "type",
    "user_id",
    "app_id",
    "cluster_id",
)


class MessageReader:
    """Reads messages of a folder one by one; a context manager, which keeps its files open."""

    def __init__(self, data: StoredData) -> None:
        self._data = data
        self._files: dict[int, DiskFile] = {}

    def __enter__(self) -> MessageReader:
        return self

    def __exit__(self, *_: object) -> None:
        for file in self._files.values():
            file.close()

    def read(self, ticket: int) -> Message | None:
        """The message of a ticket; None if it is damaged."""
        places = self._data.recovery.places
        location = int(places.find(ticket))
        size = int(places.size)
        number = location >> OFFSET_BITS
        file = self._files.get(number)
        if file is None:
            name = self._data.recovery.segments[number].name()
            file = self._files[number] = self._data.disk.open(f"{LOG_FOLDER}/{name}")
        return read_record(file.read(location & OFFSET_MASK, size), 0, size, ticket)


def messages(data: StoredData, queues: list[FoundQueue], bodies: bool) -> Iterator[Line]:
    """A line for each message of these queues, in their order. Raises OSError."""
    with MessageReader(data) as reader:
        for queue in queues:
            for ticket in data.tickets(queue):
                line: Line = {
                    "vhost": queue.vhost,
                    "queue": queue.name,
                    "queue_id": queue.id,
                    "ticket": ticket,
                    "redelivered": data.redelivered(queue, ticket),
                }
                returned = data.returned(queue, ticket)
                if returned:
                    line["returned"] = returned
                message = reader.read(ticket)
                if message is None:
                    line["damaged"] = True
                else:
                    line.update(_described(message, bodies))
                yield line


def records(data: StoredData) -> Iterator[Line]:
    """A line for each segment, commit and entry of a commit's index. Raises OSError."""
    segment = 0
    for commit in commits(data.disk, LOG_FOLDER, data.recovery):
        if commit.segment != segment:
            segment = commit.segment
            found = data.recovery.segments[segment]
            yield {"segment": found.name(), "size": int(found.size), "salt": found.salt.hex()}
        header = commit.header
        yield {
            "commit": int(header.number),
            "offset": commit.offset,
            "size": int(header.size),
            "index_size": int(header.index_size),
            "last_ticket": int(header.last_ticket),
            "synced": _place(int(header.synced)),
            "seals": commit.seals,
            "clean_stop": commit.clean_stop,
        }
        for entry in commit.entries():
            if entry.kind == "publish":
                line: Line = {
                    "publish": entry.tickets[0],
                    "queue_ids": entry.queues,
                    "offset": entry.location & OFFSET_MASK,
                    "size": entry.record_size,
                    "damaged": commit.message(entry) is None,
                }
                if entry.due_ms:
                    line["due_ms"] = entry.due_ms
                yield line
            else:
                line = {entry.kind: entry.tickets, "queue_id": entry.queues[0]}
                if entry.counts:
                    line["returned"] = [acquired for acquired, _ in entry.counts]
                    line["failed"] = [failed for _, failed in entry.counts]
                yield line


def _place(location: int) -> list[int]:
    return [location >> OFFSET_BITS, location & OFFSET_MASK]


def _described(message: Message, bodies: bool) -> Line:
    line: Line = {
        "exchange": _clean(message.exchange),
        "routing_key": _clean(message.routing_key),
        "properties": _properties(message.properties()),
        "body_bytes": int(message.body_size),
    }
    bcc = blind_keys(message)
    if bcc:
        line["bcc"] = [_clean(key) for key in bcc]
    if bodies:
        body = message.body()
        try:
            line["body"] = body.decode()
        except UnicodeDecodeError:
            line["body_base64"] = b64encode(body).decode()
    return line


def _properties(octets: bytes) -> Line:
    try:
        properties = decode_properties(octets, 0, len(octets))
    except WireError as error:
        return {"undecodable": str(error), "octets": octets.hex()}
    found: Line = {}
    for name in PROPERTIES:
        value = getattr(properties, name)
        if name == "headers" and value is not None:
            found[name] = plain(value)
        elif value is not None:
            found[name] = _clean(value) if isinstance(value, str) else value
    return found


def _clean(text: str) -> str:
    """The text with `\\xff` for what is not UTF-8."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
