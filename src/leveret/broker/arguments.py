"""The arguments of queue.declare and exchange.declare: one table, a row for each.

The table is read by declare (is the value acceptable, does the queue type know it) and by the
redeclare check (an argument that is not in the table is neither checked nor compared, as in
RabbitMQ). Refusals carry RabbitMQ's texts, which print Erlang terms. Rows are in the order in
which RabbitMQ checks them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from leveret.broker.rules import RETRY_TYPES
from leveret.errors import SHORT_STRING_MAX, InternalError, PreconditionFailed
from leveret.wire.table import KIND_NAMES, Field

if TYPE_CHECKING:
    from leveret.broker.compat import Compat
    from leveret.wire.table import Table

INTEGER_KINDS: Final = frozenset(ord(kind) for kind in "bBsuIilL")
TEN_YEARS_MS: Final = 315_360_000_000
MAX_PRIORITY: Final = 255

Check = Callable[[Field], str]

CLASSIC: Final = frozenset({"classic"})
QUORUM: Final = frozenset({"quorum"})
BOTH: Final = CLASSIC | QUORUM
STREAM: Final = frozenset({"stream"})


class Argument:
    """One row. `check` returns the reason for a refusal as RabbitMQ prints it, or nothing.

    `obeyed` is false for what is accepted for the sake of existing programs and does nothing yet;
    a declare that carries it is warned about in the log.
    """

    def __init__(
        self, name: str, queue_types: frozenset[str], check: Check, doc: str, obeyed: bool = False
    ) -> None:
        self.name = name
        self.queue_types = queue_types
        self.check = check
        self.doc = doc
        self.obeyed = obeyed


def _unacceptable(field: Field) -> str:
    return f"{{unacceptable_type,{kind_name(field)}}}"


def _integer(field: Field) -> str:
    if field.kind not in INTEGER_KINDS:
        return f'"expected integer, got {kind_name(field)}"'
    assert isinstance(field.value, int)
    return f"{{value_negative,{field.value}}}" if field.value < 0 else ""


def _any(field: Field) -> str:
    return ""


def _integer_kind(field: Field) -> str:
    return "" if field.kind in INTEGER_KINDS else f'"expected integer, got {kind_name(field)}"'


def _positive(field: Field) -> str:
    return _integer(field) or ("{value_zero,0}" if field.value == 0 else "")


def _milliseconds(field: Field) -> str:
    reason = _integer(field)
    if reason:
        return reason
    assert isinstance(field.value, int)
    return f"{{value_too_large,{field.value}}}" if field.value > TEN_YEARS_MS else ""


def _expires(field: Field) -> str:
    if field.kind in INTEGER_KINDS and field.value == 0:
        return "{value_zero,0}"
    return _milliseconds(field)


def _priority(field: Field) -> str:
    reason = _integer(field)
    if reason:
        return reason
    assert isinstance(field.value, int)
    return f"{{max_value_exceeded,{field.value}}}" if field.value > MAX_PRIORITY else ""


def _text(field: Field) -> str:
    return "" if isinstance(field.value, bytes) and field.kind == ord("S") else _unacceptable(field)


def _routing_key(field: Field) -> str:
    reason = _text(field)
    if reason:
        return reason
    assert isinstance(field.value, bytes)
    size = len(field.value)
    return f"{{max_length_exceeded,{size}}}" if size > SHORT_STRING_MAX else ""


def _boolean(field: Field) -> str:
    return "" if field.kind == ord("t") else _unacceptable(field)


def _one_of(values: tuple[str, ...], reason: str) -> Check:
    def check(field: Field) -> str:
        return _text(field) or ("" if text_of(field) in values else reason)

    return check


def _queue_type(field: Field) -> str:
    reason = _text(field)
    if reason:
        return reason
    name = text_of(field)
    return "" if name in ("classic", "quorum") else f"\"unsupported queue type '{name}'\""


def _queue_mode(field: Field) -> str:
    reason = _text(field)
    if reason:
        return reason
    mode = text_of(field)
    return "" if mode in ("default", "lazy") else f"\"unsupported queue mode '{mode}'\""


def _queue_version(field: Field) -> str:
    reason = _integer(field)
    if reason:
        return reason
    return "" if field.value in (1, 2) else f"\"unsupported queue version '{field.value}'\""


ARGUMENTS: Final[dict[str, Argument]] = {
    row.name: row
    for row in (
        Argument(
            "x-expires", BOTH, _expires, "Milliseconds unused until the queue is deleted.", True
        ),
        Argument("x-message-ttl", BOTH, _milliseconds, "Milliseconds a message may wait.", True),
        Argument(
            "x-dead-letter-exchange", BOTH, _any, "Exchange for dead-lettered messages.", True
        ),
        Argument(
            "x-dead-letter-routing-key",
            BOTH,
            _routing_key,
            "Routing key for dead-lettering.",
            True,
        ),
        Argument(
            "x-dead-letter-strategy",
            QUORUM,
            _one_of(("at-most-once", "at-least-once"), "invalid_dlx_strategy"),
            "Whether a dead letter stays until it is taken.",
            True,
        ),
        Argument("x-max-length", BOTH, _integer, "Ready messages the queue may hold.", True),
        Argument("x-max-length-bytes", BOTH, _integer, "Octets of ready bodies it may hold.", True),
        Argument("x-max-in-memory-length", QUORUM, _integer, "Ignored, as in RabbitMQ 4."),
        Argument("x-max-in-memory-bytes", QUORUM, _integer, "Ignored, as in RabbitMQ 4."),
        Argument("x-max-priority", CLASSIC, _priority, "Number of priorities.", True),
        Argument(
            "x-overflow",
            BOTH,
            _one_of(("drop-head", "reject-publish", "reject-publish-dlx"), "invalid_overflow"),
            "What happens to a message beyond the limit.",
            True,
        ),
        Argument("x-queue-mode", CLASSIC, _queue_mode, "Ignored, as in RabbitMQ 3.12."),
        Argument("x-queue-version", CLASSIC, _queue_version, "Ignored: there is one version."),
        Argument("x-single-active-consumer", BOTH, _boolean, "One consumer at a time.", True),
        Argument("x-message-deduplication", BOTH, _boolean, "No message twice, by a header.", True),
        Argument("x-queue-type", BOTH, _queue_type, "classic or quorum.", obeyed=True),
        Argument("x-quorum-initial-group-size", QUORUM, _positive, "Ignored on one node."),
        Argument("x-delivery-limit", BOTH, _any, "Returns before dead-lettering.", True),
        Argument(
            "x-delayed-retry-type",
            BOTH,
            _one_of(RETRY_TYPES, "invalid_delayed_retry_type"),
            "Which messages that come back wait: disabled, all, failed, returned.",
            True,
        ),
        Argument("x-delayed-retry-min", BOTH, _milliseconds, "Milliseconds they wait.", True),
        Argument("x-delayed-retry-max", BOTH, _milliseconds, "Milliseconds at the most.", True),
        Argument("x-max-age", STREAM, _text, "Retention of a stream."),
        Argument("x-stream-max-segment-size-bytes", STREAM, _integer, "Segment of a stream."),
        Argument("x-initial-cluster-size", STREAM, _integer, "Replicas of a stream."),
        Argument(
            "x-queue-leader-locator",
            QUORUM,
            _one_of(
                ("client-local", "balanced", "least-leaders", "random"),
                "invalid_queue_locator_arg",
            ),
            "Ignored on one node.",
        ),
        Argument("x-queue-master-locator", CLASSIC, _any, "Ignored on one node."),
    )
}

CONSUMER_ARGUMENTS: Final[dict[str, Argument]] = {
    row.name: row
    for row in (
        Argument("x-priority", BOTH, _integer_kind, "Consumers of higher priority go first.", True),
        Argument("x-cancel-on-ha-failover", BOTH, _boolean, "Ignored: there is no failover."),
        Argument("x-stream-offset", STREAM, _any, "Where a consumer of a stream begins."),
    )
}

# Not RabbitMQ's at this level, hence not in the table: neither refused on any type nor compared.
CONSUMER_TIMEOUT: Final = "x-consumer-timeout"


def kind_name(field: Field) -> str:
    """RabbitMQ's name for the type of a value."""
    return KIND_NAMES[field.kind]


