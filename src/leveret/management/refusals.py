"""Refused requests: an exception raised anywhere, which the door turns into RabbitMQ's JSON."""

from typing import Final

from leveret.errors import AccessRefused, NotFound, NotStored, ReplyError

LINE_MAX: Final = 78


class Refusal(Exception):
    """A request that is answered with an error: `{"error": ..., "reason": ...}`."""

    def __init__(
        self, status: int, error: str, reason: object, headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(reason)
        self.status = status
        self.error = error
        self.reason = reason
        self.headers = headers or {}


def bad_request(reason: object) -> Refusal:
    """The request cannot be understood, or its values cannot be used. The reason is a text or, as
    some of RabbitMQ's are, a list of texts."""
    return Refusal(400, "bad_request", reason)


def keys_missing(*keys: str) -> Refusal:
    """The object in the body lacks these members, in RabbitMQ's words."""
    missing = [f"{{key_missing,{key}}}" for key in keys]
    text = f"[{','.join(missing)}]"
    # Erlang breaks what is longer than a line.
    return bad_request(text if len(text) <= LINE_MAX else ",\n ".join(missing).join("[]"))


def not_authorised(reason: str) -> Refusal:
    """The caller is known and may not do this. RabbitMQ answers 401, not 403."""
    return Refusal(401, "not_authorised", reason)


def login_failed() -> Refusal:
    """Nobody is known. The two spellings of the word are RabbitMQ's."""
    return Refusal(
        401,
        "not_authorized",
        "Login failed",
        {"www-authenticate": 'Basic realm="RabbitMQ Management"'},
    )


def not_found() -> Refusal:
    """There is no such path, or nothing of the name in it."""
    return Refusal(404, "Object Not Found", "Not Found")


def no_vhost() -> Refusal:
    """There is no vhost to put something into."""
    return Refusal(404, "not_found", "vhost_not_found")


def refusal_of(error: ReplyError) -> Refusal:
    """What the broker refused, with its explanation, as RabbitMQ's API passes it on."""
    if isinstance(error, AccessRefused):
        return not_authorised(error.explanation)
    if isinstance(error, NotFound):
        return Refusal(404, "not_found", error.explanation)
    if isinstance(error, NotStored):
        return Refusal(500, "internal_error", error.explanation)
    return bad_request(error.explanation)


def precondition_failed(reason: str) -> Refusal:
    """Something that is there forbids it."""
    return Refusal(412, "precondition_failed", reason)
