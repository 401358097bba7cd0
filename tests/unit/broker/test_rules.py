"""Arguments, policy and operator policy, merged as RabbitMQ merges them."""

import pytest

from leveret.broker.rules import DROP_HEAD, UNLIMITED, rules_of
from leveret.wire.table import to_table


def rules(arguments=None, policy=None, operator=None):
    return rules_of(to_table(arguments or {}), policy or {}, operator or {})


NUMBERS = [
    ("message-ttl", "message_ttl_ms"),
    ("expires", "expires_ms"),
    ("max-length", "max_length"),
    ("max-length-bytes", "max_length_bytes"),
]


def test_without_anything_there_is_nothing_to_obey():
    assert rules().plain()
    assert rules({"x-queue-mode": "lazy"}, {"ha-mode": "all"}).plain()


@pytest.mark.parametrize(("name", "rule"), NUMBERS)
@pytest.mark.parametrize(
    ("argument", "policy", "operator", "expected"),
    [
        (5, None, None, 5),
        (None, 5, None, 5),
        (None, None, 5, 5),
        (5, 7, None, 5),
        (7, 5, None, 5),
        (9, 7, 5, 5),
        (None, 5, 7, 5),
        (0, 5, 7, 0),
    ],
)
def test_the_lowest_number_counts(name, rule, argument, policy, operator, expected):
    merged = rules(
        {} if argument is None else {f"x-{name}": argument},
        {} if policy is None else {name: policy},
        {} if operator is None else {name: operator},
    )
    assert getattr(merged, rule) == expected
    assert not merged.plain()


def test_a_consumer_s_time_is_the_argument_s_word_because_none_is_no_limit():
    assert rules({"x-consumer-timeout": 0}, {"consumer-timeout": 5}).consumer_timeout_ms == 0
    assert rules({}, {"consumer-timeout": 5}).consumer_timeout_ms == 5


@pytest.mark.parametrize("name", ["dead-letter-exchange", "dead-letter-routing-key"])
def test_the_argument_says_where_dead_letters_go(name):
    rule = name.replace("-", "_")
    assert getattr(rules({f"x-{name}": "a"}, {name: "p"}), rule) == "a"
    assert getattr(rules({}, {name: "p"}), rule) == "p"


def test_overflow_is_the_argument_s_word_on_a_classic_queue():
    assert rules({"x-overflow": "reject-publish"}, {"overflow": DROP_HEAD}).overflow == (
        "reject-publish"
    )
    assert rules({}, {"overflow": "reject-publish"}).overflow == "reject-publish"


def test_overflow_is_the_policy_s_word_on_a_quorum_queue():
    arguments = {"x-overflow": "reject-publish", "x-queue-type": "quorum"}
    assert rules(arguments, {"overflow": DROP_HEAD}).overflow == DROP_HEAD
    assert rules(arguments).overflow == "reject-publish"


@pytest.mark.parametrize(
    ("argument", "policy", "expected"),
    [(5, 3, 3), (3, 5, 3), (-1, 5, 5), (5, -1, 5), (-1, None, UNLIMITED), (None, 2, 2)],
)
def test_a_delivery_limit_may_be_lifted(argument, policy, expected):
    merged = rules(
        {} if argument is None else {"x-delivery-limit": argument},
        {} if policy is None else {"delivery-limit": policy},
    )
    assert merged.delivery_limit == expected
