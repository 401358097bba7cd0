"""How passwords come to `leveret ctl`, and who else sees them."""

import os
import pty
import subprocess
import sys

import pytest

from .conftest import CLEAN, Ctl, Served


@pytest.fixture(autouse=True)
def _no_users_are_left(ctl: Ctl):
    yield
    for line in ctl.run("-s", "list_users").splitlines():
        if (name := line.split("\t")[0]) != "guest":
            ctl.run("delete_user", name)


VISIBLE = "can be read by others in the list of processes"


@pytest.mark.parametrize("verb", ["add_user", "change_password", "authenticate_user"])
def test_a_password_on_the_command_line_is_said_to_be_visible(verb: str, ctl: Ctl) -> None:
    if verb != "add_user":
        ctl.run("-q", "add_user", "ada", "secret")
    outcome = ctl(verb, "ada", "secret")
    assert outcome.exit_code == 0
    assert VISIBLE in outcome.stderr
    assert VISIBLE not in outcome.stdout


@pytest.mark.parametrize("flag", ["-q", "-s"])
def test_a_quiet_command_does_not_say_it(flag: str, ctl: Ctl) -> None:
    assert ctl(flag, "add_user", "ada", "secret").stderr == ""


def test_a_password_on_standard_input_is_nobody_elses_business(ctl: Ctl) -> None:
    assert ctl("add_user", "ada", stdin="secret\n").stderr == ""
    assert ctl("authenticate_user", "ada", stdin="secret\n").exit_code == 0


def test_a_password_may_have_any_characters(ctl: Ctl) -> None:
    password = "žluťoučký kůň \U0001f40e: \"'$%/@\\"
    ctl.run("-q", "add_user", "ada", password)
    assert ctl("authenticate_user", "ada", stdin=password).exit_code == 0


def test_a_password_on_standard_input_that_is_not_utf8_is_refused(ctl: Ctl) -> None:
    outcome = ctl("add_user", "ada", stdin=b"\xff\xfe\n")
    assert outcome.exit_code == 65
    assert "not UTF-8" in outcome.stderr


def test_a_user_with_an_empty_password_cannot_log_in(ctl: Ctl) -> None:
    ctl.run("-q", "add_user", "ada", "")
    assert ctl("authenticate_user", "ada", "").exit_code == 65


def test_an_existing_user_keeps_the_password_when_added_again(ctl: Ctl) -> None:
    ctl.run("-q", "add_user", "ada", "secret")
    assert ctl("add_user", "ada", "other").exit_code == 70
    assert ctl("authenticate_user", "ada", "secret").exit_code == 0


def test_another_password_leaves_the_tags_as_they_are(ctl: Ctl) -> None:
    ctl.run("-q", "add_user", "ada", "secret")
    ctl.run("set_user_tags", "ada", "management")
    ctl.run("-q", "change_password", "ada", "other")
    assert "ada\t[management]" in ctl.run("list_users")


def test_in_a_terminal_the_password_is_asked_for_and_not_shown(served: Served, ctl: Ctl) -> None:
    terminal, its_end = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "leveret", "ctl", "--data", str(served.data), "add_user", "ada"],
        stdin=its_end,
        stdout=its_end,
        stderr=its_end,
        # Without a controlling terminal it is standard input that is asked.
        start_new_session=True,
        env=CLEAN,
    )
    shown = b""
    while not shown.endswith(b"Password: "):
        shown += os.read(terminal, 1000)
    os.write(terminal, b"secret\n")
    assert process.wait(timeout=20) == 0
    os.close(its_end)
    while b"Done." not in shown:
        shown += os.read(terminal, 1000)
    os.close(terminal)
    assert b"secret" not in shown
    assert ctl("authenticate_user", "ada", "secret").exit_code == 0
