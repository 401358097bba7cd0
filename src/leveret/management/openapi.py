"""The API's description in OpenAPI, made from the routes: what is not in it is not served."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, Final, get_origin

import msgspec

from leveret.management.answers import ErrorAnswer
from leveret.management.authorisation import ALL, OWN, TAGS
from leveret.management.forms import FORM
from leveret.management.query import PAGE_SIZE_MAX

if TYPE_CHECKING:
    from collections.abc import Sequence

    from leveret.management.authorisation import Operation
    from leveret.management.routing import Route

# The release whose schemas are JSON Schema as msgspec makes it.
OPENAPI: Final = "3.1.0"
PREFIX: Final = "/api"
DONE: Final = {201: "It is made.", 202: "It is under way.", 204: "It is done."}


def description(routes: Sequence[Route], version: str) -> dict[str, object]:
    """The document that describes these routes."""
    kinds = [kind for route in routes for kind in (route.body, route.answer) if kind is not None]
    unique: list[Any] = []
    for kind in (ErrorAnswer, *kinds):
        if kind not in unique:
            unique.append(kind)
    schemas, components = msgspec.json.schema_components(
        unique, ref_template="#/components/schemas/{name}"
    )
    for kind in unique:
        required = getattr(kind, "REQUIRED", ())
        if required:
            components[kind.__name__]["required"] = list(required)
    paths: dict[str, dict[str, object]] = {}
    for route in routes:
        found = _Operation(route, unique, list(schemas)).described()
        paths.setdefault(PREFIX + route.path, {})[route.method.lower()] = found
    return {
        "openapi": OPENAPI,
        "info": {"title": "Leveret's management API", "version": version},
        "security": [{"password": []}],
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {"password": {"type": "http", "scheme": "basic"}},
        },
    }


def rights(operation: Operation) -> dict[str, str]:
    """How far an operation reaches for those who have a tag; tags without any are left out."""
    where = "own vhosts" if operation.in_vhost else "own"
    words = {OWN: where, ALL: "all"}
    return {tag: words[operation.reach[tag]] for tag in TAGS if operation.reach[tag] in words}


class _Operation:
    """`schemas` are those of `kinds`, one by one."""

    def __init__(self, route: Route, kinds: list[Any], schemas: list[dict[str, Any]]) -> None:
        self._route = route
        self._kinds = kinds
        self._schemas = schemas

    def described(self) -> dict[str, object]:
        route = self._route
        operation: dict[str, object] = {
            "operationId": f"{route.method.lower()}:{route.path.strip('/')}",
            "summary": route.handler.__name__.strip("_").replace("_", " "),
            "tags": [route.parts[0] if route.parts[0] != "x" else "Leveret's own"],
            "x-rights": rights(route.operation),
            "parameters": self._parameters(),
            "responses": self._responses(),
        }
        words = inspect.getdoc(route.handler)
        if words:
            operation["description"] = words
        if route.body is not None:
            content: dict[str, object] = {**self._json(route.body)}
            if route.form_field:
                content |= {FORM: {"schema": _form(route.form_field)}}
            operation["requestBody"] = {"content": content}
        return operation

    def _parameters(self) -> list[dict[str, object]]:
        route = self._route
        names = [part[1:-1] for part in route.parts if part[0] == "{"]
        parameters = [_parameter("path", name, _NAME) for name in names]
        parameters += [_parameter("query", flag, _FLAG) for flag in route.flags]
        parameters += [_parameter("header", header, _TEXT) for header in route.headers]
        if route.method == "GET" and route.answer is not None:
            parameters.append(_parameter("query", "columns", _TEXT))
            if get_origin(route.answer) is list:
                parameters.append(_parameter("query", "sort", _TEXT))
                parameters.append(_parameter("query", "sort_reverse", _FLAG))
        if route.paged:
            parameters += [_parameter("query", name, _PAGE[name]) for name in _PAGE]
        return parameters

    def _responses(self) -> dict[str, object]:
        route = self._route
        responses: dict[str, object] = {}
        for status in route.statuses:
            if route.answer is not None and status != 204:
                content = self._json(route.answer)
                if route.paged:
                    schema = content["application/json"]["schema"]
                    content = {"application/json": {"schema": {"anyOf": [schema, _page(schema)]}}}
                responses[str(status)] = {"description": "The answer.", "content": content}
            else:
                responses[str(status)] = {"description": DONE[status]}
        refused = {"description": "It is refused.", "content": self._json(ErrorAnswer)}
        responses["4XX"] = refused
        responses["503"] = {"description": "Not now, or not well.", "content": _ANYTHING}
        return responses

    def _json(self, kind: Any) -> dict[str, dict[str, object]]:
        return {"application/json": {"schema": self._schemas[self._kinds.index(kind)]}}


_TEXT: Final[dict[str, object]] = {"type": "string"}
_NAME: Final[dict[str, object]] = {"type": "string", "minLength": 1}
_FLAG: Final[dict[str, object]] = {"type": "boolean"}
_COUNT: Final[dict[str, object]] = {"type": "integer", "minimum": 0}
_PAGE: Final[dict[str, dict[str, object]]] = {
    "page": {"type": "integer", "minimum": 1},
    "page_size": {"type": "integer", "minimum": 1, "maximum": PAGE_SIZE_MAX},
    "name": _TEXT,
    "use_regex": _FLAG,
}
_COUNTS: Final = (
    "filtered_count",
    "item_count",
    "page",
    "page_count",
    "page_size",
    "total_count",
)
_ANYTHING: Final = {"application/json": {"schema": {"type": "object"}}}


def _form(field: str) -> dict[str, object]:
    """The schema of a form with a file in this field."""
    file = {"type": "string", "contentMediaType": "application/json"}
    return {"type": "object", "required": [field], "properties": {field: file}}


def _page(items: object) -> dict[str, object]:
    """The schema of a page of a list."""
    return {
        "type": "object",
        "required": ["items", *_COUNTS],
        "properties": {"items": items} | dict.fromkeys(_COUNTS, _COUNT),
    }


def _parameter(place: str, name: str, schema: dict[str, object]) -> dict[str, object]:
    return {"in": place, "name": name, "required": place == "path", "schema": schema}
