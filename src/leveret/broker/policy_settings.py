"""The settings that a policy may hold: one table, a row for each.

A row says which values are acceptable, in RabbitMQ's words, and which queue types know the setting:
a policy with a setting that a queue's type does not know is no policy for that queue.
"""

from collections.abc import Callable, Mapping
from typing import Final

from leveret.broker.arguments import TEN_YEARS_MS
from leveret.broker.rules import RETRY_TYPES
from leveret.broker.terms import pairs, term
from leveret.errors import SHORT_STRING_MAX
from leveret.wire.field import LONG_MAX

# What is wrong with a value; empty if nothing is.
Check = Callable[[object], str]

CLASSIC: Final = frozenset({"classic"})
QUORUM: Final = frozenset({"quorum"})
STREAM: Final = frozenset({"stream"})
QUEUES: Final = CLASSIC | QUORUM
REPLICATED: Final = QUORUM | STREAM
ALL: Final = QUEUES | STREAM

_AGE_UNITS: Final = "YMDhms"


class Setting:
    """One row. `operator`: an operator policy may hold it, too."""

    def __init__(
        self,
        name: str,
        queue_types: frozenset[str],
        check: Check,
        doc: str,
        *,
        operator: bool = False,
    ) -> None:
        self.name = name
        self.queue_types = queue_types
        self.check = check
        self.doc = doc
        self.operator = operator


def _at_least(minimum: int, what: str, maximum: int = LONG_MAX) -> Check:
    def check(value: object) -> str:
        acceptable = type(value) is int and minimum <= value <= maximum
        return "" if acceptable else f"{term(value)} is not a valid {what}"

    return check


def _milliseconds(minimum: int, what: str) -> Check:
    return _at_least(minimum, what, TEN_YEARS_MS)


def _text(what: str, octets_max: int | None = None) -> Check:
    def check(value: object) -> str:
        acceptable = isinstance(value, str) and _fits(value, octets_max)
        return "" if acceptable else f"{term(value)} is not a valid {what}"

    return check


def _fits(text: str, octets_max: int | None) -> bool:
    try:
        octets = text.encode()
    except UnicodeEncodeError:
        # JSON's escapes can name half a character.
        return False
    return octets_max is None or len(octets) <= octets_max


def _one_of(values: tuple[object, ...], what: str) -> Check:
    def check(value: object) -> str:
        acceptable = not isinstance(value, bool) and value in values
        return "" if acceptable else f"{term(value)} {what}"

    return check


def _age(value: object) -> str:
    if isinstance(value, str) and value[-1:] in _AGE_UNITS and value[:-1].isdecimal():
        return ""
    return f"{term(value)} is not a valid max age"


def _anything(value: object) -> str:
    return ""


_MIRRORING: Final = "Ignored: there is one node."

