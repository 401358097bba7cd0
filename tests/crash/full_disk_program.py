"""`leveret` on a disk that is full for as long as a file exists, the first argument."""

import errno
import os
import sys
from pathlib import Path

from leveret.cli import main
from leveret.store.disk import SystemFile

FULL = Path(sys.argv.pop(1))


def write_through(self: SystemFile, offset: int, data: bytes) -> None:
    if FULL.exists():
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    write_through_before(self, offset, data)


write_through_before, SystemFile.write_through = SystemFile.write_through, write_through
main(prog_name="leveret")
