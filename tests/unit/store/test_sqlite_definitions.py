"""Definitions in a file: kept, in order, and a disk that fails fails an answer, not the broker."""

import queue
import sqlite3
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from leveret.broker.seams import Pending
from leveret.store.definitions import (
    ANSWERS_PER_TURN,
    SCHEMA_VERSION,
    DefinitionStoreError,
    SqliteDefinitions,
)


class Definitions:
    """A file with definitions, opened as often as a test wants; calls are made on its thread."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.calls: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self.called = 0
        self.store: SqliteDefinitions | None = None

    def open(self) -> SqliteDefinitions:
        self.close()
        self.store = SqliteDefinitions(str(self.path), self.calls.put)
        return self.store

    def close(self) -> None:
        if self.store is not None:
            self.store.close()
            self.store = None

    def answer(self, pending: Pending) -> object:
        while not pending.done:
            self.calls.get(timeout=10)()
            self.called += 1
        if pending.error is not None:
            raise pending.error
        return pending.value

    @contextmanager
    def locked(self) -> Iterator[None]:
        """While another program writes to the file, nothing is committed."""
        database = sqlite3.connect(self.path, isolation_level=None)
        database.execute("BEGIN IMMEDIATE")
        yield
        database.execute("COMMIT")
        database.close()

    def sql(self, script: str) -> list[tuple[object, ...]]:
        """What another program does to the file."""
        database = sqlite3.connect(self.path)
        rows = list(database.execute(script))
        database.commit()
        database.close()
        return rows


@pytest.fixture
def file(tmp_path: Path) -> Iterator[Definitions]:
    definitions = Definitions(tmp_path / "definitions.sqlite")
    yield definitions
    definitions.close()


def test_what_was_answered_is_there_after_reopening(file: Definitions) -> None:
    store = file.open()
    revision = file.answer(store.put("vhost", "/", {"a": 1}))
    assert file.open().load() == [("vhost", "/", {"a": 1}, revision)]


def test_what_was_asked_before_the_close_is_committed(file: Definitions) -> None:
    store = file.open()
    for number in range(3000):
        store.put("user", f"{number}", number)
    assert len(file.open().load()) == 3000


def test_what_piles_up_is_committed_together_and_answered_in_order(file: Definitions) -> None:
    store = file.open()
    answers: list[object] = []
    with file.locked():
        for number in range(150):
            store.put("user", "same", number).then(answers.append)
    file.answer(store.put("user", "last", None))
    assert answers == list(range(1, 151))
    assert file.called <= 3, "a commit for what came first, one for the rest, one for the last"


def test_many_are_answered_over_several_turns_and_in_order(file: Definitions) -> None:
    """One whose asker makes a mistake keeps none of those behind it waiting."""
    store = file.open()
    answers: list[object] = []
    turns: list[int] = []
    count = 5 * ANSWERS_PER_TURN // 2

    def fail(_revision: object) -> None:
        raise ValueError("of nobody knows what")

    with file.locked():
        for number in range(count):
            store.put("user", "same", number).then(fail if number == 3 else answers.append)
    while len(answers) < count - 1:
        before = len(answers)
        with suppress(ValueError):
            file.calls.get(timeout=10)()
        turns.append(len(answers) - before)
    assert answers == [revision for revision in range(1, count + 1) if revision != 4]
    assert max(turns) <= ANSWERS_PER_TURN


def test_revisions_go_on_after_reopening(file: Definitions) -> None:
    first = file.answer(file.open().put("user", "a", 1))
    second = file.answer(file.open().put("user", "b", 2))
    assert isinstance(first, int)
    assert isinstance(second, int)
    assert second > first


def test_a_commit_is_on_disk_before_its_answer(file: Definitions) -> None:
    file.answer(file.open().put("user", "a", 1))
    assert file.sql("SELECT key FROM definition") == [("a",)]
    assert file.sql("PRAGMA journal_mode") == [("wal",)]


# --- a disk that fails ---

FULL = "CREATE TRIGGER full BEFORE INSERT ON definition BEGIN SELECT RAISE(FAIL, 'disk full'); END"


def test_a_write_that_fails_fails_the_answer(file: Definitions) -> None:
    store = file.open()
    file.sql(FULL)
    with pytest.raises(DefinitionStoreError, match=r"could not be written: .*disk full"):
        file.answer(store.put("user", "a", 1))


def test_the_store_goes_on_after_a_failed_write(file: Definitions) -> None:
    store = file.open()
    file.sql(FULL)
    refused = [store.put("user", f"{number}", number) for number in range(3)]
    for each in refused:
        with pytest.raises(DefinitionStoreError):
            file.answer(each)
    file.sql("DROP TRIGGER full")
    file.answer(store.put("user", "kept", 1))
    assert [row[1] for row in file.open().load()] == ["kept"]


class NoRollback:
    """A connection to a disk that takes nothing, not even the end of a transaction."""

    in_transaction = True

    def __init__(self, database: sqlite3.Connection) -> None:
        self.database = database

    def execute(self, *_statement: object) -> None:
        raise sqlite3.OperationalError("disk I/O error")

    def close(self) -> None:
        self.database.close()


def test_a_rollback_that_fails_too_leaves_nobody_without_an_answer(file: Definitions) -> None:
    store = file.open()
    store._database = NoRollback(store._database)
    for number in range(2):
        with pytest.raises(DefinitionStoreError, match="disk I/O error"):
            file.answer(store.put("user", f"{number}", 1))


def test_a_group_that_fails_is_undone_whole(file: Definitions) -> None:
    store = file.open()
    file.sql(FULL.replace("BEGIN SELECT", "WHEN new.key = 'bad' BEGIN SELECT"))
    answers = [store.put("user", key, 1) for key in ("a", "bad", "b")]
    kept = set()
    for key, pending in zip(("a", "bad", "b"), answers, strict=True):
        try:
            file.answer(pending)
            kept.add(key)
        except DefinitionStoreError:
            pass
    assert "bad" not in kept
    assert {row[1] for row in file.open().load()} == kept, "answered is kept, refused is not"


def test_a_value_that_no_file_can_hold_fails_its_answer_and_no_other(file: Definitions) -> None:
    """A name from the environment may hold octets that are not UTF-8."""
    store = file.open()
    odd = store.put("user", "not \udcff UTF-8", {})
    after = store.put("user", "plain", {})
    for pending in (odd, after):
        try:
            file.answer(pending)
        except DefinitionStoreError:
            assert pending is odd
    file.answer(store.put("user", "later", {}))
    assert {row[1] for row in file.open().load()} >= {"plain", "later"}


def test_a_change_after_the_close_fails(file: Definitions) -> None:
    store = file.open()
    file.close()
    pending = store.put("user", "late", 1)
    assert pending.done
    assert isinstance(pending.error, DefinitionStoreError)


# --- files that are not ours ---


def test_a_file_of_a_newer_version_is_refused_with_a_sentence(file: Definitions) -> None:
    file.open()
    file.close()
    file.sql(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    with pytest.raises(DefinitionStoreError, match=r"start the version of leveret that wrote"):
        file.open()
    assert file.sql("PRAGMA user_version") == [(SCHEMA_VERSION + 1,)], "and left alone"


def test_a_file_that_is_no_database_is_refused_with_a_sentence(file: Definitions) -> None:
    file.path.write_text("These are not the definitions you are looking for.\n" * 100)
    with pytest.raises(DefinitionStoreError, match=r"cannot open the definitions in .*sqlite"):
        file.open()


def test_a_folder_is_refused_with_a_sentence(file: Definitions) -> None:
    file.path.mkdir()
    with pytest.raises(DefinitionStoreError, match=r"cannot open the definitions in .*sqlite"):
        file.open()


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("'a'", "'{not json'"),
        ("'a'", "''"),
        ("'a'", "CAST(x'7bff7d' AS TEXT)"),
        ("CAST(x'61ff' AS TEXT)", "'{}'"),
        ("'a'", f"'{'[' * 100_000}'"),
    ],
)
def test_a_definition_that_is_damaged_is_named_in_the_log_and_kept(
    file: Definitions, caplog: pytest.LogCaptureFixture, key: str, value: str
) -> None:
    file.answer(file.open().put("user", "b", {}))
    file.close()
    file.sql(f"INSERT INTO definition VALUES ('user', {key}, {value}, 2)")
    store = file.open()
    (_, damaged, nothing, revision), whole = store.load()
    assert (damaged[0], nothing, revision) == ("a", None, 2)
    assert whole == ("user", "b", {}, 1)
    assert f"the definition of user {damaged!r} is damaged: " in caplog.text
    file.answer(store.put("user", "c", {}))
    assert file.sql(f"SELECT value = {value} FROM definition WHERE revision = 2") == [(1,)]


def test_what_is_deleted_together_is_deleted_in_one_commit(file: Definitions) -> None:
    store = file.open()
    for number in range(5):
        file.answer(store.put("queue", f"{number}", {}))
    file.sql(
        "CREATE TRIGGER full BEFORE DELETE ON definition WHEN old.key = '2' "
        "BEGIN SELECT RAISE(FAIL, 'disk full'); END"
    )
    several = [("queue", f"{number}") for number in range(4)]
    with pytest.raises(DefinitionStoreError, match="disk full"):
        file.answer(store.delete_all(several))
    assert len(file.open().load()) == 5, "all or none"
    file.sql("DROP TRIGGER full")
    file.answer(file.open().delete_all(several))
    assert [row[1] for row in file.open().load()] == ["4"]


class Asker:
    """Somebody who waits for an answer."""

    def hear(self, _answer: object) -> None:
        return None


def test_who_has_asked_is_not_kept_until_somebody_asks_again(file: Definitions) -> None:
    store, gone = file.open(), threading.Event()
    asker = Asker()
    weakref.finalize(asker, gone.set)
    answer = store.put("vhost", "/", {})
    answer.then(asker.hear)
    file.answer(answer)
    del asker, answer
    assert gone.wait(5.0)
