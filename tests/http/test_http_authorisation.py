"""Who may do what: every route with every tag, in a vhost of one's own and in a foreign one."""

import pytest

from leveret.management.authorisation import OPERATIONS, TAGS
from leveret.management.resources import ROUTES

from .client import part

ADMINISTRATOR_ONLY = "Not administrator user"
MONITOR_ONLY = "Not monitor user"
FOREIGN_VHOST = "User not authorised to access virtual host"
FOREIGN_OBJECT = "User not authorised to access object"

# How RabbitMQ 3.10.8 answers the tags management, policymaker, monitoring and administrator in
# their order: a status, or the reason of a 401. Nobody here has permissions in vhost `foreign`.
EVERYBODY = (200, 200, 200, 200)
FOREIGN_READ = (FOREIGN_VHOST,) * 3 + (200,)
FOREIGN_CHANGE = (FOREIGN_VHOST,) * 4
MONITORS = (MONITOR_ONLY, MONITOR_ONLY, 200, 200)
ADMINISTRATORS = (ADMINISTRATOR_ONLY,) * 3
FOREIGN_POLICY = (FOREIGN_OBJECT,) * 3
MATRIX = [
    ("GET", "/whoami", EVERYBODY),
    ("GET", "/overview", EVERYBODY),
    ("GET", "/vhosts", EVERYBODY),
    ("GET", "/queues", EVERYBODY),
    ("GET", "/exchanges", EVERYBODY),
    ("GET", "/bindings", EVERYBODY),
    ("GET", "/connections", EVERYBODY),
    ("GET", "/channels", EVERYBODY),
    ("GET", "/consumers", EVERYBODY),
    ("GET", "/consumers/own", EVERYBODY),
    ("GET", "/consumers/foreign", EVERYBODY),
    ("GET", "/health/checks/alarms", EVERYBODY),
    ("GET", "/health/checks/is-in-service", EVERYBODY),
    ("GET", "/x/ping", EVERYBODY),
    ("GET", "/nodes", MONITORS),
    ("GET", "/x/status", MONITORS),
    ("GET", "/queues/own/there", EVERYBODY),
    ("GET", "/queues/own/there/bindings", EVERYBODY),
    ("GET", "/exchanges/own/amq.topic", EVERYBODY),
    ("GET", "/exchanges/own/amq.topic/bindings/source", EVERYBODY),
    ("GET", "/bindings/own/e/amq.topic/q/there", EVERYBODY),
    ("GET", "/vhosts/own/connections", EVERYBODY),
    ("GET", "/vhosts/own/channels", EVERYBODY),
    ("GET", "/aliveness-test/own", EVERYBODY),
    ("GET", "/queues/foreign", FOREIGN_READ),
    ("GET", "/queues/foreign/there", FOREIGN_READ),
    ("GET", "/queues/foreign/there/bindings", FOREIGN_READ),
    ("GET", "/exchanges/foreign", FOREIGN_READ),
    ("GET", "/exchanges/foreign/amq.topic", FOREIGN_READ),
    ("GET", "/exchanges/foreign/amq.topic/bindings/destination", FOREIGN_READ),
    ("GET", "/bindings/foreign", FOREIGN_READ),
    ("GET", "/bindings/foreign/e/amq.topic/q/there", FOREIGN_READ),
    ("GET", "/vhosts/foreign/connections", FOREIGN_READ),
    ("GET", "/vhosts/foreign/channels", FOREIGN_READ),
    ("GET", "/aliveness-test/foreign", FOREIGN_READ),
    ("PUT", "/queues/own/new", (201, 204, 204, 204)),
    ("PUT", "/exchanges/own/new", (201, 204, 204, 204)),
    ("POST", "/bindings/own/e/amq.topic/q/there", (201, 201, 201, 201)),
    ("DELETE", "/bindings/own/e/amq.topic/q/there/nope", (404, 404, 404, 404)),
    ("DELETE", "/queues/own/there/contents", (204, 204, 204, 204)),
    ("DELETE", "/queues/own/none", (404, 404, 404, 404)),
    ("DELETE", "/exchanges/own/none", (404, 404, 404, 404)),
    ("PUT", "/queues/foreign/new", FOREIGN_CHANGE),
    ("PUT", "/exchanges/foreign/new", FOREIGN_CHANGE),
    ("POST", "/bindings/foreign/e/amq.topic/q/there", FOREIGN_CHANGE),
    ("DELETE", "/bindings/foreign/e/amq.topic/q/there/~", FOREIGN_CHANGE),
    ("DELETE", "/queues/foreign/there/contents", FOREIGN_CHANGE),
    ("DELETE", "/queues/foreign/there", FOREIGN_CHANGE),
    ("DELETE", "/exchanges/foreign/amq.topic", FOREIGN_CHANGE),
    ("GET", "/policies", EVERYBODY),
    ("GET", "/policies/own", EVERYBODY),
    ("GET", "/operator-policies/own", EVERYBODY),
    ("PUT", "/policies/own/new", (FOREIGN_OBJECT, 201, FOREIGN_OBJECT, 204)),
    ("GET", "/policies/own/none", (FOREIGN_OBJECT, 404, FOREIGN_OBJECT, 404)),
    ("GET", "/policies/foreign", FOREIGN_READ),
    ("GET", "/operator-policies/foreign", FOREIGN_READ),
    ("GET", "/policies/foreign/none", (*FOREIGN_POLICY, 404)),
    ("PUT", "/policies/foreign/new", (*FOREIGN_POLICY, 201)),
    ("DELETE", "/policies/foreign/none", (*FOREIGN_POLICY, 404)),
    ("PUT", "/operator-policies/own/new", (*ADMINISTRATORS, 201)),
    ("GET", "/operator-policies/own/none", (*ADMINISTRATORS, 404)),
    ("DELETE", "/operator-policies/own/none", (*ADMINISTRATORS, 404)),
    ("GET", "/vhost-limits", EVERYBODY),
    ("GET", "/vhost-limits/own", EVERYBODY),
    ("GET", "/vhost-limits/foreign", (FOREIGN_VHOST, FOREIGN_VHOST, 200, 200)),
    ("PUT", "/vhost-limits/own/max-queues", (*ADMINISTRATORS, 204)),
    ("DELETE", "/vhost-limits/own/max-queues", (*ADMINISTRATORS, 204)),
    ("GET", "/user-limits", EVERYBODY),
    ("GET", "/user-limits/guest", EVERYBODY),
    ("PUT", "/user-limits/guest/max-channels", (*ADMINISTRATORS, 204)),
    ("DELETE", "/user-limits/guest/max-channels", (*ADMINISTRATORS, 204)),
    ("GET", "/topic-permissions", (*ADMINISTRATORS, 200)),
    ("GET", "/topic-permissions/own/guest", (*ADMINISTRATORS, 404)),
    ("PUT", "/topic-permissions/own/guest", (*ADMINISTRATORS, 201)),
    ("DELETE", "/topic-permissions/own/guest", (*ADMINISTRATORS, 404)),
    ("GET", "/users/guest/topic-permissions", (*ADMINISTRATORS, 200)),
    ("GET", "/vhosts/own/topic-permissions", (*ADMINISTRATORS, 200)),
    ("GET", "/vhosts/own", (*ADMINISTRATORS, 200)),
    ("GET", "/vhosts/own/permissions", (*ADMINISTRATORS, 200)),
    ("GET", "/users", (*ADMINISTRATORS, 200)),
    ("GET", "/users/guest", (*ADMINISTRATORS, 200)),
    ("GET", "/users/guest/permissions", (*ADMINISTRATORS, 200)),
    ("GET", "/permissions", (*ADMINISTRATORS, 200)),
    ("GET", "/permissions/own/guest", (*ADMINISTRATORS, 404)),
    ("PUT", "/vhosts/new", (*ADMINISTRATORS, 201)),
    ("DELETE", "/vhosts/foreign", (*ADMINISTRATORS, 204)),
    ("PUT", "/users/new", (*ADMINISTRATORS, 201)),
    ("DELETE", "/users/guest", (*ADMINISTRATORS, 204)),
    ("PUT", "/permissions/own/guest", (*ADMINISTRATORS, 201)),
    ("DELETE", "/permissions/%2F/guest", (*ADMINISTRATORS, 204)),
    ("POST", "/x/authenticate", (*ADMINISTRATORS, 200)),
    ("POST", "/x/reload", (*ADMINISTRATORS, 200)),
    ("POST", "/x/stop", (*ADMINISTRATORS, 202)),
]
BODIES = {
    "/users/new": {"password": "x", "tags": ""},
    "/permissions/own/guest": {"configure": "", "write": "", "read": ""},
    "/policies/own/new": {"pattern": "", "definition": {"max-length": 1}},
    "/policies/foreign/new": {"pattern": "", "definition": {"max-length": 1}},
    "/operator-policies/own/new": {"pattern": "", "definition": {"max-length": 1}},
    "/vhost-limits/own/max-queues": {"value": 5},
    "/user-limits/guest/max-channels": {"value": 5},
    "/topic-permissions/own/guest": {"exchange": "amq.topic", "write": "", "read": ""},
    "/x/authenticate": {"user": "guest", "password": "guest"},
}


