"""Health checks, parameters and what else has been added to rabbitmqctl's first verbs."""

import json

import pytest

from leveret.cli.ctl.refused import REASONS

from .conftest import Ctl, Served


@pytest.mark.parametrize(
    ("verb", "said"),
    [
        ("check_running", "RabbitMQ on node NODE is fully booted and running"),
        ("check_local_alarms", "Node NODE reported no local alarms"),
        ("check_alarms", "Node NODE reported no alarms, local or clusterwide"),
        ("alarms", "Node NODE reported no alarms, local or clusterwide"),
        ("check_virtual_hosts", "Node NODE reported all vhosts as running"),
        ("check_protocol_listener amqp", "A listener for protocol amqp is running on node NODE."),
        ("check_certificate_expiration", "No certificates are expiring within 4 weeks."),
        ("close_all_connections bye", "Closed 0 connections"),
    ],
)
def test_a_check_says_what_rabbitmqs_says(verb: str, said: str, ctl: Ctl, served: Served) -> None:
    assert ctl.run("-q", *verb.split()) == said.replace("NODE", served.node) + "\n"


def test_ports_are_found_and_missed(ctl: Ctl, served: Served) -> None:
    assert ctl("check_port_listener", str(served.port("amqp"))).exit_code == 0
    missed = ctl("check_port_listener", "1")
    assert (missed.exit_code, "No listener for port 1" in missed.stderr) == (69, True)
    assert ctl("check_protocol_listener", "mqtt").exit_code == 69
    assert str(served.port("amqp")) in ctl.run("check_port_connectivity")


def test_parameters_are_set_listed_and_cleared(ctl: Ctl) -> None:
    ctl.run("set_parameter", "vhost-limits", "limits", '{"max-queues":5}')
    assert ctl.run("-s", "list_parameters") == 'vhost-limits\tlimits\t{"max-queues":5}\n'
    ctl.run("clear_parameter", "vhost-limits", "limits")
    assert ctl("clear_parameter", "vhost-limits", "limits").exit_code == 69
    ctl.run("set_global_parameter", "k", '{"a":1}')
    assert 'k\t{"a":1}\n' in ctl.run("list_global_parameters")
    ctl.run("clear_global_parameter", "k")
    assert ctl("clear_global_parameter", "k").exit_code == 69


def test_a_cleared_password_lets_nobody_in(ctl: Ctl) -> None:
    ctl.run("add_user", "eve", "secret")
    ctl.run("clear_password", "eve")
    assert ctl("authenticate_user", "eve", "secret").exit_code == 65
    ctl.run("delete_user", "eve")
    assert ctl("clear_password", "eve").exit_code == 69


def test_a_protected_vhost_is_not_deleted(ctl: Ctl) -> None:
    ctl.run("add_vhost", "safe")
    ctl.run("enable_vhost_deletion_protection", "safe")
    assert ctl("delete_vhost", "safe").exit_code != 0
    ctl.run("disable_vhost_deletion_protection", "safe")
    ctl.run("delete_vhost", "safe")


@pytest.mark.parametrize(
    "verb",
    ["cluster_status", "listeners", "memory_breakdown", "server_version", "list_feature_flags"],
)
def test_a_report_is_json_too(verb: str, ctl: Ctl) -> None:
    assert ctl.run(verb)
    assert json.loads(ctl.run(verb, "--formatter", "json"))


@pytest.mark.parametrize("verb", REASONS)
def test_what_is_not_here_is_refused_with_a_reason(verb: str, ctl: Ctl) -> None:
    refused = ctl(verb, "--anything", "x")
    assert (refused.exit_code, refused.stderr) == (
        69,
        f"Error: {verb} is refused: {REASONS[verb]}\n",
    )
