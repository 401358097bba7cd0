"""What is in a data folder, and what is wrong with it: read without a broker, changing nothing.

What recovery says is what the next start will do. Beyond that every record is read here, those of
messages that nobody needs any more too, since a checksum that does not hold tells of the disk.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec

from leveret.store.data_folder import DataFolderError
from leveret.store.disk import Disk, SystemDisk
from leveret.store.log.format import OFFSET_MASK, segment_name, unpacked
from leveret.store.log.recovery import Damage, LogFormatError, Recovery
from leveret.store.log.space import SET_ASIDE
from leveret.store.log.walk import Commit, Entry, commits
from leveret.store.log_store import LOG_FOLDER
from leveret.store.stored_definitions import StoredDefinitions

DEFINITIONS: Final = "definitions.sqlite"
NO_MORE: Final = "a queue that is no more"
UNKNOWN: Final = "a queue whose definition cannot be read, or that is no more"


class FoundQueue(msgspec.Struct):
    """A queue with messages in the log; `vhost` and `name` are None if no definition has its id.
    `no_more`: every definition could be read, so there is none. `size_bytes` is what the records
    take, `marked` how many messages count as redelivered."""

    id: int
    vhost: str | None
    name: str | None
    messages: int = 0
    size_bytes: int = 0
    marked: int = 0
    no_more: bool = False

    def called(self) -> str:
        """What to call it in a sentence."""
        if self.name is None:
            return f"{NO_MORE if self.no_more else UNKNOWN} (id {self.id})"
        return f"queue '{self.name}' in vhost '{self.vhost}'"


class LostMessages(msgspec.Struct):
    """Messages of a queue, by their tickets."""

    queue: FoundQueue
    tickets: list[int]


class Problem(msgspec.Struct):
    """Something that is wrong. `messages` are lost; of `commits` commits from number
    `first_commit` on everything is lost, and nobody can say what it was (-1: nor how many)."""

    file: str
    what: str
    first_commit: int = 0
    commits: int = 0
    messages: list[LostMessages] = []


class Findings(msgspec.Struct):
    """What a folder holds. `notes` are worth knowing, and nothing is wrong with them."""

    folder: str = ""
    format: int = 0
    definitions: dict[str, int] = {}
    segments: int = 0
    spare_segments: int = 0
    log_bytes: int = 0
    commits: int = 0
    last_ticket: int = 0
    clean_stop: bool = False
    queues: list[FoundQueue] = []
    problems: list[Problem] = []
    notes: list[str] = []


class StoredData:
    """What a broker would find that starts now. `names` are vhost and name of queues by their ids,
    of all queues if `all_known`. Raises OSError, and `DataFolderError` for what a newer version
    wrote."""

    def __init__(
        self, disk: Disk, names: Mapping[int, tuple[str, str]], all_known: bool = True
    ) -> None:
        self.disk = disk
        self.recovery = Recovery(disk, LOG_FOLDER)
        try:
            self.recovery.run()
        except LogFormatError as error:
            raise DataFolderError(f"the log cannot be read: {error}") from error
        self._names = names
        self._all_known = all_known
        self._queues: dict[int, FoundQueue] = {}

    def queue(self, queue_id: int) -> FoundQueue:
        """The queue with this id."""
        queue = self._queues.get(queue_id)
        if queue is None:
            vhost, name = self._names.get(queue_id, (None, None))
            queue = FoundQueue(queue_id, vhost, name, no_more=name is None and self._all_known)
            self._queues[queue_id] = queue
        return queue

    def queues(self) -> list[FoundQueue]:
        """Those with messages: by vhost and name, those that are no more last."""
        found = [
            self.queue(queue_id)
            for queue_id, queue in self.recovery.queues.items()
            if len(queue.tickets)
        ]
        return sorted(
            found, key=lambda queue: (queue.name is None, queue.vhost, queue.name, queue.id)
        )

    def tickets(self, queue: FoundQueue) -> list[int]:
        """The messages of a queue, in its order."""
        return [int(ticket) for ticket in self.recovery.queues[queue.id].tickets]

    def returned(self, queue: FoundQueue, ticket: int) -> int:
        """How often the message has come back, as far as it was counted."""
        return unpacked(self.recovery.queues[queue.id].returned.get(ticket, 0))[0]

    def redelivered(self, queue: FoundQueue, ticket: int) -> bool:
        """Whether the message will count as redelivered."""
        recovery = self.recovery
        return not recovery.clean or ticket in recovery.queues[queue.id].marked


def check_folder(path: Path, format_version: int) -> Findings:
    """Read everything in a folder that no broker uses now. Raises as `StoredData` does."""
    definitions = StoredDefinitions(path / DEFINITIONS)
    disk = SystemDisk(path, read_only=True)
    findings = check_log(StoredData(disk, definitions.queues, not definitions.problems))
    findings.folder = str(path)
    findings.format = format_version
    findings.definitions = definitions.counts
    findings.problems[:0] = [Problem(DEFINITIONS, problem) for problem in definitions.problems]
    return findings


def check_log(data: StoredData) -> Findings:
    """Read every record of the log."""
    recovery = data.recovery
    findings = Findings(
        segments=len(recovery.segments),
        spare_segments=len(recovery.blank),
        log_bytes=sum(int(segment.size) for segment in recovery.segments.values()),
        commits=int(recovery.batches),
        last_ticket=int(recovery.last_ticket),
        clean_stop=bool(recovery.clean),
        queues=data.queues(),
        problems=[_of_damage(damage) for damage in recovery.damage],
    )
    damaged = _check_records(data, findings)
    for queue in findings.queues:
        _count(data, queue, damaged)
    _note(data, findings)
    return findings


def _of_damage(damage: Damage) -> Problem:
    what = f"octets {damage.start} to {damage.end}: {damage.what}"
    if damage.batches:
        many = damage.batches != 1
        which = f"commit {damage.first_batch}"
        if damage.batches < 0:
            which = f"the commits from {damage.first_batch} on"
        elif many:
            which = f"the commits {damage.first_batch} to {damage.first_batch + damage.batches - 1}"
        what += (
            f"; {which} {'are' if many else 'is'} lost: the messages published in "
            f"{'them' if many else 'it'} are missing, and messages acknowledged in "
            f"{'them' if many else 'it'} are there again"
        )
    return Problem(_file(damage.segment), what, damage.first_batch, damage.batches)


def _check_records(data: StoredData, findings: Findings) -> set[int]:
    """Read every record; returns the tickets of the messages that are damaged and were needed."""
    damaged: set[int] = set()
    for commit in commits(data.disk, LOG_FOLDER, data.recovery):
        broken = [
            entry
            for entry in commit.entries()
            if entry.kind == "publish" and commit.message(entry) is None
        ]
        if commit.broken:
            what = f"octet {commit.offset}: commit {commit.header.number} makes no sense, although "
            what += "its checksum holds: please report this; part of it is not taken"
            findings.problems.append(Problem(_file(commit.segment), what))
        if broken:
            needed = [
                entry
                for entry in broken
                if data.recovery.places.find(entry.tickets[0]) == entry.location
            ]
            damaged.update(entry.tickets[0] for entry in needed)
            findings.problems.append(_of_records(data, commit, broken, needed))
    return damaged


def _of_records(
    data: StoredData, commit: Commit, broken: list[Entry], needed: list[Entry]
) -> Problem:
    start = broken[0].location & OFFSET_MASK
    end = (broken[-1].location & OFFSET_MASK) + broken[-1].record_size
    lost: dict[int, LostMessages] = {}
    for entry in needed:
        ticket = entry.tickets[0]
        ids = data.recovery.copies.get(ticket, entry.queues)
        for queue_id in ids:
            found = lost.setdefault(queue_id, LostMessages(data.queue(queue_id), []))
            found.tickets.append(ticket)
    what = f"octets {start} to {end}: {_plural(len(broken), 'record')} of commit "
    what += f"{commit.header.number} damaged; "
    if lost:
        what += "lost: " + ", ".join(
            f"{_plural(len(each.tickets), 'message')} of {each.queue.called()}"
            for each in lost.values()
        )
    else:
        what += "nobody needs them any more, and nothing is lost"
    return Problem(_file(commit.segment), what, messages=list(lost.values()))


def _count(data: StoredData, queue: FoundQueue, damaged: set[int]) -> None:
    places = data.recovery.places
    for ticket in data.tickets(queue):
        if ticket not in damaged:
            places.find(ticket)
            queue.messages += 1
            queue.size_bytes += int(places.size)
            queue.marked += data.redelivered(queue, ticket)


def _note(data: StoredData, findings: Findings) -> None:
    notes, recovery = findings.notes, data.recovery
    if recovery.torn is not None:
        notes.append(f"{LOG_FOLDER}/{recovery.torn}")
    no_more = sum(queue.messages for queue in findings.queues if queue.no_more)
    if no_more:
        notes.append(
            f"{_plural(no_more, 'message')} of queues that are no more: the next start drops them"
        )
    notes.extend(f"{LOG_FOLDER}/{name} is none of the log's files" for name in recovery.strangers)
    notes.extend(
        f"{SET_ASIDE}/{name} was damaged and is kept; once nobody wants to look at it any more, "
        "remove it"
        for name in data.disk.list(SET_ASIDE)
    )


def _file(segment: int) -> str:
    return f"{LOG_FOLDER}/{segment_name(segment)}"


def _plural(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"
