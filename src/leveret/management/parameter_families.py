"""Lists of what is set beside definitions: policies, limits, topic permissions, and all that
RabbitMQ calls parameters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from leveret.broker.policies import OPERATOR_POLICY, POLICY, Policy
from leveret.management.families import vhosts_by_name
from leveret.management.lists import Family
from leveret.management.pace import batches
from leveret.management.views import policy_view

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from leveret.access.permissions import TopicPermissions
    from leveret.broker.vhost import VHost
    from leveret.management.context import Management
    from leveret.management.pace import Pace

    View = dict[str, object]
    InVHost = tuple[VHost, Policy]
    # With its component and its name.
    Parameter = tuple[VHost, str, str, Policy | dict[str, int]]
    # User, vhost and exchange, in the order of a list.
    Granted = tuple[tuple[str, str, str], TopicPermissions]

VHOST_LIMITS: Final = "vhost-limits"
LIMITS: Final = "limits"
# Components of which parameters may be set, as they are called here.
COMPONENTS: Final = (VHOST_LIMITS, OPERATOR_POLICY)


# --- policies ---


def _policies(kind: str) -> Family:
    async def things(
        management: Management, vhost: str | None, pace: Pace
    ) -> AsyncIterator[list[InVHost]]:
        for each in await vhosts_by_name(management, vhost, pace):
            policies = each.policies.of(kind)
            for names in batches(await pace.sorted(list(policies))):
                yield [(each, policies[name]) for name in names if name in policies]

    return Family(things, _policy_view)


def _policy_view(_management: Management, found: InVHost) -> View:
    return policy_view(*found)


POLICIES: Final = {kind: _policies(kind) for kind in (POLICY, OPERATOR_POLICY)}


# --- parameters ---


def parameters_of(vhost: VHost, component: str) -> Mapping[str, Policy | dict[str, int]]:
    """What there is of a component, by name."""
    if component == VHOST_LIMITS:
        return {LIMITS: vhost.limits} if vhost.limits else {}
    return vhost.policies.of(component) if component in POLICIES else {}


def parameter_view(_management: Management, found: Parameter) -> View:
    """A parameter."""
    vhost, component, name, thing = found
    value = thing.value() if isinstance(thing, Policy) else thing
    return {"value": value, "vhost": vhost.name, "component": component, "name": name}


def _parameters(*components: str) -> Family:
    async def things(
        management: Management, vhost: str | None, pace: Pace
    ) -> AsyncIterator[list[Parameter]]:
        for component in components:
            for each in await vhosts_by_name(management, vhost, pace):
                found = parameters_of(each, component)
                for names in batches(await pace.sorted(list(found))):
                    yield [(each, component, name, found[name]) for name in names if name in found]

    return Family(things, parameter_view)


PARAMETERS: Final = _parameters(*COMPONENTS)
PARAMETERS_OF: Final = {each: _parameters(each) for each in (*COMPONENTS, POLICY)}


# --- limits and topic permissions ---


async def _limited_vhosts(
    management: Management, vhost: str | None, pace: Pace
) -> AsyncIterator[list[tuple[VHost, dict[str, int]]]]:
    for some in batches(await vhosts_by_name(management, vhost, pace)):
        yield [(each, each.limits) for each in some if each.limits]


def _vhost_limits_view(_management: Management, found: tuple[VHost, dict[str, int]]) -> View:
    vhost, limits = found
    return {"vhost": vhost.name, "value": limits}


async def _limited_users(
    management: Management, _vhost: str | None, pace: Pace
) -> AsyncIterator[list[str]]:
    yield await pace.sorted(list(management.users.limits))


def user_limits_view(management: Management, user: str) -> View:
    """The limits of a user."""
    return {"user": user, "value": management.users.limits.get(user, {})}


async def _topic_permissions(
    management: Management, vhost: str | None, pace: Pace
) -> AsyncIterator[list[Granted]]:
    found = management.users.topic_permissions
    granted = [
        ((of_vhost, user, exchange), permissions)
        for (user, of_vhost), by_exchange in found.items()
        if vhost is None or of_vhost == vhost
        for exchange, permissions in by_exchange.items()
    ]
    yield await pace.sorted(granted, _topic_order)


def _topic_order(granted: Granted) -> tuple[str, str, str]:
    return granted[0]


def topic_permissions_view(_management: Management, granted: Granted) -> View:
    """What a user may do with the routing keys of an exchange."""
    (vhost, user, exchange), permissions = granted
    return {"user": user, "vhost": vhost, "exchange": exchange, **permissions.patterns}


VHOST_LIMITS_LIST: Final = Family(_limited_vhosts, _vhost_limits_view)
USER_LIMITS: Final = Family(_limited_users, user_limits_view)
TOPIC_PERMISSIONS: Final = Family(_topic_permissions, topic_permissions_view)