@pytest.fixture
def foreign(broker, api):
    """A vhost that nobody has permissions in, with a queue."""
    api.put("/api/vhosts/foreign")
    api.put("/api/queues/foreign/there")
    api.delete("/api/permissions/foreign/guest")


@pytest.mark.parametrize(
    ("method", "path", "answers"), MATRIX, ids=[f"{row[0]} {row[1]}" for row in MATRIX]
)
@pytest.mark.usefixtures("foreign")
def test_each_tag_gets_rabbitmqs_answer(tagged, method, path, answers):
    for tag, answer in zip(TAGS, answers, strict=True):
        user = tagged(tag)
        if tag == "management":
            user.put("/api/queues/own/there")
        reply = user.request(method, f"/api{path}", BODIES.get(path))
        if isinstance(answer, int):
            assert (tag, reply.status) == (tag, answer), reply.content
        else:
            assert (tag, *reply.refusal) == (tag, 401, "not_authorised", answer)
            assert "www-authenticate" not in reply.headers


def test_the_matrix_covers_every_operation():
    covered = {
        route.operation.name
        for method, path, _ in MATRIX
        for route in ROUTES
        if route.method == method and route.match(path.strip("/").split("/")) is not None
    }
    # What concerns one session has tests of its own, below.
    assert covered == {operation.name for operation in OPERATIONS} - {"close sessions"}


