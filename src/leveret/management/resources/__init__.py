"""The resources of the management API: a file for each family of paths, each with its routes."""

from typing import Final

from leveret.management.resources import (
    auth,
    bindings,
    channels,
    cluster,
    connections,
    consumers,
    description,
    exchanges,
    features,
    health,
    limits,
    messages,
    operations,
    overview,
    parameters,
    permissions,
    policies,
    queues,
    topic_permissions,
    users,
    vhosts,
    whoami,
)
from leveret.management.routing import Route

ROUTES: Final[tuple[Route, ...]] = (
    *overview.ROUTES,
    *cluster.ROUTES,
    *features.ROUTES,
    *whoami.ROUTES,
    *auth.ROUTES,
    *vhosts.ROUTES,
    *users.ROUTES,
    *permissions.ROUTES,
    *policies.ROUTES,
    *limits.ROUTES,
    *topic_permissions.ROUTES,
    *parameters.ROUTES,
    *queues.ROUTES,
    *exchanges.ROUTES,
    *messages.ROUTES,
    *bindings.ROUTES,
    *connections.ROUTES,
    *channels.ROUTES,
    *consumers.ROUTES,
    *health.ROUTES,
    *operations.ROUTES,
    *description.ROUTES,
)
