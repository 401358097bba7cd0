"""A real file system filled to the brim: publishers wait, consumers drain it, nothing is lost.

It is an image of 64 MB, mounted through a loop device; who may not mount skips these.
"""

import os
import select
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from pamqp.commands import Basic, Confirm, Queue

from leveret.config import Config
from peer import Peer, TcpWire

from .broker_process import BrokerProcess

SIZE = 64 << 20
BODY = 4096
QUEUE = "filled"
WINDOW = 50
PERSISTENT = b"\x10\x00\x02"
SILENCE_SECONDS = 2.0
# Free space is looked at now and then.
RESUMES_SECONDS = 15.0
# A segment that no longer fits leaves less than that, and there is a spare one.
HARDLY_ANYTHING = 34 << 20


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    image, folder = tmp_path / "image", tmp_path / "disk"
    if shutil.which("mkfs.ext4") is None or shutil.which("mount") is None:
        pytest.skip("no mkfs.ext4 or no mount here")
    with image.open("wb") as file:
        file.truncate(SIZE)
    folder.mkdir()
    subprocess.run(["mkfs.ext4", "-q", "-m", "0", str(image)], check=True)
    mounting = ["mount", "-o", "loop", str(image), str(folder)]
    mounted = subprocess.run(mounting, capture_output=True, text=True, check=False)
    if mounted.returncode:
        pytest.skip(f"a loop device cannot be mounted: {mounted.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


@pytest.fixture
def broker(tmp_path: Path, small_disk: Path) -> Iterator[BrokerProcess]:
    # The alarm for free space would come long before the disk is full.
    limits = {"disk_free_limit_bytes", "disk_free_limit_ratio"} & set(Config.__struct_fields__)
    broker = BrokerProcess(tmp_path, small_disk / "data", **dict.fromkeys(limits, 0))
    broker.start()
    yield broker
    broker.close()


class Filler:
    """A publisher with a window of confirms; it knows what was confirmed."""

    def __init__(self, broker: BrokerProcess) -> None:
        self.confirmed: set[int] = set()
        self.published = 0
        self._peer = broker.connect()
        self._outstanding: list[int] = []
        self._first = 0
        self._peer.call(Queue.Declare(queue=QUEUE, durable=True))
        self._peer.call(Confirm.Select())

    def publish_until_silence(self, at_most: int, silence_s: float = SILENCE_SECONDS) -> None:
        """Until the broker confirms no more, which is what a full disk looks like from here."""
        while self.published < at_most or self._outstanding:
            while self.published < at_most and len(self._outstanding) < WINDOW:
                number = self.published
                body = number.to_bytes(8) + os.urandom(8) * ((BODY - 8) // 8)
                self._peer.publish(1, "", QUEUE, body, PERSISTENT)
                self._outstanding.append(number)
                self.published += 1
            if not says_more(self._peer, silence_s):
                return
            self._take_confirm()

    def all_confirmed(self) -> bool:
        return not self._outstanding

    def _take_confirm(self) -> None:
        ack = self._peer.expect(Basic.Ack)
        number = ack.delivery_tag - 1
        settled = [n for n in self._outstanding if n == number or (ack.multiple and n < number)]
        self.confirmed.update(settled)
        self._outstanding = [n for n in self._outstanding if n not in set(settled)]


def says_more(peer: Peer, silence_s: float = SILENCE_SECONDS) -> bool:
    assert isinstance(peer.wire, TcpWire)
    return bool(peer.buffer or select.select([peer.wire.socket], [], [], silence_s)[0])


def free_bytes(folder: Path) -> int:
    state = os.statvfs(folder)
    return state.f_bavail * state.f_bsize


def drained(broker: BrokerProcess) -> set[int]:
    """Consume and acknowledge all there is, and see that the queue is empty."""
    received = set[int]()
    peer = broker.connect()
    peer.call(Basic.Qos(prefetch_count=100))
    peer.send_method(1, Basic.Consume(queue=QUEUE))
    peer.expect(Basic.ConsumeOk)
    while says_more(peer):
        delivery = peer.expect(Basic.Deliver)
        received.add(int.from_bytes(delivery.body[:8]))
        peer.send_method(1, Basic.Ack(delivery.delivery_tag))
    left = peer.call(Queue.Declare(queue=QUEUE, passive=True))
    assert left.message_count == 0
    return received


def fill(broker: BrokerProcess) -> Filler:
    filler = Filler(broker)
    filler.publish_until_silence(SIZE // BODY)
    assert not broker.ended(), broker.last_words()
    assert not filler.all_confirmed(), "64 MB of bodies were confirmed on a disk of 64 MB"
    assert len(filler.confirmed) * BODY > 8 << 20, "publishers were blocked far too early"
    return filler


def publishes_again(filler: Filler) -> bool:
    filler.publish_until_silence(filler.published + 2 * WINDOW, RESUMES_SECONDS)
    return filler.all_confirmed()


def test_a_full_disk_blocks_publishers_until_the_queue_is_drained(broker, small_disk, say):
    filler = fill(broker)
    free = free_bytes(small_disk)
    say(f"full disk: {len(filler.confirmed):,} of 4 KiB confirmed, {free >> 10:,} KiB free")
    assert free < HARDLY_ANYTHING
    missing = filler.confirmed - drained(broker)
    assert not missing
    assert publishes_again(filler), broker.last_words()
    drained(broker)
    assert not broker.ended(), broker.last_words()
    assert "Traceback" not in broker.said()


def test_a_broker_killed_with_its_disk_full_starts_drains_and_goes_on(broker, say):
    filler = fill(broker)
    broker.kill()
    broker.start()
    received = drained(broker)
    say(f"killed with a full disk: {len(filler.confirmed):,} confirmed, {len(received):,} came")
    assert not filler.confirmed - received
    assert received <= set(range(filler.published))
    assert publishes_again(Filler(broker)), broker.last_words()
    assert "Traceback" not in broker.said()