SETTINGS: Final[dict[str, Setting]] = {
    row.name: row
    for row in (
        Setting(
            "alternate-exchange",
            ALL,
            _text("alternate exchange name"),
            "Of exchanges: where unroutable messages go.",
        ),
        Setting(
            "dead-letter-exchange",
            QUEUES,
            _text("dead letter exchange name"),
            "As `x-dead-letter-exchange`.",
        ),
        Setting(
            "dead-letter-routing-key",
            QUEUES,
            _text("dead letter routing key", SHORT_STRING_MAX),
            "As `x-dead-letter-routing-key`.",
        ),
        Setting(
            "dead-letter-strategy",
            QUORUM,
            _one_of(("at-most-once", "at-least-once"), "is not a valid dead letter strategy"),
            "As `x-dead-letter-strategy`.",
        ),
        Setting(
            "delayed-retry-max",
            QUEUES,
            _milliseconds(0, "delayed retry maximum"),
            "As `x-delayed-retry-max`.",
        ),
        Setting(
            "delayed-retry-min",
            QUEUES,
            _milliseconds(0, "delayed retry minimum"),
            "As `x-delayed-retry-min`.",
        ),
        Setting(
            "delayed-retry-type",
            QUEUES,
            _one_of(RETRY_TYPES, "is not a valid delayed retry type"),
            "As `x-delayed-retry-type`.",
        ),
        Setting(
            "delivery-limit",
            QUORUM,
            _at_least(0, "delivery limit"),
            "As `x-delivery-limit`.",
            operator=True,
        ),
        Setting(
            "expires", QUEUES, _milliseconds(1, "queue expiry"), "As `x-expires`.", operator=True
        ),
        Setting("max-age", STREAM, _age, "As `x-max-age`."),
        Setting(
            "max-in-memory-bytes",
            QUEUES,
            _at_least(0, "maximum memory in bytes"),
            "Ignored, as in RabbitMQ 4.",
            operator=True,
        ),
        Setting(
            "max-in-memory-length",
            QUEUES,
            _at_least(0, "maximum memory in bytes"),
            "Ignored, as in RabbitMQ 4.",
            operator=True,
        ),
        Setting(
            "max-length",
            QUEUES,
            _at_least(0, "maximum length"),
            "As `x-max-length`.",
            operator=True,
        ),
        Setting(
            "max-length-bytes",
            ALL,
            _at_least(0, "maximum length in bytes"),
            "As `x-max-length-bytes`.",
            operator=True,
        ),
        Setting(
            "message-ttl",
            QUEUES,
            _milliseconds(0, "message TTL"),
            "As `x-message-ttl`.",
            operator=True,
        ),
        Setting(
            "overflow",
            QUEUES,
            _one_of(
                ("drop-head", "reject-publish", "reject-publish-dlx"),
                "is not a valid overflow value",
            ),
            "As `x-overflow`.",
        ),
        Setting(
            "queue-mode",
            CLASSIC,
            _one_of(("default", "lazy"), "is not a valid queue-mode value"),
            "Ignored, as in RabbitMQ 3.12.",
        ),
        Setting(
            "queue-version",
            ALL,
            _one_of((1, 2), "is not a valid queue-version value"),
            "Ignored: there is one version.",
        ),
        Setting(
            "queue-leader-locator",
            REPLICATED,
            _one_of(
                ("client-local", "balanced", "least-leaders", "random"),
                "is not a valid queue leader locator value",
            ),
            "Ignored on one node.",
        ),
        Setting(
            "queue-master-locator",
            CLASSIC,
            _one_of(
                ("client-local", "min-masters", "random"), "invalid queue-master-locator value"
            ),
            "Ignored on one node.",
        ),
        Setting("initial-cluster-size", STREAM, _at_least(0, "cluster size"), "Of a stream."),
        Setting(
            "stream-max-segment-size-bytes", STREAM, _at_least(0, "segment size"), "Of a stream."
        ),
        Setting(
            "ha-mode",
            CLASSIC,
            _one_of(("all", "exactly", "nodes"), "is not a valid ha-mode value"),
            _MIRRORING,
        ),
        *(
            Setting(name, CLASSIC, _anything, _MIRRORING)
            for name in (
                "ha-params",
                "ha-sync-mode",
                "ha-sync-batch-size",
                "ha-promote-on-shutdown",
                "ha-promote-on-failure",
            )
        ),
    )
}


def check_definition(definition: Mapping[str, object], operator: bool) -> str:
    """Why the definition of a policy cannot be used; empty if it can."""
    if not definition:
        return "no policy provided"
    known = {name for name, row in SETTINGS.items() if row.operator or not operator}
    for name in sorted(known & definition.keys()):
        reason = SETTINGS[name].check(definition[name])
        if reason:
            return reason
    if "ha-mode" not in definition and any(
        name.startswith("ha-") for name in known & definition.keys()
    ):
        return (
            "ha-mode must be specified to specify ha-params, ha-sync-mode or ha-promote-on-shutdown"
        )
    unknown = {name: definition[name] for name in sorted(definition.keys() - known)}
    return f"{pairs(unknown)} are not recognised policy settings" if unknown else ""


def suits(definition: Mapping[str, object], queue_type: str) -> bool:
    """Whether queues of this type know every setting of a definition."""
    return all(queue_type in SETTINGS[name].queue_types for name in definition)
