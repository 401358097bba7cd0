"""Routes: the paths below /api, what each takes and answers, and which of them a request means."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

    import msgspec
    from starlette.responses import Response

    from leveret.management.authorisation import Operation
    from leveret.management.calls import Call

BODY_MAX_BYTES: Final = 10 << 20
# How a method answers when nothing else is said: with something, or that it is done.
STATUSES: Final[dict[str, tuple[int, ...]]] = {
    "GET": (200,),
    "PUT": (201, 204),
    "POST": (200,),
    "DELETE": (204,),
}

Handler = Callable[["Call"], Awaitable["Response"]]


class Route:
    """A path below /api, whose parts in braces are names, and what is done there by whom.

    `body` is the type of the JSON that it takes, `answer` that of the JSON in an answer 200, both
    as msgspec knows types; `statuses` are those of success. `flags` are what the query may set to
    true, `headers` those that are read. `paged` are lists that have pages. `form_field` is where in
    a form the same JSON may be.
    """

    def __init__(
        self,
        method: str,
        path: str,
        operation: Operation,
        handler: Handler,
        *,
        body: type[msgspec.Struct] | None = None,
        answer: object = None,
        statuses: tuple[int, ...] | None = None,
        flags: tuple[str, ...] = (),
        headers: tuple[str, ...] = (),
        body_max_bytes: int = BODY_MAX_BYTES,
        paged: bool = False,
        form_field: str = "",
    ) -> None:
        self.method = method
        self.path = path
        self.parts = tuple(path.strip("/").split("/"))
        self.operation = operation
        self.handler = handler
        self.body = body
        self.answer = answer
        self.statuses = STATUSES[method] if statuses is None else statuses
        self.flags = flags
        self.headers = headers
        self.body_max_bytes = body_max_bytes
        self.paged = paged
        self.form_field = form_field

    def match(self, segments: list[str]) -> dict[str, str] | None:
        """The segments that stand for names, still encoded; None if this is another path."""
        if len(segments) != len(self.parts):
            return None
        names: dict[str, str] = {}
        for part, segment in zip(self.parts, segments, strict=True):
            if part[0] == "{":
                if not segment:
                    return None
                names[part[1:-1]] = segment
            elif part != segment:
                return None
        return names


class Routes:
    """Finds the route of a request. A path with a word where another has a name goes first, and
    has that place to itself, whatever its methods are."""

    def __init__(self, routes: Iterable[Route]) -> None:
        paths: dict[tuple[str, ...], dict[str, Route]] = {}
        for route in routes:
            paths.setdefault(route.parts, {})[route.method] = route
        # By length and first part, which is a word in all of them.
        self._found: dict[tuple[int, str], list[dict[str, Route]]] = {}
        for parts in sorted(paths, key=lambda parts: [part[0] == "{" for part in parts]):
            self._found.setdefault((len(parts), parts[0]), []).append(paths[parts])

    def find(self, segments: list[str]) -> tuple[dict[str, Route], dict[str, str]] | None:
        """The routes of a path, by method, and the names in it, still encoded."""
        for methods in self._found.get((len(segments), segments[0] if segments else ""), ()):
            names = next(iter(methods.values())).match(segments)
            if names is not None:
                return methods, names
        return None
