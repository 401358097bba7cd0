"""Deletions against what was asked for a moment before and is not committed yet.

The definition store answers later: what it was asked first, it commits and answers first.
"""

import pytest

from leveret.access.users import PERMISSIONS, USER, Users
from leveret.broker.broker import VHOST
from leveret.management.administration import Administration
from leveret.testing import MemoryServer
from unit.late_definitions import LateDefinitions


@pytest.fixture
def definitions() -> LateDefinitions:
    return LateDefinitions()


@pytest.fixture
def server(definitions: LateDefinitions) -> MemoryServer:
    server = MemoryServer(definitions=definitions)
    server.add_user("ada", "password")
    server.add_vhost("lab")
    definitions.late = True
    return server


@pytest.fixture
def administration(server: MemoryServer) -> Administration:
    return Administration(server.broker, server.users)


def nobody_is_permitted_anything_but(names, users: Users, definitions: LateDefinitions) -> None:
    assert {user for user, _ in users.permissions} == names
    assert {key.split("\0")[0] for key in definitions.of(PERMISSIONS)} == names


def test_permissions_asked_for_before_their_user_was_deleted_go_with_it(
    server, administration, definitions
):
    server.set_permissions("ada", "/", ".*", ".*", ".*")
    administration.delete_users(["ada"])
    definitions.commit()
    nobody_is_permitted_anything_but({"guest"}, server.users, definitions)
    assert definitions.of(USER) == ["guest"]


def test_permissions_asked_for_before_their_vhost_was_deleted_go_with_it(
    server, administration, definitions
):
    server.set_permissions("ada", "lab", ".*", ".*", ".*")
    answers: list[object] = []
    administration.delete_vhost("lab").then(answers.append)
    definitions.commit()
    assert answers == [True]
    nobody_is_permitted_anything_but({"guest"}, server.users, definitions)
    assert definitions.of(VHOST) == ["/"]


def test_a_user_is_replaced_and_deleted_in_the_order_asked(server, administration, definitions):
    server.add_user("ada", "another")
    administration.delete_users(["ada"])
    definitions.commit()
    assert "ada" not in server.users.users
    administration.delete_users(["ada"])
    server.add_user("ada", "again")
    definitions.commit()
    assert "ada" in server.users.users
    assert sorted(definitions.of(USER)) == ["ada", "guest"]


def test_a_vhost_deleted_and_made_again_is_empty_and_there(server, administration, definitions):
    old = server.broker.vhosts["lab"]
    administration.delete_vhost("lab")
    server.add_vhost("lab")
    definitions.commit()
    assert server.broker.vhosts["lab"] is not old
    assert sorted(definitions.of(VHOST)) == ["/", "lab"]


def test_a_deletion_holds_before_it_is_committed(server, administration):
    administration.delete_users(["guest"])
    administration.delete_vhost("lab")
    assert "guest" not in server.users.users
    assert not server.users.vhost_access("guest", "/")
    assert list(server.broker.vhosts) == ["/"]


def test_permissions_are_set_and_cleared_in_the_order_asked(server, definitions):
    users = server.users
    users.set_permissions("ada", "lab", "", "", "")
    users.clear_permissions("ada", "lab")
    definitions.commit()
    assert not users.vhost_access("ada", "lab")
    users.clear_permissions("ada", "lab")
    users.set_permissions("ada", "lab", "", "", "")
    definitions.commit()
    assert users.vhost_access("ada", "lab")


def test_a_vhost_that_is_not_there_is_not_deleted(administration):
    answers: list[object] = []
    administration.delete_vhost("none").then(answers.append)
    assert answers == [False]
