"""Definitions in SQLite: one connection, owned by one thread, a commit for each group of changes.

A commit on the event loop would stall every connection for as long as the disk takes, so the loop
only queues the change and hears of the commit. What piles up while a commit runs goes into the
next one. A change is answered only after its commit.
"""

import json
import logging
import queue
import sqlite3
import threading
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from typing import Final

from leveret.broker.seams import DefinitionStore, Pending
from leveret.errors import NotStored

log = logging.getLogger("leveret.store")

# Raised when what the tables mean changes; a newer folder is refused, an older one upgraded.
SCHEMA_VERSION: Final = 1
GROUP_MAX: Final = 1000
# Answers of one turn of the loop: with a thing to make for each they take milliseconds.
ANSWERS_PER_TURN: Final = 200
# Kind of a definition that stands there while the first start makes its own.
FIRST_START: Final = "first start"

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS definition (
    kind TEXT NOT NULL,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    revision INTEGER NOT NULL,
    PRIMARY KEY (kind, key)
) WITHOUT ROWID;
"""


class DefinitionStoreError(NotStored):
    """The definitions cannot be read or written; the text says why, for a person."""


class _Change:
    """Rows (kind, key, value) to be written together; one without a value is deleted."""

    def __init__(self, rows: list[tuple[str, str, str | None]]) -> None:
        self.rows = rows
        self.answer = Pending()
        self.outcome: object = None


class _Copy:
    def __init__(self, path: str) -> None:
        self.path = path
        self.answer = Pending()


class SqliteDefinitions(DefinitionStore):
    """`path` is a file, or ":memory:". `on_loop` has a call made on the event loop.

    Raises `DefinitionStoreError` if the file cannot be opened or comes from a newer version.
    """

    def __init__(self, path: str, on_loop: Callable[[Callable[[], None]], object]) -> None:
        self._on_loop = on_loop
        self._changes: queue.SimpleQueue[_Change | _Copy | None] = queue.SimpleQueue()
        self._loaded: list[tuple[str, str, object, int]] = []
        self._revision = 0
        self._closed = False
        # Changes that were committed, or could not be, and why.
        self._to_answer: deque[tuple[_Change, Exception | None]] = deque()
        try:
            # Opened here, so that a broken file is reported at once; used by the thread only.
            self._database = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        except sqlite3.Error as error:
            raise DefinitionStoreError(f"cannot open the definitions in {path}: {error}") from error
        try:
            self._open()
        except (sqlite3.Error, ValueError) as error:
            self._database.close()
            raise DefinitionStoreError(f"cannot open the definitions in {path}: {error}") from error
        except DefinitionStoreError:
            self._database.close()
            raise
        self._thread = threading.Thread(target=self._run, name="definitions", daemon=True)
        self._thread.start()

    def load(self) -> list[tuple[str, str, object, int]]:
        return list(self._loaded)

    def put(self, kind: str, key: str, value: object) -> Pending:
        return self._ask(_Change([(kind, key, json.dumps(value, ensure_ascii=False))]))

    def delete(self, kind: str, key: str) -> Pending:
        return self._ask(_Change([(kind, key, None)]))

    def delete_all(self, definitions: Sequence[tuple[str, str]]) -> Pending:
        return self._ask(_Change([(kind, key, None) for kind, key in definitions]))

    def copy_to(self, path: str) -> Pending:
        """Copy everything, with the changes asked for so far, to an empty file; completes once that
        is done, and leaves syncing it to the caller."""
        copy = _Copy(path)
        if self._closed:
            copy.answer.fail(DefinitionStoreError("the definitions are closed"))
        else:
            self._changes.put(copy)
        return copy.answer

    def close(self) -> None:
        """Commit what is queued and close the file."""
        if self._closed:
            return
        self._closed = True
        self._changes.put(None)
        self._thread.join()
        self._database.close()

    def _open(self) -> None:
        database = self._database
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = FULL")
        version = database.execute("PRAGMA user_version").fetchone()[0]
        if version > SCHEMA_VERSION:
            raise DefinitionStoreError(
                f"the definitions are of version {version}, this program reads up to version "
                f"{SCHEMA_VERSION}: start the version of leveret that wrote them, or a newer one"
            )
        database.executescript(_SCHEMA)
        database.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
        if database.execute(f"SELECT 1 FROM definition WHERE kind = '{FIRST_START}'").fetchone():
            # A part of what it makes, say a user without permissions, would stay so for ever.
            log.warning("the first start was broken off and begins again")
            database.execute("DELETE FROM definition")
        # Octets that are no UTF-8 are damage to one definition, not to all of them.
        database.text_factory = lambda octets: octets.decode(errors="surrogateescape")
        rows = database.execute(
            "SELECT kind, key, CAST(value AS BLOB), revision FROM definition"
        ).fetchall()
        database.text_factory = str
        self._loaded = [
            (kind, key, _value(kind, key, octets), revision) for kind, key, octets, revision in rows
        ]
        self._revision = max((row[3] for row in self._loaded), default=0)

    def _ask(self, change: _Change) -> Pending:
        if self._closed:
            change.answer.fail(DefinitionStoreError("the definitions are closed"))
            return change.answer
        for kind, key, value in change.rows:
            try:
                (kind + key + (value or "")).encode()
            except UnicodeEncodeError:
                change.answer.fail(DefinitionStoreError(f"{key!r} is not valid Unicode"))
                return change.answer
        self._changes.put(change)
        return change.answer

    # --- on the loop again ---

    def _committed(self, group: list[_Change], failure: Exception | None) -> None:
        begin = not self._to_answer
        self._to_answer.extend((change, failure) for change in group)
        if begin:
            self._answer_some()

    def _answer_some(self) -> None:
        """Answer in the order of the changes, a part of a large group on each turn of the loop."""
        try:
            for _ in range(min(len(self._to_answer), ANSWERS_PER_TURN)):
                change, failure = self._to_answer.popleft()
                if failure is None:
                    change.answer.complete(change.outcome)
                else:
                    change.answer.fail(failure)
        finally:
            if self._to_answer:
                self._on_loop(self._answer_some)

    # --- the thread ---

    def _run(self) -> None:
        running = True
        while running:
            change = self._changes.get()
            group: list[_Change] = []
            while isinstance(change, _Change):
                group.append(change)
                if len(group) == GROUP_MAX or self._changes.empty():
                    break
                change = self._changes.get()
            running = change is not None
            if group:
                self._commit(group)
            if isinstance(change, _Copy):
                self._copy(change)
            # Who has asked need not stay until somebody asks again.
            del change, group

    def _copy(self, copy: _Copy) -> None:
        failure: Exception | None = None
        try:
            with closing(sqlite3.connect(copy.path)) as target:
                self._database.backup(target)
        except Exception as error:
            failure = DefinitionStoreError(f"the definitions could not be copied: {error}")
        self._on_loop(lambda: _answer_copy(copy, failure))

    def _commit(self, group: list[_Change]) -> None:
        failure: Exception | None = None
        try:
            self._database.execute("BEGIN IMMEDIATE")
            for change in group:
                self._apply(change)
            self._database.execute("COMMIT")
        except Exception as error:
            # Whatever it is: those who asked must hear of it, and the thread must go on.
            failure = DefinitionStoreError(
                f"the definitions could not be written: {error}",
                remedy="see whether the data folder's disk has room and can be written to",
            )
            # Should that fail too, so does every change from now on: no transaction in another.
            with suppress(sqlite3.Error):
                if self._database.in_transaction:
                    self._database.execute("ROLLBACK")
        self._on_loop(lambda: self._committed(group, failure))

    def _apply(self, change: _Change) -> None:
        for kind, key, value in change.rows:
            if value is None:
                cursor = self._database.execute(
                    "DELETE FROM definition WHERE kind = ? AND key = ?", (kind, key)
                )
                change.outcome = cursor.rowcount > 0
                continue
            self._revision += 1
            change.outcome = self._revision
            self._database.execute(
                "INSERT INTO definition VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE "
                "SET value = excluded.value, revision = excluded.revision",
                (kind, key, value, self._revision),
            )


def _value(kind: str, key: str, octets: bytes) -> object:
    try:
        (kind + key).encode()
        return json.loads(octets.decode())
    except (ValueError, RecursionError) as error:
        log.error("the definition of %s %r is damaged: %s", kind, key, error)
        return None


def _answer_copy(copy: _Copy, failure: Exception | None) -> None:
    if failure is None:
        copy.answer.complete(None)
    else:
        copy.answer.fail(failure)
