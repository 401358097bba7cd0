"""Who may do what: every route with every tag, in a vhost of one's own and in a foreign one.

Compared with what RabbitMQ 3.10.8 answers to the same; where that differs, the reason stands here.
"""

import json
from pathlib import Path

import msgspec
import pytest

from leveret.management.authorisation import OPERATIONS
from leveret.management.resources import ROUTES

from .in_memory import in_memory
from .rights import BOTH, TAGS, answers

RECORDED = json.loads(Path(__file__).with_name("rights.json").read_text())

UNKNOWN = "401 not_authorised: Not management user"
NOT_ADMINISTRATOR = "401 not_authorised: Not administrator user"
NOT_MONITOR = "401 not_authorised: Not monitor user"
FOREIGN_VHOST = "401 not_authorised: User not authorised to access virtual host"
FOREIGN_OBJECT = "401 not_authorised: User not authorised to access object"


def by_tag(*of_known_tags):
    """Those without a tag that the API knows are always told the same."""
    count = len(of_known_tags[0])
    return dict(zip(TAGS, ([UNKNOWN] * count, [UNKNOWN] * count, *of_known_tags), strict=True))


def same(answer):
    return by_tag(*[[answer]] * 4)


ADMINISTRATORS = [[NOT_ADMINISTRATOR]] * 3
ADMINISTRATORS_IN_BOTH = [[NOT_ADMINISTRATOR] * 2] * 3
MONITORS = [[NOT_MONITOR]] * 2

# What 3.10.8 answers differently, why Leveret does not, and what it answers instead.
DEVIATIONS = {
    "GET /nodes/none": (
        "RabbitMQ fails",
        by_tag(*MONITORS, ["404"], ["404"]),
    ),
    "DELETE /auth/attempts/{node}": (
        "who only looks changes nothing (RabbitMQ has come to see that in later releases)",
        by_tag(*ADMINISTRATORS, ["204"]),
    ),
    "DELETE /auth/attempts/{node}/source": (
        "who only looks changes nothing",
        by_tag(*ADMINISTRATORS, ["204"]),
    ),
    "PUT /parameters/vhost-limits/{v}/limits": (
        "limits bind a policymaker too: who may set them is the same below both paths",
        by_tag(*ADMINISTRATORS_IN_BOTH, ["204", "204"]),
    ),
    "DELETE /parameters/vhost-limits/{v}/limits": (
        "limits bind a policymaker too",
        by_tag(*ADMINISTRATORS_IN_BOTH, ["204", "204"]),
    ),
    "PUT /parameters/operator_policy/{v}/new": (
        "operator policies bind a policymaker too: who may set them is the same below both paths",
        by_tag(*ADMINISTRATORS_IN_BOTH, ["201", "201"]),
    ),
    "DELETE /parameters/operator_policy/{v}/op": (
        "operator policies bind a policymaker too",
        by_tag(*ADMINISTRATORS_IN_BOTH, ["204", "204"]),
    ),
    "GET /connections/username/{me}": (
        "RabbitMQ fails for those who may see their own connections only",
        same("200"),
    ),
    "GET /connections/username/other": (
        "RabbitMQ fails for those who may see their own connections only",
        by_tag([FOREIGN_OBJECT], [FOREIGN_OBJECT], ["200"], ["200"]),
    ),
    "DELETE /connections/username/{me}": (
        "RabbitMQ fails for those who may close their own connections only",
        same("204"),
    ),
    "DELETE /connections/username/other": (
        "RabbitMQ fails for those who may close their own connections only",
        by_tag(*[[FOREIGN_OBJECT]] * 3, ["204"]),
    ),
    "GET /aliveness-test/{v}": (
        "the test is what it is in RabbitMQ 4: it needs no permissions in the vhost",
        by_tag(*[["200", FOREIGN_VHOST]] * 3, ["200", "200"]),
    ),
}

