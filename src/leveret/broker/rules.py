"""What a queue obeys: its arguments, its policy and its operator policy, merged.

RabbitMQ's merging. A number that both the arguments and the policy give is the lower of the two, so
nobody lifts the other's limit; where dead letters go, the arguments say before the policy. What the
operator's policy gives counts as the policy's, and of two numbers the lower.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from leveret.wire.table import Table

NONE: Final = -1
# A delivery limit that was said to be none, which a default does not replace.
UNLIMITED: Final = -2
DROP_HEAD: Final = "drop-head"
REJECT_PUBLISH: Final = "reject-publish"
REJECT_PUBLISH_DLX: Final = "reject-publish-dlx"
AT_MOST_ONCE: Final = "at-most-once"
AT_LEAST_ONCE: Final = "at-least-once"
RETRY_DISABLED: Final = "disabled"
RETRY_ALL: Final = "all"
RETRY_FAILED: Final = "failed"
RETRY_RETURNED: Final = "returned"
RETRY_TYPES: Final = (RETRY_DISABLED, RETRY_ALL, RETRY_FAILED, RETRY_RETURNED)


class QueueRules:
    """Numbers are -1 and texts None where there is no such rule. Times are in milliseconds."""

    __slots__ = (
        "consumer_timeout_ms",
        "dead_letter_exchange",
        "dead_letter_routing_key",
        "dead_letter_strategy",
        "deduplicates",
        "delayed_retry_max_ms",
        "delayed_retry_min_ms",
        "delayed_retry_type",
        "delivery_limit",
        "expires_ms",
        "max_length",
        "max_length_bytes",
        "max_priority",
        "message_ttl_ms",
        "overflow",
        "single_active_consumer",
    )

    def __init__(self) -> None:
        self.message_ttl_ms = NONE
        self.expires_ms = NONE
        self.max_length = NONE
        self.max_length_bytes = NONE
        self.overflow = DROP_HEAD
        self.dead_letter_exchange: str | None = None
        self.dead_letter_routing_key: str | None = None
        self.dead_letter_strategy = AT_MOST_ONCE
        self.max_priority = NONE
        self.single_active_consumer = False
        self.deduplicates = False
        self.delivery_limit = NONE
        self.delayed_retry_type = RETRY_DISABLED
        self.delayed_retry_min_ms = NONE
        self.delayed_retry_max_ms = NONE
        self.consumer_timeout_ms = NONE

    def plain(self) -> bool:
        """Whether there is nothing to obey but what matters to deliveries that end: where dead
        letters go, how often a message may come back and when, and when a consumer is too
        late."""
        return (
            self.message_ttl_ms == NONE
            and self.expires_ms == NONE
            and not self.limits_length()
            and self.max_priority == NONE
            and not self.single_active_consumer
            and not self.deduplicates
        )

    def keeps_dead_letters(self) -> bool:
        """Whether a dead letter stays in the queue until it is taken. As in RabbitMQ only together
        with `reject-publish`, since what is kept must be able to fill the queue."""
        return (
            self.dead_letter_strategy == AT_LEAST_ONCE
            and self.dead_letter_exchange is not None
            and self.overflow == REJECT_PUBLISH
        )

    def delays_retries(self) -> bool:
        """Whether messages that come back may have to wait."""
        return self.delayed_retry_min_ms > 0 and self.delayed_retry_type in RETRY_TYPES[1:]

    def __repr__(self) -> str:
        given = [f"{name}={getattr(self, name)!r}" for name in self.__slots__]
        return f"QueueRules({', '.join(given)})"

    def limits_length(self) -> bool:
        """Whether the queue may hold only so much."""
        return self.max_length != NONE or self.max_length_bytes != NONE


def rules_of(
    arguments: Table,
    policy: Mapping[str, object],
    operator_policy: Mapping[str, object],
) -> QueueRules:
    """The rules of a queue with these arguments under the definitions of these policies; either
    may be empty."""
    given = _Given(arguments, policy, operator_policy)
    rules = QueueRules()
    rules.message_ttl_ms = given.lowest("message-ttl")
    rules.expires_ms = given.lowest("expires")
    rules.max_length = given.lowest("max-length")
    rules.max_length_bytes = given.lowest("max-length-bytes")
    rules.max_priority = given.argument_number("x-max-priority")
    single = arguments.get("x-single-active-consumer")
    rules.single_active_consumer = single is not None and single.value is True
    deduplicates = arguments.get("x-message-deduplication")
    rules.deduplicates = deduplicates is not None and deduplicates.value is True
    rules.dead_letter_exchange = given.text("dead-letter-exchange")
    rules.dead_letter_routing_key = given.text("dead-letter-routing-key")
    rules.dead_letter_strategy = given.text("dead-letter-strategy") or rules.dead_letter_strategy
    queue_type = arguments.get("x-queue-type")
    if queue_type is not None and queue_type.value == b"quorum":
        # As in RabbitMQ, where the two types disagree.
        rules.overflow = given.policy_text("overflow") or given.text("overflow") or DROP_HEAD
    else:
        rules.overflow = given.text("overflow") or DROP_HEAD
    rules.delivery_limit = given.delivery_limit()
    rules.delayed_retry_type = given.text("delayed-retry-type") or RETRY_DISABLED
    rules.delayed_retry_min_ms = given.number("delayed-retry-min")
    rules.delayed_retry_max_ms = given.number("delayed-retry-max")
    rules.consumer_timeout_ms = given.number("consumer-timeout")
    return rules


class _Given:
    """What is given under a name, as `x-name` among the arguments and as `name` in a policy."""

    def __init__(
        self,
        arguments: Table,
        policy: Mapping[str, object],
        operator_policy: Mapping[str, object],
    ) -> None:
        self._arguments = arguments
        self._policy = policy
        self._operator_policy = operator_policy

    def argument_number(self, name: str) -> int:
        """The number of an argument."""
        field = self._arguments.get(name)
        return field.value if field is not None and isinstance(field.value, int) else NONE

    def policy_number(self, name: str) -> int | None:
        """The number of the policies, the operator's included."""
        found = [
            value
            for policy in (self._policy, self._operator_policy)
            if isinstance(value := policy.get(name), int)
        ]
        return min(found) if found else None

    def number(self, name: str) -> int:
        """The number of the argument, else that of the policies."""
        argument = self.argument_number(f"x-{name}")
        policy = self.policy_number(name)
        return policy if argument == NONE and policy is not None else argument

    def lowest(self, name: str) -> int:
        """The lowest of the numbers."""
        argument = self.argument_number(f"x-{name}")
        policy = self.policy_number(name)
        if policy is None or argument == NONE:
            return argument if policy is None else policy
        return min(argument, policy)

    def policy_text(self, name: str) -> str | None:
        """The text of the policies; the operator's word is the last."""
        value = self._operator_policy.get(name, self._policy.get(name))
        return value if isinstance(value, str) else None

    def text(self, name: str) -> str | None:
        """The text of the argument, else that of the policies."""
        field = self._arguments.get(f"x-{name}")
        if field is not None and isinstance(field.value, bytes):
            return field.value.decode(errors="surrogateescape")
        return self.policy_text(name)

    def delivery_limit(self) -> int:
        """The lower limit, unless one of the two says by a negative number that there is none."""
        field = self._arguments.get("x-delivery-limit")
        argument = field.value if field is not None and isinstance(field.value, int) else None
        policy = self.policy_number("delivery-limit")
        if argument is None or policy is None:
            limit = policy if argument is None else argument
            if limit is None:
                return NONE
        elif argument < 0 or policy < 0:
            limit = max(argument, policy)
        else:
            limit = min(argument, policy)
        return limit if limit >= 0 else UNLIMITED