def text_of(field: Field) -> str:
    """A long string as text; octets that are not UTF-8 are shown escaped."""
    assert isinstance(field.value, bytes)
    return field.value.decode(errors="backslashreplace")


def printed(field: Field) -> str:
    """A value as RabbitMQ's reply texts print it."""
    if isinstance(field.value, bytes):
        return text_of(field)
    if isinstance(field.value, bool):
        return "true" if field.value else "false"
    return str(field.value)


def queue_type_of(arguments: Table) -> str:
    """The queue type that a declare asks for; one that is malformed is refused later."""
    field = arguments.get("x-queue-type")
    if field is None or _queue_type(field):
        return "classic"
    return text_of(field)


def check_queue_arguments(resource: str, arguments: Table) -> None:
    """Refuse, with 406, a value that is not acceptable or not known to the queue type."""
    field = arguments.get("x-queue-type")
    if field is not None and _queue_type(field):
        raise _invalid("x-queue-type", resource, _queue_type(field))
    queue_type = queue_type_of(arguments)
    foreign = ""
    for name, row in ARGUMENTS.items():
        field = arguments.get(name)
        if field is None:
            continue
        if queue_type not in row.queue_types:
            foreign = foreign or name
            continue
        reason = row.check(field)
        if name == "x-dead-letter-routing-key" and "x-dead-letter-exchange" not in arguments:
            reason = reason or "routing_key_but_no_dlx_defined"
        if reason:
            raise _invalid(name, resource, reason)
    timeout = arguments.get(CONSUMER_TIMEOUT)
    if timeout is not None and _milliseconds(timeout):
        raise _invalid(CONSUMER_TIMEOUT, resource, _milliseconds(timeout))
    if foreign:
        raise PreconditionFailed(
            f"invalid arg '{foreign}' for {resource} of queue type rabbit_{queue_type}_queue"
        )


