"""/api/users: users and their tags."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

import msgspec

from leveret.access.password_rules import PasswordError, PasswordRules
from leveret.access.passwords import (
    ALGORITHMS,
    DEFAULT_ALGORITHM,
    check_password_hash,
    hash_password,
)
from leveret.access.users import SEPARATOR, User
from leveret.management.administration import ProtectedError
from leveret.management.answers import PermissionsAnswer, UserAnswer
from leveret.management.authorisation import ADMINISTER
from leveret.management.bodies import Texts
from leveret.management.calls import Call, changed, check_new_name, created
from leveret.management.families import USERS
from leveret.management.lists import listed
from leveret.management.pace import batches
from leveret.management.refusals import bad_request, not_found, precondition_failed
from leveret.management.routing import Route
from leveret.management.views import permissions_view, user_view

if TYPE_CHECKING:
    from starlette.responses import Response


# In one commit and one slice of the request.
DELETED_TOGETHER: Final = 50


class UserBody(msgspec.Struct):
    tags: str | list[str] | None = None
    password: str | None = None
    password_hash: str | None = None
    hashing_algorithm: str = DEFAULT_ALGORITHM


class BulkBody(msgspec.Struct):
    REQUIRED: ClassVar = ("users",)

    users: Texts = msgspec.UNSET


async def list_users(call: Call) -> Response:
    return await listed(call, USERS)


async def show_user(call: Call) -> Response:
    user = _user(call)
    return call.found(user_view(user, call.management.users.limits.get(user.name, {})))


async def put_user(call: Call) -> Response:
    """Without a password the user has none, and cannot log in with one."""
    body = await call.body(UserBody)
    name = call.names["user"]
    check_new_name("user name", name)
    if SEPARATOR in name:
        raise bad_request("a user name holds no NUL")
    if body.tags is None:
        raise bad_request("tags_not_present")
    known = name in call.management.users.users
    password_hash = _password_hash(body, call.management.users.password_rules)
    user = User(name, password_hash, body.hashing_algorithm, _tags(body.tags))
    await call.done(call.management.users.put_user(user))
    return changed() if known else created()


async def delete_user(call: Call) -> Response:
    name = _user(call).name
    try:
        await call.done(call.management.administration.delete_users([name]))
    except ProtectedError as error:
        raise precondition_failed(str(error)) from None
    return changed()


async def list_permissions(call: Call) -> Response:
    name = _user(call).name
    permissions = call.management.users.permissions
    return call.found(
        [permissions_view(*key, permissions[key]) for key in sorted(permissions) if key[0] == name]
    )


async def list_without_permissions(call: Call) -> Response:
    """Those who have no permissions in any vhost."""
    users = call.management.users
    permitted = {user for user, _ in users.permissions}
    return call.found(
        [
            user_view(users.users[name], users.limits.get(name, {}))
            for name in sorted(users.users)
            if name not in permitted
        ]
    )


async def delete_users(call: Call) -> Response:
    """All of them or, should one of them be unknown or protected, none."""
    body = await call.body(BulkBody)
    names = body.users
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise bad_request("users is an array of names")
    for name in names:
        if name not in call.management.users.users:
            raise bad_request(["no_such_user", name])
    administration = call.management.administration
    try:
        for name in names:
            administration.check_user_deletion(name)
        pace = call.management.lists.new_pace()
        for some in batches(names, DELETED_TOGETHER):
            await call.done(administration.delete_users(some))
            await pace.rest_if_used_up()
    except ProtectedError as error:
        raise precondition_failed(str(error)) from None
    return changed()


def _user(call: Call) -> User:
    user = call.management.users.users.get(call.names["user"])
    if user is None:
        raise not_found()
    return user


def _tags(tags: str | list[str]) -> tuple[str, ...]:
    names = tags.split(",") if isinstance(tags, str) else tags
    return tuple(name.strip() for name in names if name.strip())


def _password_hash(body: UserBody, rules: PasswordRules) -> str:
    if body.hashing_algorithm not in ALGORITHMS:
        raise bad_request(f"hashing_algorithm is one of {', '.join(sorted(ALGORITHMS))}")
    if body.password is not None:
        if body.password_hash is not None:
            raise bad_request("both_password_and_password_hash_are_provided")
        try:
            rules.check(body.password)
        except PasswordError as error:
            raise bad_request(f"credential_validation_failed: {error}") from None
        return hash_password(body.password.encode(), body.hashing_algorithm)
    password_hash = body.password_hash or ""
    try:
        check_password_hash(password_hash, body.hashing_algorithm)
    except ValueError as error:
        raise bad_request(str(error)) from None
    return password_hash


ROUTES: Final = (
    Route("GET", "/users", ADMINISTER, list_users, answer=list[UserAnswer]),
    Route(
        "GET",
        "/users/without-permissions",
        ADMINISTER,
        list_without_permissions,
        answer=list[UserAnswer],
    ),
    Route("POST", "/users/bulk-delete", ADMINISTER, delete_users, body=BulkBody, statuses=(204,)),
    Route("GET", "/users/{user}", ADMINISTER, show_user, answer=UserAnswer),
    Route("PUT", "/users/{user}", ADMINISTER, put_user, body=UserBody),
    Route("DELETE", "/users/{user}", ADMINISTER, delete_user),
    Route(
        "GET",
        "/users/{user}/permissions",
        ADMINISTER,
        list_permissions,
        answer=list[PermissionsAnswer],
    ),
)
