"""Every implementation of a seam keeps its contract, and the kits notice one that does not."""

import asyncio
import queue
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from mypy_extensions import i64

from leveret.access.mechanisms.amqplain import AmqPlain
from leveret.access.mechanisms.plain import Plain
from leveret.broker.exchanges import EXCHANGE_TYPES
from leveret.broker.exchanges.direct import DirectExchange
from leveret.broker.message import Message
from leveret.broker.seams import (
    Binding,
    Clock,
    Credentials,
    DefinitionStore,
    Destination,
    Exchange,
    Mechanism,
    MessageStore,
    Pending,
    Queue,
    StoreEvents,
    Timer,
)
from leveret.clock import LoopClock
from leveret.store.definitions import SqliteDefinitions
from leveret.store.memory import MemoryDefinitions, MemoryStore
from leveret.testing import ManualClock
from leveret.testing.kits import (
    check_clock,
    check_definition_store,
    check_exchange,
    check_mechanism,
    check_message_store,
)
from leveret.wire.properties import Properties
from leveret.wire.table import to_table

# --- exchanges ---


# Types that lead a message to one of their bindings, and a key that binds and routes.
PICKS_ONE = {
    "x-consistent-hash": "1",
    "x-local-random": "",
    "x-modulus-hash": "a.b",
    "x-random": "a.b",
}


# Arguments without which a type refuses to be declared.
NEEDED = {
    "x-delayed-message": to_table({"x-delayed-type": "topic"}),
    "x-message-deduplication": to_table({"x-cache-size": 100}),
}


@pytest.mark.parametrize("type_name", list(EXCHANGE_TYPES))
def test_every_exchange_type_keeps_the_contract(type_name: str) -> None:
    key = PICKS_ONE.get(type_name, "a.b")
    check_exchange(
        lambda: EXCHANGE_TYPES[type_name]("x", False, False, False, NEEDED.get(type_name, {})),
        binding=(key, {}),
        routing_key=key,
        picks_one=type_name in PICKS_ONE,
    )


@pytest.mark.parametrize("argument", [{"hash-header": "h"}, {"hash-property": "message_id"}])
def test_a_hash_exchange_keeps_the_contract_with_arguments(argument: dict[str, object]) -> None:
    make = EXCHANGE_TYPES["x-consistent-hash"]
    check_exchange(
        lambda: make("x", False, False, False, to_table(argument)),
        binding=("1", {}),
        headers=to_table({"h": 1}),
        picks_one=True,
    )


def test_a_headers_exchange_keeps_the_contract_with_headers() -> None:
    check_exchange(
        lambda: EXCHANGE_TYPES["headers"]("x", False, False, False, {}),
        binding=("", to_table({"x-match": "any", "h": 1})),
        headers=to_table({"h": 1, "i": 2}),
    )


class Forgetful(DirectExchange):
    def unbind(self, binding: Binding) -> None:
        pass


class Greedy(DirectExchange):
    """Takes all bindings to a destination away with one."""

    def unbind(self, binding: Binding) -> None:
        for each in list(self._by_key.get(binding.routing_key, [])):
            if each.destination is binding.destination:
                super().unbind(each)


class Leaky(DirectExchange):
    """Gives away the list that it keeps."""

    def bind(self, binding: Binding) -> None:
        super().bind(binding)
        self.kept = super().route(binding.routing_key, Properties)

    def route(self, routing_key: str, properties: Callable[[], Any]) -> list[Destination]:
        return self.kept if super().route(routing_key, properties) else []


class Curious(DirectExchange):
    """Reads properties without saying so."""

    def route(self, routing_key: str, properties: Callable[[], Any]) -> list[Destination]:
        properties()
        return super().route(routing_key, properties)


@pytest.mark.parametrize("broken", [Forgetful, Greedy, Leaky, Curious])
def test_a_broken_exchange_is_noticed(broken: type[Exchange]) -> None:
    with pytest.raises(AssertionError):
        check_exchange(lambda: broken("x", False, False, False, {}))


# --- message stores ---


def a_memory_store(events: StoreEvents) -> MessageStore:
    store = MemoryStore()
    store.events = events
    return store


class Repeating(MemoryStore):
    def append(self, message: Message, queues: list[Queue]) -> i64:
        super().append(message, queues)
        return super().append(message, queues)


class Free(MemoryStore):
    def append(self, message: Message, queues: list[Queue]) -> i64:
        super().append(message, queues)
        return 0


class Late(MemoryStore):
    def is_durable(self, ticket: i64) -> bool:
        return False


def test_the_memory_store_keeps_the_contract() -> None:
    check_message_store(a_memory_store)


@pytest.mark.parametrize("broken", [Repeating, Free, Late])
def test_a_broken_message_store_is_noticed(broken: type[MemoryStore]) -> None:
    def make(events: StoreEvents) -> MessageStore:
        store = broken()
        store.events = events
        return store

    with pytest.raises(AssertionError):
        check_message_store(make)


# --- definition stores ---


class Loop:
    """An event loop of the test's own: what other threads want called, called here."""

    def __init__(self) -> None:
        self.calls: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self.stores: list[SqliteDefinitions] = []

    def open(self, path: str) -> SqliteDefinitions:
        self.stores.append(SqliteDefinitions(path, self.calls.put))
        return self.stores[-1]

    def answered(self, pending: Pending) -> object:
        while not pending.done:
            self.calls.get(timeout=10)()
        if pending.error is not None:
            raise pending.error
        return pending.value

    def close(self) -> None:
        for store in self.stores:
            store.close()


