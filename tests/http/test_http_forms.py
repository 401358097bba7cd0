"""Definitions in a form, as web pages send files."""

import json

import pytest

from .client import Client

FILE = {"users": [{"name": "ada", "password_hash": "", "tags": []}]}
QUEUE = {"name": "q", "durable": True, "auto_delete": False, "arguments": {}}


def form(*fields: tuple[str, bytes], boundary: str = "----WebKitFormBoundaryX") -> bytes:
    parts = [
        f"--{boundary}\r\nContent-Disposition: form-data; {disposition}\r\n"
        "Content-Type: application/json\r\n\r\n".encode()
        + content
        + b"\r\n"
        for disposition, content in fields
    ]
    return b"".join(parts) + f"--{boundary}--\r\n".encode()


def send(api: Client, path: str, body: bytes, boundary: str = "----WebKitFormBoundaryX"):
    content_type = f"multipart/form-data; boundary={boundary}"
    return api.post(path, body, headers={"Content-Type": content_type})


def octets(value: object) -> bytes:
    return json.dumps(value).encode()


@pytest.mark.parametrize("path", ["/api/definitions", "/api/all-configuration"])
def test_definitions_may_come_in_a_field_named_file(api, path):
    body = form(
        ('name="redirect"', b"../#/import-succeeded"),
        ('name="file"; filename="rabbit definitions.json"', octets(FILE)),
    )
    assert send(api, path, body).status == 204
    assert api.names("/api/users") == ["ada", "guest"]


def test_those_of_a_vhost_too(api):
    body = form(('name="file"; filename="q.json"', octets({"queues": [QUEUE]})))
    assert send(api, "/api/definitions/%2F?report=true", body).json == {"left_alone": []}
    assert api.names("/api/queues") == ["q"]


def test_what_is_between_the_delimiters_comes_as_it_is(api):
    """Also what looks like a delimiter, and a name outside ASCII."""
    file = {"users": [{"name": "\u00e4--X--", "password_hash": "", "tags": []}]}
    body = form(("name=file", json.dumps(file, ensure_ascii=False).encode()), boundary="X")
    assert send(api, "/api/definitions", body, '"X"').status == 204
    assert "\u00e4--X--" in api.names("/api/users")


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (form(('name="other"', b"{}")), "the form has no field 'file'"),
        (form(("name*0*=x; name*=1", b"{}")), "the form has no field 'file'"),
        (form(), "the form has no field 'file'"),
        (b"", "the form has no field 'file'"),
        (form(('name="file"', b"{")), "not_json"),
        (form(*[('name="other"', b"")] * 20, ('name="file"', b"{}")), "no field 'file'"),
    ],
)
def test_a_form_without_such_a_file_is_refused(api, body, reason):
    status, error, said = send(api, "/api/definitions", body).refusal
    assert (status, error) == (400, "bad_request")
    assert reason in said


def test_a_form_without_a_boundary_is_refused(api):
    reply = api.post("/api/definitions", b"{}", headers={"Content-Type": "multipart/form-data"})
    assert reply.refusal == (400, "bad_request", "the form has no boundary")


def test_other_bodies_are_json_whatever_they_say(api):
    body = form(('name="file"', octets({"durable": True})))
    content_type = {"Content-Type": "multipart/form-data; boundary=x"}
    assert api.put("/api/queues/%2F/q", b"{}", headers=content_type).status == 201
    assert api.put("/api/queues/%2F/other", body, headers=content_type).refusal[2] == "not_json"