def check_queue_properties(
    resource: str,
    durable: bool,
    exclusive: bool,
    auto_delete: bool,
    arguments: Table,
    compat: Compat,
) -> None:
    """Raise what a queue of the type that the arguments name cannot be: 406, or 541 for what the
    level of compatibility no longer has."""
    if queue_type_of(arguments) == "quorum":
        for refused, property_name in (
            (auto_delete, "auto-delete"),
            (exclusive, "exclusive-owner"),
            (not durable, "non-durable"),
        ):
            if refused:
                raise PreconditionFailed(f"invalid property '{property_name}' for {resource}")
    elif not (durable or exclusive or compat.transient_nonexclusive_queues):
        raise InternalError(
            "Feature `transient_nonexcl_queues` is deprecated.\n"
            "By default, this feature is not permitted anymore.",
            remedy="declare the queue durable or exclusive, or run with compat 4.2 or lower",
        )


def unobeyed(arguments: Table) -> list[str]:
    """The names of known arguments that do nothing yet."""
    return [name for name in arguments if name in ARGUMENTS and not ARGUMENTS[name].obeyed]


def check_consumer_arguments(resource: str, queue_type: str, arguments: Table) -> None:
    """Refuse, with 406, an argument of basic.consume that is not acceptable."""
    for name, row in CONSUMER_ARGUMENTS.items():
        field = arguments.get(name)
        if field is None:
            continue
        if queue_type not in row.queue_types:
            raise PreconditionFailed(
                f"invalid arg '{name}' for {resource} of queue type rabbit_{queue_type}_queue"
            )
        if row.check(field):
            raise _invalid(name, resource, row.check(field))


def exchange_named_by(arguments: Table, key: str, resource: str) -> str | None:
    """The exchange that a declare names (`alternate-exchange`, `x-dead-letter-exchange`)."""
    field = arguments.get(key)
    if field is None:
        return None
    if field.kind != ord("S"):
        raise PreconditionFailed(f"invalid type '{kind_name(field)}' for arg '{key}' in {resource}")
    return text_of(field)


def require_equivalent_arguments(
    resource: str, queue_type: str, current: Table, got: Table
) -> None:
    """Refuse, with 406, a redeclare of a queue of this type with other arguments."""
    for name, row in ARGUMENTS.items():
        if queue_type in row.queue_types:
            require_equivalent(resource, name, current.get(name), got.get(name))


def require_equivalent(resource: str, name: str, current: Field | None, got: Field | None) -> None:
    """Refuse, with 406, a redeclare whose argument is not the one in place."""
    if current is None and got is None:
        return
    if name == "x-queue-type" and _is_classic(current) and _is_classic(got):
        return
    if current is None or got is None:
        raise PreconditionFailed(
            f"inequivalent arg '{name}' for {resource}: "
            f"received {_described(got)} but current is {_described(current)}",
            remedy=REDECLARE_REMEDY,
        )
    same_type = kind_name(current) == kind_name(got) or {current.kind, got.kind} <= INTEGER_KINDS
    if not same_type or current.value != got.value:
        raise inequivalent(name, resource, printed(got), printed(current))


REDECLARE_REMEDY: Final = (
    "it exists with other properties: declare it with the same ones, use another name, "
    "or delete it first"
)


def inequivalent(name: str, resource: str, got: str, current: str) -> PreconditionFailed:
    """The refusal of a redeclare that differs in one property or argument."""
    return PreconditionFailed(
        f"inequivalent arg '{name}' for {resource}: received '{got}' but current is '{current}'",
        remedy=REDECLARE_REMEDY,
    )


def _is_classic(field: Field | None) -> bool:
    # A declare without x-queue-type means classic, so saying it is no difference.
    return field is None or field.value == b"classic"


def _described(field: Field | None) -> str:
    if field is None:
        return "none"
    return f"the value '{printed(field)}' of type '{kind_name(field)}'"


def _invalid(name: str, resource: str, reason: str) -> PreconditionFailed:
    return PreconditionFailed(f"invalid arg '{name}' for {resource}: {reason}")
