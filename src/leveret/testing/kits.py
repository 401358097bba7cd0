"""What every implementation of a seam must do, as functions to call from a test of any kind.

    def test_my_exchange_type_keeps_the_contract() -> None:
        check_exchange(lambda: MyExchange("x", False, False, False, {}))

Each takes a way to make the implementation and, where answers may come later, a way to wait for
them. Each raises `AssertionError` at the first promise of `leveret.broker.seams` or of
`leveret.store.disk` that is not kept; what a type does beyond those promises (which messages its
bindings match, say) is its own to test.
"""

from collections.abc import Callable, Sequence
from itertools import permutations

from mypy_extensions import i64

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
)
from leveret.errors import MalformedArguments
from leveret.testing.disk_kit import check_disk
from leveret.wire.field import Table
from leveret.wire.frames import body_frames, header_frame
from leveret.wire.properties import Properties

__all__ = [
    "check_clock",
    "check_definition_store",
    "check_disk",
    "check_exchange",
    "check_mechanism",
    "check_message_store",
]

# Routing keys that have surprised somebody: empty, empty words, wildcards, long, not ASCII.
ODD_KEYS = ("", ".", "a..b", "#", "*", "*.#", "k" * 255, "grüße.世界", "a b\tc\n")


class Inert(Queue):
    """A queue that is only ever pointed at."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return self.name


# --- Exchange ---


def check_exchange(
    make: Callable[[], Exchange],
    *,
    binding: tuple[str, Table] = ("a.b", {}),
    routing_key: str = "a.b",
    headers: Table | None = None,
    picks_one: bool = False,
) -> None:
    """`make` makes an exchange without bindings. A binding with the key and arguments of `binding`
    must match a message with this routing key and these headers. `picks_one`: the type leads a
    message to one of the bindings that match, and not to all."""
    key, arguments = binding
    destinations: list[Destination] = [Inert("one"), make(), Inert("three")]

    def bindings(exchange: Exchange) -> list[Binding]:
        return [Binding(exchange, each, key, arguments) for each in destinations]

    def route(exchange: Exchange) -> list[Destination]:
        return exchange.route(routing_key, lambda: Properties(headers=headers))

    assert make().type_name, "a type has a name for exchange.declare"
    for odd in (routing_key, *ODD_KEYS):
        assert make().route(odd, Properties) == [], "an exchange without bindings routes nowhere"

    exchange = make()
    exchange.check_binding(key, arguments)
    for each in bindings(exchange):
        exchange.bind(each)
    for _ in range(2):
        reached = route(exchange)
        assert _leads(reached, destinations, picks_one), "what matches leads on, each time"
        reached.clear()
    for odd in ODD_KEYS:
        assert set(exchange.route(odd, Properties)) <= set(destinations), (
            "only what is bound is reached"
        )
    _check_properties_are_left_alone(exchange, routing_key)

    for order in permutations(range(len(destinations))):
        exchange = make()
        all_bindings = bindings(exchange)
        for each in all_bindings:
            exchange.bind(each)
        left = list(destinations)
        for place in order:
            exchange.unbind(all_bindings[place])
            left.remove(destinations[place])
            reached = route(exchange)
            assert _leads(reached, left, picks_one), "unbinding takes away one binding"
        exchange.bind(all_bindings[0])
        assert route(exchange) == [destinations[0]], "what was unbound can be bound again"

    _check_bindings_count_apart(make(), key, arguments, route)


def _check_properties_are_left_alone(exchange: Exchange, routing_key: str) -> None:
    asked: list[None] = []

    def properties() -> Properties:
        asked.append(None)
        return Properties()

    exchange.route(routing_key, properties)
    assert exchange.per_message or not asked, "`per_message` must be true to read properties"


def _check_bindings_count_apart(
    exchange: Exchange,
    key: str,
    arguments: Table,
    route: Callable[[Exchange], list[Destination]],
) -> None:
    twice = Inert("twice")
    first, second = (Binding(exchange, twice, key, dict(arguments)) for _ in range(2))
    exchange.bind(first)
    exchange.bind(second)
    exchange.unbind(first)
    assert route(exchange) == [twice], "the other binding to the same destination still leads there"
    exchange.unbind(second)
    assert route(exchange) == [], "nothing is left behind"


def _leads(found: Sequence[object], bound: Sequence[object], picks_one: bool) -> bool:
    if picks_one:
        return len(found) == min(1, len(bound)) and set(found) <= set(bound)
    return sorted(map(id, found)) == sorted(map(id, bound))


# --- MessageStore ---


class _Recorder(StoreEvents):
    def __init__(self) -> None:
        self.order: list[tuple[Message, list[Queue], int]] = []
        self.durable_up_to = 0
        self.on_enqueued: Callable[[Queue, int], object] | None = None

    def enqueued(self, message: Message, queues: list[Queue], ticket: i64) -> None:
        self.order.append((message, list(queues), int(ticket)))
        if self.on_enqueued is not None:
            for queue in queues:
                self.on_enqueued(queue, int(ticket))

    def durable(self, shard: int, up_to: int) -> None:
        assert up_to >= self.durable_up_to, "what is durable stays durable"
        self.durable_up_to = up_to

    def failed(self, shard: int, reason: str) -> None:
        raise AssertionError(f"the store failed: {reason}")


def check_message_store(
    make: Callable[[StoreEvents], MessageStore],
    *,
    commit: Callable[[MessageStore], object] = lambda store: None,
) -> None:
    """`make` makes an empty store of one shard that tells these events; `commit` waits until all
    that was given to it has been raised as `enqueued` and is durable."""
    _check_appending(make, commit)
    _check_settling(make, commit)


def _check_appending(
    make: Callable[[StoreEvents], MessageStore], commit: Callable[[MessageStore], object]
) -> None:
    events = _Recorder()
    store = make(events)
    here, there = Inert("here"), Inert("there")
    sent: list[tuple[Message, list[Queue], int]] = []
    told: list[int] = []
    for number, targets in enumerate(([here], [here, there], [there], [here])):
        message = _message(b"%d" % number)
        queues: list[Queue] = list(targets)
        ticket = int(store.append(message, queues))
        sent.append((message, list(targets), ticket))
        if not store.is_durable(ticket):
            told.append(ticket)
    tickets = [ticket for *_, ticket in sent]
    assert tickets[0] >= 1, "0 is the ticket of what was never stored"
    assert tickets == sorted(set(tickets)), "tickets ascend"
    commit(store)
    assert events.order == sent, "`enqueued` tells of each message once, in order, with its ticket"
    assert all(store.is_durable(ticket) for ticket in tickets)
    assert not told or events.durable_up_to >= told[-1], "`durable` tells what was waited for"


def _check_settling(
    make: Callable[[StoreEvents], MessageStore], commit: Callable[[MessageStore], object]
) -> None:
    events = _Recorder()
    store = make(events)
    here, there = Inert("here"), Inert("there")
    # A consumer without acknowledgement settles before `append` has returned.
    events.on_enqueued = lambda queue, ticket: store.settle(queue, ticket)
    at_once = int(store.append(_message(b"gone"), [here, there]))
    commit(store)
    events.on_enqueued = None
    tickets = [int(store.append(_message(b"kept"), [here, there])) for _ in range(5)]
    assert tickets[0] > at_once, "tickets ascend"
    store.settle(there, tickets[3])
    # Queues that count tell of what comes back.
    store.returned(here, tickets[2], 1, 1)
    commit(store)
    for ticket in reversed(tickets):
        store.settle(here, ticket)
    last = int(store.append(_message(b"after"), [there]))
    commit(store)
    assert all(store.is_durable(ticket) for ticket in (at_once, *tickets, last)), (
        "a confirm may leave also for what has been settled since"
    )


def _message(body: bytes) -> Message:
    header = header_frame(1, b"\x10\x00\x02", len(body))
    frames = header + body_frames(1, body, 4096)
    return Message(frames, b"\x00\x01q", 1, len(header), len(body), len(header), True)


# --- DefinitionStore ---

VALUES: tuple[object, ...] = (
    {},
    {"tags": ["administrator"], "password_hash": "kI3GCqW5", "limits": {"max": -1, "ratio": 0.5}},
    {"text": "grüße\n\x00", "yes": True, "nothing": None},
    [],
    ["a", 1],
    "",
    0,
    1 << 62,
    None,
)


def check_definition_store(
    make: Callable[[], DefinitionStore],
    *,
    answered: Callable[[Pending], object] = lambda pending: _answer(pending),
    reopen: Callable[[DefinitionStore], DefinitionStore] = lambda store: store,
) -> None:
    """`make` makes an empty store; `answered` waits for an answer and returns it, or raises the
    error; `reopen` closes a store and opens what it kept."""
    store = make()
    assert store.load() == [], "a new store is empty"
    assert answered(store.delete("user", "nobody")) is False, "nothing was there to delete"

    revisions = [answered(store.put("kind", f"{n}", value)) for n, value in enumerate(VALUES)]
    revisions.append(answered(store.put("other", "0", "another kind")))
    revisions.append(answered(store.put("permissions", "a\x00b", "a key may hold any character")))
    revisions.append(answered(store.put("kind", "ключ 世界 \U0001f407", "of any script")))
    assert _ascend(revisions), "each change has a revision above the last"

    replaced = answered(store.put("kind", "0", "replaced"))
    assert answered(store.delete("kind", "1")) is True
    assert answered(store.delete("kind", "1")) is False, "it was deleted before"
    expected: dict[tuple[str, str], object] = {
        ("kind", f"{n}"): value for n, value in enumerate(VALUES)
    }
    expected["kind", "0"] = "replaced"
    expected["other", "0"] = "another kind"
    expected["permissions", "a\x00b"] = "a key may hold any character"
    expected["kind", "ключ 世界 \U0001f407"] = "of any script"
    del expected["kind", "1"]

    store = reopen(store)
    rows = store.load()
    assert {(kind, key): value for kind, key, value, _ in rows} == expected
    assert len(rows) == len(expected), "one row for each kind and key"
    assert _ascend([*revisions, replaced]), "a replacement has a revision of its own"
    assert max(revision for *_, revision in rows) == replaced
    assert _ascend([replaced, answered(store.put("kind", "2", "later"))]), "also once reopened"
    _check_deleting_together(store, answered)
    store = reopen(store)
    left = {key for kind, key, *_ in store.load() if kind == "together"}
    assert left == {"2", "later"}, "`delete_all` deletes what it is told, in the order of asking"
    _check_changes_keep_their_order(store, answered, reopen)


def _check_deleting_together(store: DefinitionStore, answered: Callable[[Pending], object]) -> None:
    for number in range(4):
        store.put("together", f"{number}", number)
    store.put("together", "later", "before")
    store.delete_all([("together", "0"), ("together", "later"), ("nobody", "knows")])
    store.put("together", "later", "after")
    answered(store.delete_all([("together", "1"), ("together", "3")]))


def _check_changes_keep_their_order(
    store: DefinitionStore,
    answered: Callable[[Pending], object],
    reopen: Callable[[DefinitionStore], DefinitionStore],
) -> None:
    answers: list[object] = []
    asked = [store.put("order", "same key", n) for n in range(50)]
    asked.append(store.delete("order", "same key"))
    asked.append(store.put("order", "same key", "last"))
    for pending in asked:
        pending.then(answers.append)
    answered(store.put("order", "behind", None))
    assert len(answers) == len(asked), "every change is answered, once, before later ones"
    *revisions, deleted, last = answers
    assert _ascend([*revisions, last]), "in the order of asking"
    assert deleted is True
    kept = {(kind, key): value for kind, key, value, _ in reopen(store).load()}
    assert kept["order", "same key"] == "last"


def _ascend(revisions: Sequence[object]) -> bool:
    numbers = [each for each in revisions if isinstance(each, int)]
    return len(numbers) == len(revisions) and numbers == sorted(set(numbers))


def _answer(pending: Pending) -> object:
    assert pending.done, "there is no answer; pass `answered` to wait for it"
    if pending.error is not None:
        raise pending.error
    return pending.value


# --- Clock ---


def check_clock(
    make: Callable[[], Clock],
    let_pass: Callable[[Clock, float], object],
    *,
    unit: float = 1.0,
    tolerance: float = 0.0,
) -> None:
    """`let_pass` returns once so many seconds have passed and the calls due have been made. The
    check takes about ten times `unit` seconds; calls may come early by `tolerance` of a second."""
    clock = make()
    start = clock.now()
    made: list[tuple[str, float]] = []

    def call(name: str) -> Callable[[], None]:
        return lambda: made.append((name, clock.now()))

    clock.call_at(start + 3 * unit, call("third"))
    clock.call_at(start + 1 * unit, call("first"))
    dropped = clock.call_at(start + 1.5 * unit, call("dropped"))
    second = clock.call_at(start + 2 * unit, call("second"))
    clock.call_at(start - 100 * unit, call("overdue"))
    assert made == [], "no call is made from inside `call_at`"
    dropped.cancel()
    dropped.cancel()
    let_pass(clock, 5 * unit)
    assert [name for name, _ in made] == ["overdue", "first", "second", "third"]
    for (name, at), due in zip(made, (0, 1, 2, 3), strict=True):
        assert at >= start + due * unit - tolerance, f"the {name} call was made before its time"
    moments = [start, *(at for _, at in made), clock.now()]
    assert moments == sorted(moments), "time never goes back"
    assert clock.now() >= start + 5 * unit - tolerance
    second.cancel()
    _check_calls_beget_calls(clock, let_pass, unit)


def _check_calls_beget_calls(
    clock: Clock, let_pass: Callable[[Clock, float], object], unit: float
) -> None:
    made: list[str] = []
    inside: list[bool] = []

    def first() -> None:
        inside.append(True)
        clock.call_at(clock.now(), again)
        inside.pop()
        made.append("first")

    def again() -> None:
        assert not inside, "no call is made from inside `call_at`"
        made.append("again")
        other.cancel()

    clock.call_at(clock.now() + unit, first)
    other = clock.call_at(clock.now() + 3 * unit, lambda: made.append("cancelled on the way"))
    let_pass(clock, 4 * unit)
    assert made == ["first", "again"]
    let_pass(clock, unit)
    assert made == ["first", "again"], "each call is made once"


# --- Mechanism ---

JUNK = (b"", b"\x00", b"\x00\x00\x00", b"\xff" * 20, b"A" * 5000, bytes(range(256)))


def check_mechanism(
    make: Callable[[], Mechanism],
    responses: Sequence[bytes],
    user: str,
    password: bytes | None,
) -> None:
    """`responses` are what a client sends, one after the other, to log in as this user; no password
    where the mechanism knows the user by other means."""
    name = make().name
    allowed = set("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_")
    assert 1 <= len(name) <= 20, "RFC 4422 §3.1: 1 to 20 characters"
    assert set(name) <= allowed, "RFC 4422 §3.1: capitals, digits, hyphens, underscores"
    for _ in range(2):
        mechanism = make()
        *challenged, last = responses
        for response in challenged:
            assert isinstance(mechanism.respond(response), bytes), "a challenge follows"
        outcome = mechanism.respond(last)
        assert isinstance(outcome, Credentials), "the last response gives credentials"
        assert (outcome.user, outcome.password) == (user, password)
    for junk in (*JUNK, *_damaged(responses[0])):
        try:
            outcome = make().respond(junk)
        except MalformedArguments:
            continue
        assert isinstance(outcome, Credentials | bytes), "or else it is refused"


def _damaged(response: bytes) -> list[bytes]:
    cut = [response[:size] for size in range(len(response))]
    flipped = [
        response[:at] + bytes([response[at] ^ 0xFF]) + response[at + 1 :]
        for at in range(len(response))
    ]
    return cut + flipped
