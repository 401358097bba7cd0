"""What is wrong is refused as RabbitMQ 3.10.8 refuses it, in its words; deviations are listed."""

import json
from pathlib import Path

import pytest

from .in_memory import in_memory
from .refusals import answers

RECORDED = json.loads(Path(__file__).with_name("refusals.json").read_text())

MORE_THAN_NO = "RabbitMQ says no more than that access is refused"


def not_authorised(reason):
    return [401, {"error": "not_authorised", "reason": reason}]


def no_listener(missing, key):
    told = {"status": "failed", "reason": "No active listener", "missing": missing, key: []}
    return [503, told]


def no_method(method):
    reason = f"this path does not answer {method}"
    return [405, {"error": "method_not_allowed", "reason": reason}]


# Why Leveret answers otherwise, and what.
DEVIATIONS = {
    "PUT /exchanges/%2F/amq.new {}": (
        MORE_THAN_NO,
        not_authorised("exchange name 'amq.new' contains reserved prefix 'amq.*'"),
    ),
    "DELETE /exchanges/%2F/amq.direct": (
        MORE_THAN_NO,
        not_authorised("deletion of system exchange 'amq.direct' in vhost '/' not allowed"),
    ),
    "DELETE /exchanges/%2F/amq.default": (
        MORE_THAN_NO,
        not_authorised("operation not permitted on the default exchange"),
    ),
    "POST /bindings/%2F/e/amq.default/q/q {}": (
        MORE_THAN_NO,
        not_authorised("operation not permitted on the default exchange"),
    ),
    "GET /health/checks/port-listener/1": (
        "nothing listens in memory",
        no_listener(1, "ports"),
    ),
    "GET /health/checks/protocol-listener/bogus": (
        "nothing listens in memory",
        no_listener("bogus", "protocols"),
    ),
    "PATCH /queues": ("RabbitMQ says nothing", no_method("PATCH")),
    "POST /queues {}": ("RabbitMQ says nothing", no_method("POST")),
}


@pytest.fixture(scope="module")
def answered():
    with in_memory() as memory:
        return answers(memory)


@pytest.mark.parametrize("request_line", RECORDED)
def test_a_wrong_request_is_refused_in_rabbitmqs_words(answered, request_line):
    _, expected = DEVIATIONS.get(request_line, ("", RECORDED[request_line]))
    assert answered[request_line] == expected


def test_a_deviation_is_one():
    assert [each for each, (_, own) in DEVIATIONS.items() if RECORDED[each] == own] == []


def test_the_record_is_of_these_requests(answered):
    assert answered.keys() == RECORDED.keys()
