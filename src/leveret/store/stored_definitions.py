"""The definitions of a data folder, read without a broker and without touching them.

SQLite writes beside a file that it only reads, and cannot read at all where it may not write. So
what is read is a copy, with whatever the last commits left in the write-ahead log.
"""

import json
import shutil
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path
from typing import Final

from leveret.store.data_folder import DataFolderError
from leveret.store.definitions import SCHEMA_VERSION

QUEUE: Final = "queue"
EXCHANGE: Final = "exchange"


class StoredDefinitions:
    """`counts` by kind, `queues` the vhost and name of each durable queue by its id, `problems`
    what is wrong, in sentences. What waits in a delayed exchange is in a queue too, of its name.

    Raises OSError, and `DataFolderError` for those of a newer version.
    """

    def __init__(self, path: Path) -> None:
        self.counts: dict[str, int] = {}
        self.queues: dict[int, tuple[str, str]] = {}
        self.problems: list[str] = []
        if not path.is_file():
            self.problems.append("the file is missing: users, vhosts and queues are not known")
            return
        with tempfile.TemporaryDirectory(prefix="leveret-") as folder:
            for suffix in ("", "-wal"):
                if (part := path.with_name(path.name + suffix)).exists():
                    shutil.copyfile(part, Path(folder) / part.name)
            try:
                with closing(sqlite3.connect(Path(folder) / path.name)) as database:
                    self._read(path, database)
            except sqlite3.Error as error:
                self.problems.append(f"SQLite cannot read it: {error}")

    def _read(self, path: Path, database: sqlite3.Connection) -> None:
        version = database.execute("PRAGMA user_version").fetchone()[0]
        if version > SCHEMA_VERSION:
            raise DataFolderError(
                f"the definitions in {path} are of version {version}, this program reads up to "
                f"version {SCHEMA_VERSION}: use the version of leveret that wrote them, or a newer "
                "one"
            )
        for (finding,) in database.execute("PRAGMA quick_check"):
            if finding != "ok":
                self.problems.append(f"SQLite finds: {finding}")
        database.text_factory = bytes
        for kind, key, value in database.execute("SELECT kind, key, value FROM definition"):
            self._take(_text(kind), _text(key), value)

    def _take(self, kind: str, key: str, octets: object) -> None:
        self.counts[kind] = self.counts.get(kind, 0) + 1
        try:
            value = json.loads(octets if isinstance(octets, bytes) else b"")
            if kind == QUEUE or (kind == EXCHANGE and "id" in value):
                vhost, name = json.loads(key)
                self.queues[int(value["id"])] = (str(vhost), str(name))
        except (ValueError, TypeError, LookupError, RecursionError) as error:
            self.problems.append(f"the definition of {kind} {key} is damaged: {error}")


def _text(octets: object) -> str:
    return octets.decode(errors="backslashreplace") if isinstance(octets, bytes) else str(octets)
