"""Names are any text of up to 255 octets: what looks like a path, a query or nothing at all."""

import pytest

from .client import part

ODD_NAMES = [
    "/",
    "../x",
    "..",
    ".",
    "a/b",
    "a%2Fb",
    "%",
    "%2F",
    "a b+c",
    "?columns=name",
    "#",
    "q;x=1",
    "\\",
    "'\"<script>",
    "Straße-漢字-🐇",
    "é" * 127,
    "x" * 255,
    "~",
    "amq",
    "null",
    "\t",
    "\x7f\x01",
]
ALL = {"configure": ".*", "write": ".*", "read": ".*"}


@pytest.mark.parametrize("name", ODD_NAMES)
def test_everything_can_have_an_odd_name(api, name):
    odd = part(name)
    assert api.put(f"/api/vhosts/{odd}").status == (204 if name == "/" else 201)
    assert api.put(f"/api/users/{odd}", {"tags": ""}).status == 201
    assert api.put(f"/api/permissions/{odd}/{odd}", ALL).status == 201
    assert api.put(f"/api/queues/{odd}/{odd}").status == 201
    assert api.put(f"/api/exchanges/{odd}/{odd}").status == 201
    between = f"/api/bindings/{odd}/e/{odd}/q/{odd}"
    assert api.post(between, {"routing_key": name}).status == 201
    assert api.get(f"/api/vhosts/{odd}").json["name"] == name
    assert api.get(f"/api/users/{odd}").json["name"] == name
    assert api.get(f"/api/permissions/{odd}/{odd}").json["vhost"] == name
    assert api.get(f"/api/queues/{odd}/{odd}").json["name"] == name
    assert api.get(f"/api/exchanges/{odd}/{odd}").json["name"] == name
    (binding,) = api.get(between).json
    assert binding["routing_key"] == name
    assert api.delete(f"{between}/{part(binding['properties_key'])}").status == 204
    assert api.delete(f"/api/queues/{odd}/{odd}/contents").status == 204
    assert api.delete(f"/api/queues/{odd}/{odd}").status == 204
    assert api.delete(f"/api/exchanges/{odd}/{odd}").status == 204
    assert api.delete(f"/api/permissions/{odd}/{odd}").status == 204
    assert api.delete(f"/api/users/{odd}").status == 204
    assert api.delete(f"/api/vhosts/{odd}").status == 204


def test_a_user_with_an_odd_name_can_ask(broker, as_user):
    broker.add_user("Žofie/漢", "password", "management")
    assert as_user("Žofie/漢").get("/api/whoami").json["name"] == "Žofie/漢"


@pytest.mark.parametrize(
    "path",
    ["vhosts/{}", "users/{}", "queues/%2F/{}", "exchanges/%2F/{}"],
)
def test_a_name_of_256_octets_is_refused(api, path):
    kind = path.split("s/")[0]
    refusal = api.put("/api/" + path.format("x" * 256), {"tags": ""}).refusal
    assert refusal == (
        400,
        "bad_request",
        f"a {kind[:-1] if kind == 'users' else kind} name has at most 255 octets, this one has 256",
    )
    assert api.get("/api/" + path.format("x" * 256)).status == 404


@pytest.mark.parametrize("path", ["vhosts/%FF", "users/%FF", "queues/%2F/%C3", "queues/%FF/q"])
def test_a_name_that_is_not_utf_8_is_refused(api, path):
    refusal = api.put(f"/api/{path}", {"tags": ""}).refusal
    assert refusal == (400, "bad_request", "a name in the path is not UTF-8")


@pytest.mark.parametrize("kind", ["vhost", "user"])
def test_a_nul_is_no_part_of_a_name_that_permissions_know(api, kind):
    refusal = api.put(f"/api/{kind}s/a%00b", {"tags": ""}).refusal
    assert refusal == (400, "bad_request", f"a {kind} name holds no NUL")


def test_line_ends_are_taken_out_of_a_queues_name_as_amqp_does(api):
    assert api.put("/api/queues/%2F/a%0D%0Ab").status == 201
    assert api.names("/api/queues") == ["ab"]


def test_a_slash_at_the_end_makes_no_difference(api):
    assert api.get("/api/queues/").json == []
    assert api.get("/api/queues/%2F/").json == []


@pytest.mark.parametrize("path", ["/api", "/api/", "/api//queues", "/api/queues/%2F/a/b", "/else"])
def test_a_path_that_is_none_is_404(api, path):
    assert api.get(path).refusal == (404, "Object Not Found", "Not Found")
