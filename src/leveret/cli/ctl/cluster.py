"""The cluster, which is one node: its name and state, feature flags, logins."""

import click

from leveret.cli.ctl.answers import Rows, Said
from leveret.cli.ctl.call import Call
from leveret.cli.ctl.exits import UNAVAILABLE, USAGE, CtlError
from leveret.cli.ctl.status import alarms_of, listener_lines, listeners_of
from leveret.cli.ctl.verb import argument, table_headers_option, verb


@verb()
def cluster_status(call: Call) -> Said:
    """Say which node there is, with its alarms, listeners and feature flags."""
    call.announce(f"Cluster status of node {call.node} ...")
    found = call.client.get("x", "status")
    name = call.client.get("cluster-name")["name"]
    flags = call.client.get("feature-flags")
    node = found["node"]
    sections = {
        "Basics": [f"Cluster name: {name}"],
        "Disk Nodes": [node],
        "Running Nodes": [node],
        "Versions": [f"{node}: RabbitMQ {found['rabbitmq_version']} (Leveret {found['version']})"],
        "Maintenance status": [f"Node: {node}, status: not under maintenance"],
        "Alarms": alarms_of(found) or ["(none)"],
        "Network Partitions": ["(none)"],
        "Listeners": [f"Node: {node}, i{line[1:]}" for line in listener_lines(found)],
        "Feature flags": [f"Flag: {each['name']}, state: {each['state']}" for each in flags],
    }
    text = "\n\n".join(
        "\n".join([click.style(title, bold=True), "", *lines]) for title, lines in sections.items()
    )
    return Said(
        text,
        {
            "alarms": found["alarms"],
            "cluster_name": name,
            "disk_nodes": [node],
            "feature_flags": flags,
            "listeners": {node: listeners_of(found)},
            "maintenance_status": {node: "not under maintenance"},
            "partitions": {},
            "ram_nodes": [],
            "running_nodes": [node],
        },
    )


@verb(argument("name"))
def set_cluster_name(call: Call, name: str) -> None:
    """Give the cluster a name."""
    call.announce(f"Setting cluster name to {name} ...")
    call.client.put("cluster-name", body={"name": name})


@verb(argument("count", type=click.IntRange(min=1)))
def await_online_nodes(call: Call, count: int) -> None:
    """Wait for nodes: there is one, so more never come."""
    call.announce(
        f"Will wait for at least {count} nodes to join the cluster of {call.node}. "
        f"Timeout: {int(call.timeout_seconds)} seconds."
    )
    if count > 1:
        raise CtlError(f"a Leveret is one node, and {count} will never be there", UNAVAILABLE)


@verb(argument("flag"), click.Option(["--experimental", "--opt-in"], is_flag=True, hidden=True))
def enable_feature_flag(call: Call, flag: str, experimental: bool) -> None:
    """Accepted: all feature flags there are have been enabled."""
    call.announce(
        "Enabling all feature flags ..." if flag == "all" else f'Enabling feature flag "{flag}" ...'
    )
    if flag != "all" and flag not in [each["name"] for each in call.client.get("feature-flags")]:
        raise CtlError(
            f"there is no feature flag '{flag}': list_feature_flags names those there are",
            USAGE,
        )
    if not call.quiet:
        call.note("feature flags are always enabled.")


@verb(table_headers_option())
def list_feature_flags(call: Call) -> Rows:
    """List feature flags, all of which are enabled."""
    call.announce("Listing feature flags ...")
    return _features("feature-flags", ("name", "state"), call)


@verb(table_headers_option())
def list_deprecated_features(call: Call) -> Rows:
    """List what RabbitMQ has deprecated, and whether it works here."""
    call.announce("Listing deprecated features ...")
    return _features("deprecated-features", ("name", "deprecation_phase"), call)


@verb(table_headers_option())
def list_node_auth_attempt_stats(call: Call) -> Rows:
    """Say how often somebody has tried to log in, by protocol."""
    call.announce(f'Listing authentication\n attempts for node "{call.node}" ...')
    columns = ("protocol", "auth_attempts", "auth_attempts_failed", "auth_attempts_succeeded")
    node = call.client.get("x", "status")["node"]
    found = call.client.get("auth", "attempts", node)
    return Rows(columns, [[each[name] for name in columns] for each in found])


@verb(table_headers_option())
def list_unresponsive_queues(call: Call) -> Rows:
    """List queues that do not answer: queues have no processes that could hang."""
    call.announce(f"Listing unresponsive queues for vhost {call.vhost} ...")
    return Rows(("name",), [])


def _features(path: str, columns: tuple[str, ...], call: Call) -> Rows:
    rows = [[each[name] for name in columns] for each in call.client.get(path)]
    return Rows(columns, rows, streamed=False)


VERBS = (
    await_online_nodes,
    cluster_status,
    enable_feature_flag,
    list_deprecated_features,
    list_feature_flags,
    list_node_auth_attempt_stats,
    list_unresponsive_queues,
    set_cluster_name,
)
