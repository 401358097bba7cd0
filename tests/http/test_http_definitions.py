"""/api/definitions: exports and imports."""

import json

from leveret.testing import EmbeddedBroker

from .client import Client


def furnished(api: Client) -> None:
    api.put("/api/vhosts/v", {"description": "mine", "tags": "a,b"})
    api.put("/api/vhost-limits/v/max-queues", {"value": 9})
    api.put("/api/policies/v/p", {"pattern": "q", "definition": {"max-length": 5}})
    api.put("/api/operator-policies/v/op", {"pattern": "", "definition": {"expires": 60000}})
    api.put("/api/exchanges/v/x", {"type": "topic"})
    api.put("/api/queues/v/q", {"durable": True, "arguments": {"x-max-priority": 3}})
    api.post("/api/bindings/v/e/x/q/q", {"routing_key": "a.#", "arguments": {"n": 1}})


def test_an_export_has_rabbitmqs_keys(api: Client):
    furnished(api)
    exported = api.get("/api/definitions").json
    assert list(exported) == [
        "rabbit_version",
        "rabbitmq_version",
        "product_name",
        "product_version",
        "users",
        "vhosts",
        "permissions",
        "topic_permissions",
        "global_parameters",
        "parameters",
        "policies",
        "queues",
        "exchanges",
        "bindings",
    ]
    assert exported["queues"] == [
        {
            "name": "q",
            "vhost": "v",
            "durable": True,
            "auto_delete": False,
            "arguments": {"x-max-priority": 3},
        }
    ]
    assert [each["component"] for each in exported["parameters"]] == [
        "vhost-limits",
        "operator_policy",
    ]
    assert [each["name"] for each in exported["exchanges"]] == ["x"]
    assert [each["source"] for each in exported["bindings"]] == ["x"]
    assert api.get("/api/all-configuration").json == exported


def test_an_export_of_one_vhost_names_it_where_rabbitmq_does(api: Client):
    furnished(api)
    exported = api.get("/api/definitions/v").json
    assert list(exported) == [
        "rabbit_version",
        "parameters",
        "policies",
        "queues",
        "exchanges",
        "bindings",
    ]
    assert not any("vhost" in each for each in exported["queues"] + exported["bindings"])
    assert {each["vhost"] for each in exported["parameters"] + exported["policies"]} == {"v"}
    assert api.get("/api/definitions/nowhere").refusal == (
        400,
        "bad_request",
        "vhost_not_found",
    )


def test_what_was_exported_can_be_imported_elsewhere(api: Client):
    furnished(api)
    exported = api.get("/api/definitions").json
    api.delete("/api/vhosts/v")
    assert api.post("/api/definitions", exported).status == 204
    assert api.get("/api/definitions").json == exported


def test_exclusive_queues_are_not_exported(api: Client, connect):
    channel = connect().channel()
    channel.queue_declare("mine", exclusive=True)
    channel.queue_bind("mine", "amq.topic", "a")
    channel.queue_declare("ours")
    exported = api.get("/api/definitions").json
    assert [each["name"] for each in exported["queues"]] == ["ours"]
    assert exported["bindings"] == []


def test_global_parameters_go_out_and_come_in(api: Client):
    api.put("/api/global-parameters/mine", {"value": [1, {"a": None}]})
    exported = api.get("/api/definitions").json
    api.delete("/api/global-parameters/mine")
    api.post("/api/definitions", exported)
    assert api.get("/api/global-parameters/mine").json["value"] == [1, {"a": None}]


def test_an_import_says_what_was_left_alone_if_asked(api: Client):
    furnished(api)
    content = {"queues": [{"name": "q", "vhost": "v", "durable": False}]}
    assert api.post("/api/definitions", content).status == 204
    reply = api.post("/api/definitions?report=true", content)
    assert reply.status == 200
    (sentence,) = reply.json["left_alone"]
    assert sentence.startswith("queue 'q': inequivalent arg")


def test_a_bad_file_is_refused_with_the_place(api: Client):
    content = {"vhosts": [{"name": "new"}], "queues": [{"name": "q", "vhost": "nowhere"}]}
    assert api.post("/api/definitions", content).refusal == (
        400,
        "bad_request",
        "queues[0]: there is no vhost 'nowhere'",
    )
    assert api.names("/api/vhosts") == ["/"]


def test_who_brings_a_vhost_may_use_it(api: Client):
    api.post("/api/definitions", {"vhosts": [{"name": "new"}]})
    assert api.get("/api/permissions/new/guest").json["configure"] == ".*"


def test_a_file_goes_into_the_vhost_of_the_path(api: Client):
    api.put("/api/vhosts/v")
    assert api.post("/api/definitions/v", {"queues": [{"name": "q"}]}).status == 204
    assert api.names("/api/queues/v") == ["q"]
    assert api.post("/api/definitions/nowhere", {}).refusal == (
        404,
        "not_found",
        "vhost_not_found",
    )


def test_only_administrators_may(tagged):
    for tag in ("management", "policymaker", "monitoring"):
        client = tagged(tag)
        for reply in (
            client.get("/api/definitions"),
            client.get("/api/definitions/own"),
            client.post("/api/definitions", {}),
            client.post("/api/definitions/own", {}),
        ):
            assert reply.refusal == (401, "not_authorised", "Not administrator user")


def test_a_file_is_imported_at_the_start_unless_it_is_that_of_last_time(tmp_path, caplog):
    caplog.set_level("INFO", "leveret")
    data, file = tmp_path / "data", tmp_path / "definitions.json"
    settings = {
        "data_dir": str(data),
        "ephemeral": False,
        "load_definitions": str(file),
        "definitions_skip_if_unchanged": True,
    }
    content = {
        "users": [{"name": "ada", "password": "x", "tags": "administrator"}],
        "vhosts": [{"name": "v"}],
        "queues": [{"name": "q", "vhost": "v"}],
    }
    file.write_text(json.dumps(content))
    with EmbeddedBroker(**settings) as broker:
        assert "q" in broker.server.broker.vhosts["v"].queues
        broker.ask(lambda: broker.server.broker.delete_vhost("v"))
    with EmbeddedBroker(**settings) as broker:
        assert "v" not in broker.server.broker.vhosts
    assert "are those imported before: skipped" in caplog.text
    file.write_text(json.dumps(content | {"queues": [{"name": "r", "vhost": "v"}]}))
    with EmbeddedBroker(**settings) as broker:
        assert list(broker.server.broker.vhosts["v"].queues) == ["r"]


def test_a_folder_of_files_is_imported_in_the_order_of_their_names(tmp_path):
    folder = tmp_path / "definitions"
    folder.mkdir()
    (folder / "2.json").write_text(json.dumps({"queues": [{"name": "q", "vhost": "v"}]}))
    (folder / "1.json").write_text(json.dumps({"vhosts": [{"name": "v"}]}))
    (folder / "notes.txt").write_text("not one of them")
    with EmbeddedBroker(load_definitions=str(folder)) as broker:
        assert list(broker.server.broker.vhosts["v"].queues) == ["q"]