@pytest.mark.parametrize("tags", ["", "impersonator", "Administrator,x"])
def test_without_a_known_tag_nothing_is_answered(broker, as_user, tags):
    broker.add_user("ada", "password", tags)
    for route in ROUTES:
        path = "/api/" + "/".join("x" if "{" in each else each for each in route.parts)
        refusal = as_user("ada").request(route.method, path).refusal
        assert refusal == (401, "not_authorised", "Not management user")


def test_the_best_of_several_tags_counts(broker, as_user):
    broker.add_user("ada", "password", "management,odd,monitoring")
    assert as_user("ada").get("/api/nodes").status == 200
    assert as_user("ada").get("/api/users").status == 401


@pytest.mark.usefixtures("foreign")
def test_lists_hold_what_the_tag_sees(tagged, api):
    seen = {}
    for tag in TAGS:
        user = tagged(tag)
        user.put("/api/queues/own/there")
        vhosts = user.names("/api/vhosts")
        seen[tag] = (vhosts, {queue["vhost"] for queue in user.get("/api/queues").json})
    own = (["own"], {"own"})
    everything = ["/", "foreign", "own"]
    assert seen == {
        "management": own,
        "policymaker": own,
        "monitoring": (everything, {"own"}),
        "administrator": (everything, {"own", "foreign"}),
    }


def test_the_overview_counts_what_the_tag_sees(tagged, connect):
    totals = {}
    for tag in TAGS:
        user = tagged(tag)
        connect("own", tag, "password").channel()
        overview = user.get("/api/overview").json
        totals[tag] = (overview["object_totals"], "listeners" in overview)
    assert totals["policymaker"] == (
        {"channels": 1, "connections": 1, "exchanges": 7, "queues": 0},
        False,
    )
    assert totals["administrator"] == (
        {"channels": 4, "connections": 4, "consumers": 0, "exchanges": 14, "queues": 0},
        True,
    )


def test_a_permission_that_is_missing_is_named(broker, tagged):
    administrator = tagged("administrator")
    broker.set_permissions("administrator", "own", "^mine", "", "")
    assert administrator.put("/api/queues/own/mine").status == 201
    assert administrator.put("/api/queues/own/yours").refusal == (
        401,
        "not_authorised",
        "access to queue 'yours' in vhost 'own' refused for user 'administrator'",
    )
    for method, path in (
        ("DELETE", "queues/own/mine/contents"),
        ("POST", "bindings/own/e/amq.topic/q/mine"),
        ("PUT", "exchanges/own/yours"),
    ):
        assert administrator.request(method, f"/api/{path}", {}).refusal[:2] == (
            401,
            "not_authorised",
        )


# --- sessions: everybody's own, and others' for those with the tag ---


@pytest.fixture
def names(tagged, connect):
    """The names of two connections, each with a channel: of user `management`, of another."""
    found = []
    for tag in ("management", "policymaker"):
        user = tagged(tag)
        channel = connect("own", tag, "password").channel()
        channel.queue_declare(tag)
        channel.basic_consume(tag, lambda *_: None)
        found.append(user.get("/api/connections").json[0]["name"])
    return found


@pytest.mark.parametrize(
    ("tag", "count"), [("management", 1), ("policymaker", 1), ("monitoring", 2)]
)
@pytest.mark.usefixtures("names")
def test_lists_of_sessions_hold_ones_own_or_all(tagged, tag, count):
    user = tagged(tag)
    for path in (
        "connections",
        "channels",
        "consumers",
        "consumers/own",
        "vhosts/own/connections",
        "vhosts/own/channels",
    ):
        assert len(user.get(f"/api/{path}").json) == count


def test_anothers_session_is_shown_to_those_who_monitor(tagged, names):
    management, monitoring = tagged("management"), tagged("monitoring")
    own, foreign = (part(name) for name in names)
    for path in ("connections/{}", "connections/{}/channels", "channels/{}%20(1)"):
        assert management.get("/api/" + path.format(own)).status == 200
        refusal = management.get("/api/" + path.format(foreign)).refusal
        assert refusal == (401, "not_authorised", FOREIGN_OBJECT)
        assert monitoring.get("/api/" + path.format(foreign)).status == 200


def test_anothers_session_is_closed_by_administrators(tagged, names):
    own, foreign = (f"/api/connections/{part(name)}" for name in names)
    for tag in ("management", "monitoring"):
        refusal = tagged(tag).delete(foreign).refusal
        assert refusal == (401, "not_authorised", FOREIGN_OBJECT)
    assert tagged("management").delete(own).status == 204
    assert tagged("administrator").delete(foreign).status == 204