@pytest.fixture
def loop() -> Iterator[Loop]:
    loop = Loop()
    yield loop
    loop.close()


def test_the_definitions_in_a_file_keep_the_contract(loop: Loop, tmp_path: Path) -> None:
    path = str(tmp_path / "definitions.sqlite")

    def reopen(store: DefinitionStore) -> DefinitionStore:
        loop.close()
        loop.stores.clear()
        return loop.open(path)

    check_definition_store(lambda: loop.open(path), answered=loop.answered, reopen=reopen)


def test_the_definitions_in_memory_keep_the_contract() -> None:
    check_definition_store(MemoryDefinitions)


def test_definitions_that_are_never_written_keep_the_contract(loop: Loop) -> None:
    """SQLite's `:memory:` cannot be reopened; it is asked by the connection that it has."""

    class Seen(DefinitionStore):
        def __init__(self, store: SqliteDefinitions) -> None:
            self.store = store
            self.put, self.delete = store.put, store.delete  # type: ignore[method-assign]
            self.delete_all = store.delete_all  # type: ignore[method-assign]

        def load(self) -> list[tuple[str, str, object, int]]:
            self.store._open()
            return self.store.load()

    check_definition_store(lambda: Seen(loop.open(":memory:")), answered=loop.answered)


class Careless(MemoryDefinitions):
    """Has one revision for all."""

    def put(self, kind: str, key: str, value: object) -> Pending:
        super().put(kind, key, value)
        return Pending.of(1)


class Confused(MemoryDefinitions):
    """Keeps keys of all kinds together."""

    def put(self, kind: str, key: str, value: object) -> Pending:
        return super().put("kind", key, value)


class Forgetful(MemoryDefinitions):
    """Deletes the first of several."""

    def delete_all(self, definitions: Sequence[tuple[str, str]]) -> Pending:
        return super().delete_all(definitions[:1])


@pytest.mark.parametrize("broken", [Careless, Confused, Forgetful])
def test_a_broken_definition_store_is_noticed(broken: type[DefinitionStore]) -> None:
    with pytest.raises(AssertionError):
        check_definition_store(broken)


# --- clocks ---


def advance(clock: Clock, seconds: float) -> None:
    assert isinstance(clock, ManualClock)
    clock.advance(seconds)


def test_the_manual_clock_keeps_the_contract() -> None:
    check_clock(ManualClock, advance)


def test_the_loop_s_clock_keeps_the_contract() -> None:
    with asyncio.Runner() as runner:
        loop = runner.get_loop()

        def let_pass(clock: Clock, seconds: float) -> None:
            over = loop.create_future()
            loop.call_later(seconds, over.set_result, None)
            runner.run(_wait_for(over))

        # asyncio makes calls that are due within the resolution of its clock.
        check_clock(lambda: LoopClock(loop), let_pass, unit=0.01, tolerance=0.001)


async def _wait_for(future: asyncio.Future[None]) -> None:
    await future


class Eager(ManualClock):
    """Makes what is overdue from inside `call_at`."""

    def call_at(self, when: float, callback: Callable[[], object]) -> Timer:
        timer = super().call_at(when, callback)
        if when <= self.now():
            self.advance(0)
        return timer


class Stubborn(ManualClock):
    """Knows no cancelling."""

    def call_at(self, when: float, callback: Callable[[], object]) -> Timer:
        super().call_at(when, callback)
        return super().call_at(when + 1e9, callback)


@pytest.mark.parametrize("broken", [Eager, Stubborn])
def test_a_broken_clock_is_noticed(broken: type[ManualClock]) -> None:
    with pytest.raises(AssertionError):
        check_clock(broken, advance)


# --- mechanisms ---


def test_plain_keeps_the_contract() -> None:
    check_mechanism(Plain, [b"\0guest\0s3cret"], "guest", b"s3cret")


def test_plain_carries_any_password() -> None:
    user = "grüße".encode()
    check_mechanism(Plain, [b"\0" + user + b"\0" + b"\xff\xfe"], "grüße", b"\xff\xfe")


def test_amqplain_keeps_the_contract() -> None:
    response = b"\x05LOGINS\x00\x00\x00\x05guest\x08PASSWORDS\x00\x00\x00\x06s3cret"
    check_mechanism(AmqPlain, [response], "guest", b"s3cret")


class Challenge(Mechanism):
    """Asks for the user first, and then for the password."""

    name = "CHALLENGE"
    user = ""

    def respond(self, response: bytes) -> Credentials | bytes:
        if not self.user:
            self.user = response.decode(errors="replace")
            return b"password?"
        return Credentials(self.user, response)


def test_a_mechanism_with_a_challenge_keeps_the_contract() -> None:
    check_mechanism(Challenge, [b"guest", b"s3cret"], "guest", b"s3cret")


class Crashing(Plain):
    def respond(self, response: bytes) -> Credentials | bytes:
        _, user, password = response.split(b"\0")
        return Credentials(user.decode(), password)


class Shouting(Plain):
    name = "plain text"


@pytest.mark.parametrize("broken", [Crashing, Shouting])
def test_a_broken_mechanism_is_noticed(broken: type[Mechanism]) -> None:
    with pytest.raises((AssertionError, ValueError)):
        check_mechanism(broken, [b"\0guest\0s3cret"], "guest", b"s3cret")
