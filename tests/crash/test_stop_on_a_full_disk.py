"""A stop for whose last commit the disk has no room: the process says so by its exit code."""

from pathlib import Path

from pamqp.commands import Basic, Confirm, Queue

from .broker_process import BrokerProcess

PROGRAM = Path(__file__).with_name("full_disk_program.py")
PERSISTENT = b"\x10\x00\x02"


def test_a_stop_without_a_last_commit_is_no_success(tmp_path: Path) -> None:
    full = tmp_path / "full"
    broker = BrokerProcess(tmp_path)
    broker.program = [str(PROGRAM), str(full)]
    broker.start()
    try:
        peer = broker.connect()
        peer.call(Queue.Declare(queue="q", durable=True))
        peer.call(Confirm.Select())
        peer.publish(1, "", "q", b"confirmed", PERSISTENT)
        peer.expect(Basic.Ack)
        full.touch()
        peer.publish(1, "", "q", b"not confirmed", PERSISTENT)
        peer.call(Queue.Declare(queue="q", passive=True))
        peer.close()
        assert broker.stop() == 1
        assert "Traceback" not in broker.said()
        assert broker.said().count("stops without its last commit: the disk is full") == 1
        assert broker.said().endswith(
            "Error: the message log was stopped without its last commit; what was confirmed is on "
            "disk, and the next start recovers it\n"
        )
        full.unlink()
        broker.start()
        peer = broker.connect()
        assert peer.call(Queue.Declare(queue="q", passive=True)).message_count == 1
        peer.close()
        assert broker.stop() == 0
    finally:
        broker.close()
