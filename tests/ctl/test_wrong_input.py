"""Wrong input is answered with a sentence and a code, whatever it is; never with a traceback."""

import os
import shlex
import subprocess
import sys

import pytest

from leveret.cli.ctl.group import VERBS
from leveret.cli.ctl.refused import REASONS

from .conftest import CLEAN, Ctl, Served, leveret

# The arguments of each verb, as many as it needs.
ARGUMENTS = {
    "add_user": ["eve", "secret"],
    "authenticate_user": ["eve", "secret"],
    "change_password": ["eve", "secret"],
    "clear_operator_policy": ["p"],
    "clear_permissions": ["eve"],
    "clear_policy": ["p"],
    "clear_topic_permissions": ["eve"],
    "clear_user_limits": ["eve", "all"],
    "close_connection": ["a name", "a reason"],
    "delete_queue": ["tasks"],
    "delete_user": ["eve"],
    "delete_vhost": ["course"],
    "list_user_permissions": ["eve"],
    "list_user_topic_permissions": ["eve"],
    "purge_queue": ["tasks"],
    "set_operator_policy": ["p", "^a", "{}"],
    "set_permissions": ["eve", "a", "b", "c"],
    "set_policy": ["p", "^a", "{}"],
    "set_topic_permissions": ["eve", "amq.topic", "a", "b"],
    "set_user_limits": ["eve", "{}"],
    "set_user_tags": ["eve"],
    "set_vhost_limits": ["{}"],
    "add_vhost": ["course"],
    "update_vhost_metadata": ["course"],
    "await_online_nodes": ["1"],
    "check_port_listener": ["5672"],
    "check_protocol_listener": ["amqp"],
    "clear_global_parameter": ["owner"],
    "clear_parameter": ["vhost-limits", "limits"],
    "clear_password": ["eve"],
    "close_all_connections": ["a reason"],
    "close_all_user_connections": ["eve", "a reason"],
    "disable": ["rabbitmq_management"],
    "disable_vhost_deletion_protection": ["course"],
    "enable": ["rabbitmq_management"],
    "enable_feature_flag": ["all"],
    "enable_vhost_deletion_protection": ["course"],
    "hash_password": ["secret"],
    "is_enabled": ["rabbitmq_management"],
    "set_cluster_name": ["course"],
    "set_disk_free_limit": ["50MB"],
    "set_log_level": ["info"],
    "set_vm_memory_high_watermark": ["0.5"],
    "set_global_parameter": ["owner", "1"],
    "set_parameter": ["vhost-limits", "limits", "{}"],
    "set_permissions_globally": ["eve", "a", "b", "c"],
}
# Those that take any number of words.
UNBOUNDED = {"set_user_tags", "enable", "disable", "is_enabled", *REASONS}
OPTIONS = [
    "--nope",
    "-z",
    "--formatter nope",
    "--formatter ''",
    "--formatter erlang",
    "--timeout x",
    "--timeout -5",
    "--timeout 2.5",
    "--timeout infinity",
    "--timeout 99999999999999999999",
    "--quiet=false",
]
WITH_VALUE = ["-p", "--vhost", "-t", "--timeout", "-n", "--node", "--formatter", "--data", "--url"]


@pytest.mark.parametrize("option", OPTIONS)
def test_an_option_that_cannot_be_used_is_wrong_usage(option: str, nobody: Ctl) -> None:
    # A refused verb is refused whatever options of its own it has.
    for verb in VERBS.keys() - REASONS.keys():
        for arguments in ([verb, *shlex.split(option)], [*shlex.split(option), verb]):
            outcome = nobody(*arguments, *ARGUMENTS.get(verb, []))
            assert (outcome.exit_code, outcome.stdout) == (64, "")
            assert "Error: " in outcome.stderr


@pytest.mark.parametrize("option", WITH_VALUE)
def test_an_option_without_its_value_is_wrong_usage(option: str, nobody: Ctl) -> None:
    for verb in VERBS:
        outcome = nobody(verb, *ARGUMENTS.get(verb, []), option)
        assert outcome.exit_code == 64
        assert "requires an argument" in outcome.stderr


@pytest.mark.parametrize("verb", VERBS)
def test_a_verb_with_too_few_arguments_is_wrong_usage(verb: str, nobody: Ctl) -> None:
    for count in range(len([word for word in ARGUMENTS.get(verb, []) if word != "secret"])):
        outcome = nobody(verb, *ARGUMENTS[verb][:count])
        assert outcome.exit_code == 64
        assert "Missing argument" in outcome.stderr


@pytest.mark.parametrize("verb", sorted(VERBS.keys() - UNBOUNDED))
def test_a_verb_with_too_many_arguments_is_wrong_usage(verb: str, nobody: Ctl) -> None:
    outcome = nobody(verb, *ARGUMENTS.get(verb, []), "more", "and more")
    assert outcome.exit_code == 64
    # Verbs that list take the names of columns.
    assert "extra argument" in outcome.stderr or "there is no column" in outcome.stderr


@pytest.mark.parametrize("verb", [verb for verb in VERBS if verb.startswith("list_")])
def test_headers_are_for_tables(verb: str, nobody: Ctl) -> None:
    for formatter in ("json", "csv", "pretty_table"):
        outcome = nobody(
            verb, *ARGUMENTS.get(verb, []), "--no-table-headers", "--formatter", formatter
        )
        assert outcome.exit_code == 64
        assert "--no-table-headers is for tables" in outcome.stderr


