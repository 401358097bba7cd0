"""The resources of the management API: a file for each family of paths, each with its routes."""

from typing import Final

from leveret.management.calls import Route
from leveret.management.resources import (
    bindings,
    channels,
    connections,
    consumers,
    definitions,
    exchanges,
    health,
    limits,
    operations,
    overview,
    permissions,
    policies,
    queues,
    topic_permissions,
    users,
    vhosts,
    whoami,
)

ROUTES: Final[tuple[Route, ...]] = (
    *overview.ROUTES,
    *whoami.ROUTES,
    *vhosts.ROUTES,
    *users.ROUTES,
    *permissions.ROUTES,
    *policies.ROUTES,
    *limits.ROUTES,
    *topic_permissions.ROUTES,
    *queues.ROUTES,
    *exchanges.ROUTES,
    *bindings.ROUTES,
    *connections.ROUTES,
    *channels.ROUTES,
    *consumers.ROUTES,
    *health.ROUTES,
    *definitions.ROUTES,
    *operations.ROUTES,
)
