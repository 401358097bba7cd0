"""/api/cluster-name, /api/version and what else concerns the cluster, which is one node."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

import msgspec

from leveret.broker.global_parameters import CLUSTER_NAME
from leveret.management.answers import ClusterNameAnswer
from leveret.management.authorisation import ADMINISTER, BE_KNOWN
from leveret.management.bodies import Text
from leveret.management.calls import changed
from leveret.management.refusals import bad_request
from leveret.management.routing import Route

if TYPE_CHECKING:
    from starlette.responses import Response

    from leveret.management.calls import Call


class ClusterNameBody(msgspec.Struct):
    REQUIRED: ClassVar = ("name",)

    name: Text = msgspec.UNSET


async def show_cluster_name(call: Call) -> Response:
    return call.found({"name": call.management.cluster_name()})


async def put_cluster_name(call: Call) -> Response:
    body = await call.body(ClusterNameBody)
    if not isinstance(body.name, str):
        raise bad_request(["not_string", "name"])
    await call.done(call.management.broker.global_parameters.put(CLUSTER_NAME, body.name))
    return changed()


async def show_version(call: Call) -> Response:
    """RabbitMQ's, whose API this is."""
    return call.found(call.management.rabbitmq_version())


async def list_extensions(call: Call) -> Response:
    """Scripts that RabbitMQ's page loads; there are none."""
    return call.found([])


async def reset_statistics(call: Call) -> Response:
    """Statistics are derived from the broker's state when they are asked for: there is no database
    of them that could be emptied."""
    if "node" in call.names:
        call.check_node()
    return changed()


async def rebalance(call: Call) -> Response:
    """Every queue's leader is on the only node."""
    return changed()


ROUTES: Final = (
    Route("GET", "/cluster-name", BE_KNOWN, show_cluster_name, answer=ClusterNameAnswer),
    Route(
        "PUT",
        "/cluster-name",
        ADMINISTER,
        put_cluster_name,
        body=ClusterNameBody,
        statuses=(204,),
    ),
    Route("GET", "/version", BE_KNOWN, show_version, answer=str),
    Route("GET", "/extensions", BE_KNOWN, list_extensions, answer=list[dict[str, str]]),
    Route("DELETE", "/reset", ADMINISTER, reset_statistics),
    Route("DELETE", "/reset/{node}", ADMINISTER, reset_statistics),
    Route("POST", "/rebalance/queues", ADMINISTER, rebalance, statuses=(204,)),
)
