"""/api/users: users and their tags."""

from __future__ import annotations

import base64
import binascii
import hashlib
from typing import TYPE_CHECKING, Final

import msgspec

from leveret.access.password_rules import PasswordError, PasswordRules
from leveret.access.passwords import ALGORITHMS, DEFAULT_ALGORITHM, SALT_SIZE, hash_password
from leveret.access.users import SEPARATOR, User
from leveret.management.authorisation import ADMINISTER
from leveret.management.calls import Call, Route, changed, check_new_name, created
from leveret.management.refusals import bad_request, not_found
from leveret.management.views import permissions_view, user_view

if TYPE_CHECKING:
    from starlette.responses import Response


class UserBody(msgspec.Struct):
    tags: str | list[str] | None = None
    password: str | None = None
    password_hash: str | None = None
    hashing_algorithm: str = DEFAULT_ALGORITHM


async def list_users(call: Call) -> Response:
    users = call.management.users
    return call.found(
        [user_view(users.users[name], users.limits.get(name, {})) for name in sorted(users.users)]
    )


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
    await call.done(call.management.administration.delete_user(name))
    return changed()


async def list_permissions(call: Call) -> Response:
    name = _user(call).name
    permissions = call.management.users.permissions
    return call.found(
        [permissions_view(*key, permissions[key]) for key in sorted(permissions) if key[0] == name]
    )


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
    if not body.password_hash:
        return ""
    try:
        octets = base64.b64decode(body.password_hash, validate=True)
    except (binascii.Error, ValueError):
        raise bad_request("password_hash is not base64") from None
    digest_size = hashlib.new(ALGORITHMS[body.hashing_algorithm]).digest_size
    if len(octets) != SALT_SIZE + digest_size:
        raise bad_request(
            f"password_hash holds {len(octets)} octets; a salt of {SALT_SIZE} and a digest of "
            f"{digest_size} are expected"
        )
    return body.password_hash


ROUTES: Final = (
    Route("GET", "/users", ADMINISTER, list_users),
    Route("GET", "/users/{user}", ADMINISTER, show_user),
    Route("PUT", "/users/{user}", ADMINISTER, put_user),
    Route("DELETE", "/users/{user}", ADMINISTER, delete_user),
    Route("GET", "/users/{user}/permissions", ADMINISTER, list_permissions),
)
