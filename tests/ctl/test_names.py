"""Names that tempt a path, a table or a terminal are names like others."""

import json

import pytest

from .conftest import Ctl

ODD = [
    "../x",
    "..",
    ".",
    "%2F",
    "a/b?c=d#e",
    "  spaces  ",
    "žluťoučký kůň",
    "\U0001f407",
    "-dash",
    "{braces}",
    'quote"s',
    "x" * 255,
    "ž" * 127,
]


@pytest.mark.parametrize("name", ODD)
def test_a_user_may_have_an_odd_name(name: str, ctl: Ctl) -> None:
    ctl.run("-q", "add_user", "--", name, "secret")
    try:
        ctl.run("set_user_tags", "--", name, "management")
        listed = json.loads(ctl.run("list_users", "--formatter", "json"))
        assert {"user": name, "tags": ["management"]} in listed
        ctl.run("set_permissions", "--", name, ".*", ".*", ".*")
        assert ctl.run("-s", "list_user_permissions", "--", name) == "/\t.*\t.*\t.*\n"
        ctl.run("clear_permissions", "--", name)
        assert ctl("authenticate_user", "--", name, "secret").exit_code == 0
    finally:
        ctl.run("delete_user", "--", name)


@pytest.mark.parametrize("name", ODD)
def test_a_vhost_may_have_an_odd_name(name: str, ctl: Ctl) -> None:
    ctl.run("add_vhost", "--", name)
    try:
        assert {"name": name} in json.loads(ctl.run("list_vhosts", "--formatter", "json"))
        assert f"Listing exchanges for vhost {name} ..." in ctl.run("list_exchanges", "-p", name)
    finally:
        ctl.run("delete_vhost", "--", name)


@pytest.mark.parametrize("size", [256, 2000, 100_000])
@pytest.mark.parametrize(
    ("arguments", "exit_code"),
    [
        ("add_user NAME secret", 65),
        ("add_vhost NAME", 65),
        ("delete_user NAME", 67),
        ("set_user_tags NAME x", 67),
        ("delete_vhost NAME", 65),
        ("delete_queue NAME", 64),
        ("purge_queue NAME", 69),
        ("purge_queue -p NAME x", 69),
        ("close_connection NAME reason", 69),
        ("list_user_permissions NAME", 69),
        ("set_permissions guest NAME x (", 69),
        ("set_permissions -p NAME guest x x x", 69),
    ],
)
def test_a_name_that_nothing_can_have_is_refused(
    arguments: str, exit_code: int, size: int, ctl: Ctl
) -> None:
    words = [word.replace("NAME", "x" * size) for word in arguments.split()]
    outcome = ctl(*words)
    assert outcome.exit_code == exit_code
    assert outcome.stderr.splitlines()[-1].startswith("Error: ")


def test_control_characters_in_a_name_do_not_reach_the_terminal(ctl: Ctl) -> None:
    name = "tab\there\x1b[31mred\x85\u202e"
    ctl.run("-q", "add_user", name, "secret")
    try:
        for formatter in ("table", "csv", "pretty_table"):
            listed = ctl.run("-q", "list_users", "--formatter", formatter)
            assert r"tab\there\x1b[31mred\x85\u202e" in listed
        listed = ctl.run("list_users", "--formatter", "json")
        assert r"tab\there\u001b[31mred\u0085" in listed
        assert {"user": name, "tags": []} in json.loads(listed)
    finally:
        ctl.run("delete_user", name)