# What RabbitMQ 3.10.8 has not: routes of later releases, and Leveret's own.
PATTERN = "/health/checks/quorum-queues-without-elected-leaders"
LATER = {
    ("GET", "/version", None): same("200"),
    ("GET", "/deprecated-features", None): by_tag(*ADMINISTRATORS, ["200"]),
    ("GET", "/deprecated-features/used", None): by_tag(*ADMINISTRATORS, ["200"]),
    ("GET", "/auth/hash_password/x", None): by_tag(*ADMINISTRATORS, ["404"]),
    ("POST", "/auth/hash_password", (("password", "x"),)): by_tag(*ADMINISTRATORS, ["200"]),
    ("GET", "/queues/detailed", None): same("200"),
    ("POST", "/vhosts/{v}/deletion/protection", None): by_tag(
        *ADMINISTRATORS_IN_BOTH, ["204", "204"]
    ),
    ("DELETE", "/vhosts/{v}/deletion/protection", None): by_tag(
        *ADMINISTRATORS_IN_BOTH, ["204", "204"]
    ),
    ("GET", "/health/checks/is-in-service", None): same("200"),
    ("GET", "/health/checks/ready-to-serve-clients", None): same("200"),
    ("GET", "/health/checks/metadata-store/initialized", None): same("200"),
    ("GET", "/health/checks/metadata-store/initialized/with-data", None): same("200"),
    ("GET", "/health/checks/reached-target-cluster-size", None): same("200"),
    ("GET", "/health/checks/below-node-connection-limit", None): same("200"),
    ("GET", f"{PATTERN}/all-vhosts", None): by_tag(*MONITORS, ["200"], ["200"]),
    ("GET", f"{PATTERN}/all-vhosts/pattern/x", None): by_tag(*MONITORS, ["200"], ["200"]),
    ("GET", f"{PATTERN}/vhost/{{v}}", None): by_tag(
        *[["200", FOREIGN_VHOST]] * 2, *[["200", "200"]] * 2
    ),
    ("GET", f"{PATTERN}/vhost/{{v}}/pattern/x", None): by_tag(
        *[["200", FOREIGN_VHOST]] * 2, *[["200", "200"]] * 2
    ),
    ("GET", "/x/openapi.json", None): same("200"),
    ("GET", "/x/ping", None): same("200"),
    ("POST", "/x/reload", None): by_tag(*ADMINISTRATORS, ["400"]),
    ("GET", "/x/settings", None): by_tag(*ADMINISTRATORS, ["400"]),
    ("PUT", "/x/settings", (("log_level", "debug"),)): by_tag(*ADMINISTRATORS, ["400"]),
    ("POST", "/x/listeners/suspend", None): by_tag(*ADMINISTRATORS, ["204"]),
    ("POST", "/x/listeners/resume", None): by_tag(*ADMINISTRATORS, ["204"]),
    ("GET", "/x/log", None): by_tag(*ADMINISTRATORS, ["400"]),
    ("GET", "/x/status", None): by_tag(*MONITORS, ["200"], ["200"]),
    ("POST", "/x/authenticate", (("user", "guest"), ("password", ""))): by_tag(
        *ADMINISTRATORS, ["200"]
    ),
    ("POST", "/x/stop", None): by_tag(*ADMINISTRATORS, ["202"]),
    ("POST", "/x/backup", (("folder", "/nowhere"),)): by_tag(*ADMINISTRATORS, ["400"]),
    ("PUT", "/x/vhost-limits/{v}", (("value", ()),)): by_tag(
        *ADMINISTRATORS_IN_BOTH, ["204", "204"]
    ),
    ("PUT", "/x/user-limits/other", (("value", ()),)): by_tag(*ADMINISTRATORS, ["204"]),
}
LATER_ROWS = [
    (
        method,
        path,
        None
        if body is None
        else {key: dict(value) if value == () else value for key, value in body},
    )
    for method, path, body in LATER
]


def route_of(method, path):
    segments = path.split("?")[0].strip("/").split("/")
    matching = [
        route for route in ROUTES if route.method == method and route.match(segments) is not None
    ]
    return min(matching, key=lambda route: [part[0] == "{" for part in route.parts])


@pytest.fixture(scope="module")
def memory():
    """What all the requests are asked of, once."""
    with in_memory() as broker:
        yield broker


@pytest.fixture(scope="module")
def strange():
    """Answers that are not what their routes say."""
    return []


@pytest.fixture(scope="module")
def answered(memory, strange):
    def see(method, path, reply):
        route = route_of(method, path)
        if reply.status < 300 and reply.status not in route.statuses:
            strange.append((method, path, reply.status))
        elif reply.status == 200:
            try:
                msgspec.convert(reply.json, route.answer)
            except msgspec.ValidationError as error:
                strange.append((method, path, str(error)))

    return answers(memory, [*BOTH, *LATER_ROWS], see)


EXPECTED = {
    **RECORDED,
    **{request: expected for request, (_, expected) in DEVIATIONS.items()},
    **{f"{method} {path}": expected for (method, path, _), expected in LATER.items()},
}


@pytest.mark.parametrize("request_line", EXPECTED)
def test_each_tag_gets_its_answer(answered, request_line):
    assert answered[request_line] == EXPECTED[request_line]


@pytest.mark.usefixtures("answered")
def test_every_answer_is_what_its_route_says(strange):
    assert strange == []


def test_a_deviation_is_one():
    assert [each for each, (_, own) in DEVIATIONS.items() if RECORDED[each] == own] == []


def test_every_route_is_asked():
    asked = {route_of(method, path) for method, path, _ in [*BOTH, *LATER_ROWS]}
    assert [f"{each.method} {each.path}" for each in ROUTES if each not in asked] == []


def test_every_operation_is_some_routes():
    assert {route.operation for route in ROUTES} == set(OPERATIONS)


# RabbitMQ 4 lets administrators do that.
ALLOWED_LATER = {"GET /aliveness-test/{v}"}


@pytest.mark.parametrize("request_line", sorted(RECORDED.keys() - ALLOWED_LATER))
def test_nobody_may_do_more_than_in_rabbitmq(request_line):
    for tag, recorded in RECORDED[request_line].items():
        for theirs, ours in zip(recorded, EXPECTED[request_line][tag], strict=True):
            assert not theirs.startswith("401") or ours.startswith("401"), tag
