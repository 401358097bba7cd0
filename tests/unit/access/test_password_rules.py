"""What a new password has to be like, in RabbitMQ's words."""

import pytest

from leveret.access.password_rules import PasswordError, PasswordRules
from leveret.access.users import Users
from leveret.broker.patterns import PatternError
from leveret.testing.memory_server import MemoryDefinitions


def test_without_rules_every_password_is_taken() -> None:
    PasswordRules().check("")


def test_a_password_has_a_least_number_of_octets() -> None:
    rules = PasswordRules(min_length=4)
    rules.check("éé")
    with pytest.raises(PasswordError, match=r"^minimum required password length is 4$"):
        rules.check("abc")


def test_a_pattern_is_found_in_a_password() -> None:
    rules = PasswordRules(pattern=r"\d")
    rules.check("pass1word")
    with pytest.raises(PasswordError, match="does not match the validator regular expression"):
        rules.check("password")


def test_what_is_no_pattern_is_refused() -> None:
    with pytest.raises(PatternError):
        PasswordRules(pattern="(")


def test_a_user_is_not_added_with_a_password_that_breaks_a_rule() -> None:
    users = Users(MemoryDefinitions(), [])
    users.password_rules = PasswordRules(min_length=8)
    with pytest.raises(PasswordError):
        users.add_user("ada", "canary")
    assert users.users == {}
