"""Who may do what beyond what a route says: several tags, lists, sessions, permissions."""

import pytest

from leveret.management.authorisation import TAGS
from leveret.management.resources import ROUTES

from .client import part

FOREIGN_OBJECT = "User not authorised to access object"


@pytest.fixture
def foreign(broker, api):
    """A vhost that nobody has permissions in, with a queue."""
    api.put("/api/vhosts/foreign")
    api.put("/api/queues/foreign/there")
    api.delete("/api/permissions/foreign/guest")


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
