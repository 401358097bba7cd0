"""Requests to a broker's HTTP API, and what to tell a person when they fail."""

import http.client
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final
from urllib.parse import quote

from leveret.cli.ctl.addresses import Address
from leveret.cli.ctl.exits import (
    DATA,
    NO_PERMISSION,
    PROTOCOL,
    SOFTWARE,
    TEMPORARY,
    UNAVAILABLE,
    CtlError,
)

# Far above what any broker answers, and below what would hurt whoever asks.
ANSWER_MAX_BYTES: Final = 1 << 30
# Above what any name has (a connection's is the longest), and below what servers take in a path.
NAME_MAX_BYTES: Final = 1024


class NoBroker(CtlError):
    """Nobody answers at the address."""


class Refused(CtlError):
    """The broker refused a request, and says why."""

    def __init__(self, sentence: str, exit_code: int, status: int, reason: str) -> None:
        super().__init__(sentence, exit_code)
        self.status = status
        self.reason = reason


class Client:
    """One broker. Each request has a connection of its own, so nothing is old when it is used."""

    def __init__(self, address: Address, timeout_seconds: float) -> None:
        self.address = address
        self.timeout_seconds = timeout_seconds

    def check(self) -> None:
        """Raise unless somebody accepts connections there."""
        with self._connected():
            pass

    def get(self, *path: str) -> Any:
        return self._request("GET", path)

    def find(self, *path: str) -> Any:
        """What is there, or None."""
        try:
            return self._request("GET", path)
        except Refused as refused:
            if refused.status == 404:
                return None
            raise

    def put(self, *path: str, body: object) -> None:
        self._request("PUT", path, body=body)

    def post(self, *path: str, body: object = None, query: str = "") -> Any:
        return self._request("POST", path, body=body, query=query)

    def delete(self, *path: str, query: str = "", headers: dict[str, bytes] | None = None) -> None:
        self._request("DELETE", path, query=query, headers=headers)

    def _request(
        self,
        method: str,
        path: tuple[str, ...],
        *,
        query: str = "",
        body: object = None,
        headers: dict[str, bytes] | None = None,
    ) -> Any:
        _check_names(path)
        target = "/api/" + "/".join(_segment(part) for part in path) + query
        content = None if body is None else json.dumps(body).encode()
        sent: dict[str, str | bytes] = {"Connection": "close", **self.address.headers}
        sent.update(headers or {})
        with self._connected() as connection:
            try:
                connection.request(method, target, content, sent)
                response = connection.getresponse()
                octets = response.read(ANSWER_MAX_BYTES)
            except TimeoutError as error:
                raise self._late() from error
            except (OSError, http.client.HTTPException) as error:
                raise self._not_ours(f"{type(error).__name__}: {error}") from error
        if response.status >= 300:
            raise self._refusal(method, target, response.status, octets)
        return self._decoded(octets) if octets else None

    @contextmanager
    def _connected(self) -> Iterator[http.client.HTTPConnection]:
        if self.timeout_seconds == 0:
            raise self._late()
        connection = self.address.connection(self.timeout_seconds)
        try:
            try:
                connection.connect()
            except (OSError, UnicodeError) as error:
                raise self._unreachable(error) from error
            yield connection
        finally:
            connection.close()

    def _decoded(self, octets: bytes) -> Any:
        try:
            return json.loads(octets)
        except (ValueError, RecursionError) as error:
            raise self._not_ours("an answer is not JSON") from error

    def _refusal(self, method: str, target: str, status: int, octets: bytes) -> CtlError:
        try:
            reason = str(json.loads(octets)["reason"])
        except (ValueError, RecursionError, LookupError, TypeError):
            return self._not_ours(f"{method} {target} was answered with {status}")
        if status in (401, 403):
            sentence = (
                f"{self.address.name} does not allow this ({reason}): "
                "use a user with tag administrator in --url, and its password"
            )
            code = NO_PERMISSION
        elif status >= 500:
            sentence = f"the broker failed to do this ({reason}); its log says why"
            code = SOFTWARE
        elif status == 404:
            sentence = f"{self.address.name} has nothing at {target}: is it a Leveret?"
            code = PROTOCOL
        else:
            sentence = f"the broker refuses this: {reason}"
            code = DATA
        return Refused(sentence, code, status, reason)

    def _unreachable(self, error: OSError | UnicodeError) -> CtlError:
        name = self.address.name
        if isinstance(error, TimeoutError):
            return self._late()
        if isinstance(error, PermissionError):
            return CtlError(
                f"{name} may not be opened by this user: use the user who runs the broker, "
                "or --url with a user of the broker",
                NO_PERMISSION,
            )
        if isinstance(error, FileNotFoundError | ConnectionRefusedError | NotADirectoryError):
            return NoBroker(f"no broker answers on {name}: {self.address.remedy}", UNAVAILABLE)
        what = getattr(error, "strerror", None) or error
        return NoBroker(
            f"{name} cannot be reached ({what}): {self.address.remedy}",
            UNAVAILABLE,
        )

    def _late(self) -> CtlError:
        return CtlError(
            f"{self.address.name} did not answer within {self.timeout_seconds:g} seconds: "
            "allow more with --timeout, and see the broker's log",
            TEMPORARY,
        )

    def _not_ours(self, what: str) -> CtlError:
        return CtlError(
            f"{self.address.name} does not answer as a broker does ({what}): "
            "is another program listening there?",
            PROTOCOL,
        )


def _check_names(path: tuple[str, ...]) -> None:
    """Nothing has such a name, and a path with one would be another path, or none."""
    sizes = [len(part.encode()) for part in path]
    if max(sizes) > NAME_MAX_BYTES:
        sentence = f"names have at most 255 octets, and one given has {max(sizes)}: shorten it"
    elif min(sizes) == 0:
        sentence = "one of the names given is empty"
    else:
        return
    raise Refused(sentence, DATA, 404, "Not Found")


def _segment(part: str) -> str:
    # A name that is only dots must not look like a step up in a path.
    return quote(part, safe="").replace(".", "%2E")