def test_an_unknown_column_is_refused_with_those_there_are(nobody: Ctl) -> None:
    outcome = nobody("list_exchanges", "name", "../x,žába", "Type")
    assert outcome.exit_code == 64
    assert (
        "there is no column '../x', 'Type', 'žába'; columns are arguments, auto_delete, durable, "
        "internal, name, policy, type\n"
    ) in outcome.stderr


def test_a_missing_command_is_wrong_usage(nobody: Ctl) -> None:
    assert nobody().exit_code == 64


@pytest.mark.parametrize("pattern", ["(", "*", "[a", "(?P<a", "\\", "žába("])
def test_a_bad_pattern_is_named(pattern: str, ctl: Ctl) -> None:
    for patterns in ([pattern, "x", "x"], ["x", pattern, "x"], ["x", "x", pattern]):
        outcome = ctl("-q", "set_permissions", "guest", *patterns)
        assert outcome.exit_code == 69
        assert f"cannot be set: '{pattern}' is not a regular expression" in outcome.stderr
    assert ctl.run("-s", "list_user_permissions", "guest") == "/\t.*\t.*\t.*\n"


@pytest.mark.parametrize(
    ("line", "exit_code", "sentence"),
    [
        ("delete_user nobody", 67, "there is no user 'nobody': list_users names those there are"),
        ("list_permissions -p nowhere", 65, "there is no vhost 'nowhere': list_vhosts names"),
        ("purge_queue nothing", 69, "there is no queue 'nothing' in vhost '/': list_queues names"),
        ("delete_queue nothing", 64, "there is no queue 'nothing' in vhost '/': list_queues names"),
        ("close_connection nothing x", 69, "there is no connection 'nothing': "),
        ("add_user guest x", 70, "user 'guest' already exists: change its password with"),
        (
            "add_vhost a --default-queue-type stream",
            69,
            "default_queue_type is one of classic, quorum",
        ),
        ("add_vhost a --compat 2.8", 69, "compat is one of 3.13, 4.2, 4.3"),
        ("set_policy p a nonsense", 69, "the definition is not JSON"),
        ("set_vhost_limits []", 69, "the definition is no JSON object"),
        ("set_policy p a '{\"nope\":1}'", 69, "are not recognised policy settings"),
        ("clear_policy p", 69, "list_policies names those there are"),
        ("authenticate_user guest wrong", 65, "user 'guest' cannot log in with this password"),
        ("add_vhost ''", 65, "a vhost needs a name; the one given is empty"),
    ],
)
def test_the_sentence_says_what_to_do(line: str, exit_code: int, sentence: str, ctl: Ctl) -> None:
    outcome = ctl("-q", *shlex.split(line))
    assert outcome.exit_code == exit_code
    assert sentence in outcome.stderr


@pytest.mark.parametrize("verb", ["queues", "exchanges", "bindings", "consumers"])
def test_a_vhost_that_does_not_exist_has_nothing_and_a_note_says_so(verb: str, ctl: Ctl) -> None:
    outcome = ctl(f"list_{verb}", "-q", "-p", "nowhere")
    assert (outcome.exit_code, outcome.stdout) == (0, "")
    assert outcome.stderr == (
        "Note: there is no vhost 'nowhere': list_vhosts names those there are\n"
    )


def test_a_connection_that_has_gone_is_closed(ctl: Ctl) -> None:
    outcome = ctl("close_connection", "127.0.0.1:1 -> 127.0.0.1:2", "go\nhome \u202e" + "ž" * 1000)
    assert outcome.exit_code == 0
    assert "it may have closed by itself" in outcome.stderr


def test_a_failure_is_json_where_json_is_wanted(ctl: Ctl) -> None:
    outcome = ctl("delete_user", "nobody", "--formatter", "json")
    assert outcome.stdout == ""
    assert outcome.stderr == (
        '{"message":"there is no user \'nobody\': list_users names those there are",'
        f'"node":"leveret@{ctl.machine}","result":"error"}}\n'
    )


def test_every_formatter_prints_what_every_verb_says(ctl: Ctl) -> None:
    assert ctl.run("ping", "--formatter", "csv") == '"Ping succeeded"\n'
    assert "Ping succeeded" in ctl.run("ping", "--formatter", "pretty_table")
    assert '"OS PID: ' in ctl.run("status", "--formatter", "csv").replace("\n", '"')


@pytest.mark.parametrize("argument", [b"\xff", b"--vhost=\xff"])
def test_an_argument_that_is_not_utf8_is_refused(argument: bytes, served: Served) -> None:
    done = leveret("ctl", "--data", str(served.data), "list_queues", os.fsdecode(argument))
    assert done.returncode == 65
    assert "is not UTF-8" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_name_that_the_terminal_cannot_show_is_escaped(served: Served, ctl: Ctl) -> None:
    ctl.run("-q", "add_user", "ж", "secret")
    listed = leveret("ctl", "--data", str(served.data), "list_users", PYTHONIOENCODING="latin-1")
    ctl.run("delete_user", "ж")
    assert listed.returncode == 0
    assert "\\u0436\t[]" in listed.stdout


def test_a_reader_that_leaves_early_is_no_failure_of_ours(served: Served) -> None:
    read_end, write_end = os.pipe()
    os.close(read_end)
    with os.fdopen(write_end, "wb") as output:
        done = subprocess.run(
            [sys.executable, "-m", "leveret", "ctl", "--data", str(served.data), "status"],
            stdout=output,
            stderr=subprocess.PIPE,
            text=True,
            env=CLEAN,
        )
    assert "Traceback" not in done.stderr
