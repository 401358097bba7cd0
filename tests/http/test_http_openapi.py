"""The API's description is what the code does: every route is in it, and whatever it allows to be
asked is answered as it says, to nobody who may not ask."""

import asyncio
import json
from urllib.parse import quote, urlencode

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode

from effort import effort
from leveret.management.authorisation import NOTHING
from leveret.management.openapi import description
from leveret.management.resources import ROUTES

from .in_memory import InMemory

DESCRIPTION = json.loads(json.dumps(description(ROUTES, "0")))
SCHEMA = schemathesis.openapi.from_dict(DESCRIPTION)
OPERATIONS = {
    f"{found.ok().method.upper()} {found.ok().path}": found.ok()
    for found in SCHEMA.get_all_operations()
}
ROUTE_OF = {f"{route.method} /api{route.path}": route for route in ROUTES}
# In all of `make test`, and of `make soak`: how many requests are made up.
CASES = effort(1000)
# What a name in a path may be, so that something is there.
THERE = {
    "vhost": ["own", "/", "foreign"],
    "queue": ["work"],
    "exchange": ["amq.topic", "amq.default", "made"],
    "source": ["amq.topic"],
    "destination": ["work", "made"],
    "properties": ["key"],
    "user": ["ada", "guest"],
    "component": ["vhost-limits", "operator_policy"],
    "name": ["there", "limits", "max-queues", "max-channels"],
    "node": ["leveret@memory"],
}


def test_it_is_served(api):
    served = api.get("/api/x/openapi.json").json
    assert served["paths"] == DESCRIPTION["paths"]
    assert served["components"] == DESCRIPTION["components"]


def test_it_is_openapi():
    SCHEMA.validate()


def test_every_route_is_in_it_and_nothing_else():
    assert OPERATIONS.keys() == ROUTE_OF.keys()


def test_its_operations_have_names_of_their_own():
    operations = [each for path in DESCRIPTION["paths"].values() for each in path.values()]
    assert len({each["operationId"] for each in operations}) == len(ROUTES)


def test_it_says_who_may():
    found = DESCRIPTION["paths"]["/api/policies/{vhost}/{name}"]["put"]["x-rights"]
    assert found == {"policymaker": "own vhosts", "administrator": "all"}


def test_members_that_must_be_there_are_required():
    assert DESCRIPTION["components"]["schemas"]["PolicyBody"]["required"] == [
        "pattern",
        "definition",
    ]


# --- requests made up from it ---


class World:
    """A broker with something in it, and another one once a request has changed the first: `ada`
    has the tag management and all permissions in `own`, nobody has any in `foreign`."""

    def __init__(self):
        self._loop = asyncio.new_event_loop()
        self._memory = None

    def close(self):
        self._loop.close()

    def request(self, method, *arguments):
        if self._memory is None:
            self._memory = InMemory(self._loop)
            furnish(self._memory)
        reply = self._memory.request(method, *arguments)
        if method != "GET" and reply.status < 300:
            self._memory = None
        return reply


@pytest.fixture(scope="module")
def world():
    found = World()
    yield found
    found.close()


def furnish(memory):
    memory.server.add_user("ada", "password", "management")
    memory.server.add_user("untagged", "password")
    for vhost in ("own", "foreign"):
        memory.server.add_vhost(vhost)
        for user in ("ada", "untagged", "guest") if vhost == "own" else ():
            memory.server.set_permissions(user, vhost, ".*", ".*", ".*")
    for vhost in ("own", "%2F"):
        memory.request("PUT", f"/api/queues/{vhost}/work", {"durable": True})
        memory.request("PUT", f"/api/exchanges/{vhost}/made", {})
        memory.request("POST", f"/api/bindings/{vhost}/e/amq.topic/q/work", {"routing_key": "key"})
    memory.request("PUT", "/api/global-parameters/there", {"value": 1})


def requests_of(operation):
    """Requests as the description has them, and others; with names of what is there."""
    modes = [operation.as_strategy()]
    if operation.body:
        modes.append(operation.as_strategy(generation_mode=GenerationMode.NEGATIVE))
    names = st.fixed_dictionaries(
        {
            name: st.sampled_from([None, *there])
            for name, there in THERE.items()
            if f"{{{name}}}" in operation.path
        }
    )
    return st.tuples(st.one_of(modes), names)


def url_of(case, names):
    path = case.operation.path
    for name, value in (case.path_parameters or {}).items():
        segment = quote(names.get(name) or str(value), safe="", errors="surrogatepass")
        path = path.replace(f"{{{name}}}", segment)
    query = urlencode(case.query or {}, doseq=True, errors="surrogatepass")
    return f"{path}?{query}" if query else path


def body_of(case):
    if isinstance(case.body, bytes) or case.body is schemathesis.core.NOT_SET:
        return case.body if isinstance(case.body, bytes) else None
    return json.dumps(case.body).encode()


def may(route, case, names):
    """Whether ada may."""
    if route.operation.reach["management"] == NOTHING:
        return False
    given_names = case.path_parameters or {}
    if not (route.operation.in_vhost and "vhost" in given_names):
        return True
    return (names["vhost"] or given_names["vhost"]) == "own"


@pytest.mark.parametrize("name", sorted(OPERATIONS))
def test_what_it_allows_is_answered_as_it_says(world, name):
    route = ROUTE_OF[name]

    @settings(
        max_examples=-(-CASES // len(ROUTES)),
        derandomize=effort(1) == 1,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(requests_of(OPERATIONS[name]))
    def check(made):
        case, names = made
        url, body = url_of(case, names), body_of(case)
        for stranger in (None, "untagged", "nobody"):
            assert world.request(route.method, url, body, stranger).status == 401
        reply = world.request(route.method, url, body, "ada")
        assert may(route, case, names) or reply.status >= 400, reply.status
        check_answer(route, reply)
        check_answer(route, world.request(route.method, url, body))

    check()


def check_answer(route, reply):
    assert reply.status in route.statuses or 400 <= reply.status < 500 or reply.status == 503
    if 400 <= reply.status < 500:
        assert set(reply.json) == {"error", "reason"}
