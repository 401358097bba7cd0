"""The laws of policies: the winner is the maximum, order does not matter, clearing restores."""

from hypothesis import given, settings
from hypothesis import strategies as st

from effort import effort
from leveret.broker.actor import Actor
from leveret.broker.policies import (
    KINDS,
    OPERATOR_POLICY,
    POLICY,
    Policy,
    effective_definition,
)
from leveret.broker.vhost import VHost
from leveret.testing.memory_server import MemoryServer

SERVER = Actor("server", None)
NAMES = ("a", "ab", "b", "bc")
LIMITS = ("max-length", "message-ttl", "expires", "delivery-limit")

definitions = st.dictionaries(st.sampled_from(LIMITS), st.integers(1, 9), min_size=1)
policies = st.builds(
    Policy,
    st.sampled_from(KINDS),
    st.sampled_from("pqrs"),
    st.sampled_from(["", "^a", "b", "c$", "^nothing$"]),
    definitions,
    st.integers(-2, 2),
    st.sampled_from(["all", "queues", "classic_queues", "quorum_queues", "exchanges"]),
)


def a_vhost() -> VHost:
    vhost = MemoryServer().broker.vhosts["/"]
    for name in NAMES:
        vhost.declare_queue(SERVER, name)
        vhost.declare_exchange(SERVER, name, "fanout")
    return vhost


def what_holds(vhost: VHost) -> list[tuple[str, object, object]]:
    things = [*vhost.queues.values(), *vhost.exchanges.values()]
    return [
        (
            thing.name,
            thing.policy and thing.policy.value(),
            thing.operator_policy and thing.operator_policy.value(),
        )
        for thing in things
    ]


@settings(max_examples=effort(100), deadline=None)
@given(st.lists(policies), st.randoms())
def test_the_winner_is_the_maximum_in_whatever_order_they_came(put, random):
    distinct = list({(policy.kind, policy.name): policy for policy in put}.values())
    vhost = a_vhost()
    for policy in distinct:
        vhost.policies.put(policy)
    for thing in [*vhost.queues.values(), *vhost.exchanges.values()]:
        for kind, winner in ((POLICY, thing.policy), (OPERATOR_POLICY, thing.operator_policy)):
            rivals = [each for each in distinct if each.kind == kind and each.covers(thing)]
            best = min(rivals, key=lambda each: (-each.priority, each.name), default=None)
            assert winner is best
    other = a_vhost()
    random.shuffle(distinct)
    for policy in distinct:
        other.policies.put(policy)
    assert what_holds(other) == what_holds(vhost)


@settings(max_examples=effort(100), deadline=None)
@given(st.lists(policies), policies)
def test_to_clear_a_policy_restores_what_was(put, one_more):
    vhost = a_vhost()
    for policy in put:
        if (policy.kind, policy.name) != (one_more.kind, one_more.name):
            vhost.policies.put(policy)
    before = what_holds(vhost)
    vhost.policies.put(one_more)
    vhost.policies.clear(one_more.kind, one_more.name)
    assert what_holds(vhost) == before


@settings(max_examples=effort(100), deadline=None)
@given(definitions, definitions)
def test_no_number_is_above_what_either_policy_says(policy, operator):
    merged = effective_definition(
        Policy(POLICY, "p", "", policy), Policy(OPERATOR_POLICY, "o", "", operator)
    )
    assert merged == {
        name: min(each[name] for each in (policy, operator) if name in each)
        for name in policy.keys() | operator.keys()
    }
