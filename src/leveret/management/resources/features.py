"""/api/feature-flags and /api/deprecated-features: what RabbitMQ's tools ask before they rely on
something."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from leveret.management.answers import DeprecatedFeature, FeatureFlag
from leveret.management.authorisation import ADMINISTER
from leveret.management.calls import changed
from leveret.management.refusals import bad_request
from leveret.management.routing import Route

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.responses import Response

    from leveret.broker.vhost import VHost
    from leveret.management.calls import Call

# RabbitMQ's flags, all enabled as everywhere since its release 3.12. Tools take `stream_queue` for
# the sign of a release that is new enough; there are no streams.
FLAGS: Final[dict[str, str]] = {
    "classic_queue_type_delivery_support": "Deliveries of classic queues",
    "direct_exchange_routing_v2": "Direct exchanges route by an index",
    "drop_unroutable_metric": "Messages that lead nowhere are counted",
    "empty_basic_get_metric": "A basic.get that finds nothing is counted",
    "feature_flags_v2": "Feature flags are enabled one by one",
    "implicit_default_bindings": "Bindings to the default exchange are nowhere stored",
    "listener_records_in_ets": "Listeners are known to this process only",
    "message_containers": "Messages are kept as their publishers sent them",
    "quorum_queue": "Queues may be of type quorum",
    "restart_streams": "Streams can be restarted",
    "stream_queue": "Tools ask for it; there are no streams",
    "tracking_records_in_ets": "Connections and channels are known to this process only",
    "user_limits": "Users have limits of their own",
    "virtual_host_metadata": "Vhosts have descriptions and tags",
}


async def list_flags(call: Call) -> Response:
    return call.found(
        [
            {
                "name": name,
                "desc": meaning,
                "doc_url": "",
                "state": "enabled",
                "stability": "required",
                "provided_by": "rabbit",
            }
            for name, meaning in FLAGS.items()
        ]
    )


async def enable_flag(call: Call) -> Response:
    """Whatever there is has been enabled."""
    if call.names["name"] not in FLAGS:
        raise bad_request("unsupported")
    return changed()


# --- deprecated features ---


def _global_qos_used(vhost: VHost, call: Call) -> bool:
    return any(
        channel.prefetch_count
        for connection in call.management.administration.connections()
        if connection.vhost is vhost
        for channel in connection.channels.open.values()
    )


def _transient_queues_used(vhost: VHost, call: Call) -> bool:
    return any(
        not queue.durable and queue.exclusive_owner is None for queue in vhost.queues.values()
    )


class _Deprecated:
    """`permitted` is the row of `Compat` that says whether it still works."""

    def __init__(
        self, name: str, meaning: str, permitted: str, used: Callable[[VHost, Call], bool]
    ) -> None:
        self.name = name
        self.meaning = meaning
        self.permitted = permitted
        self.used = used


DEPRECATED: Final = (
    _Deprecated(
        "global_qos", "A prefetch for a whole channel", "global_prefetch", _global_qos_used
    ),
    _Deprecated(
        "transient_nonexcl_queues",
        "Queues that are neither durable nor exclusive",
        "transient_nonexclusive_queues",
        _transient_queues_used,
    ),
)


async def list_deprecated(call: Call) -> Response:
    return call.found([_view(call, feature) for feature in DEPRECATED])


async def list_deprecated_used(call: Call) -> Response:
    """Those that somebody uses now."""
    vhosts = call.management.broker.vhosts.values()
    return call.found(
        [
            _view(call, feature)
            for feature in DEPRECATED
            if any(feature.used(vhost, call) for vhost in vhosts)
        ]
    )


def _view(call: Call, feature: _Deprecated) -> dict[str, object]:
    permitted = getattr(call.management.broker.compat, feature.permitted)
    return {
        "name": feature.name,
        "desc": feature.meaning,
        "doc_url": "",
        "state": "permitted" if permitted else "denied",
        "deprecation_phase": "permitted_by_default" if permitted else "denied_by_default",
        "provided_by": "rabbit",
    }


ROUTES: Final = (
    Route("GET", "/feature-flags", ADMINISTER, list_flags, answer=list[FeatureFlag]),
    Route("PUT", "/feature-flags/{name}/enable", ADMINISTER, enable_flag, statuses=(204,)),
    Route(
        "GET", "/deprecated-features", ADMINISTER, list_deprecated, answer=list[DeprecatedFeature]
    ),
    Route(
        "GET",
        "/deprecated-features/used",
        ADMINISTER,
        list_deprecated_used,
        answer=list[DeprecatedFeature],
    ),
)
