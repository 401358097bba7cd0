"""/api/policies, /api/operator-policies, and what queues and exchanges show of them."""

import pytest

KINDS = ["policies", "operator-policies"]
LIMIT = {"pattern": "^lab", "definition": {"max-length": 5}}


@pytest.mark.parametrize("kind", KINDS)
def test_a_policy_is_made_with_201_replaced_and_deleted_with_204(api, kind):
    path = f"/api/{kind}/%2F/p"
    assert api.put(path, LIMIT).status == 201
    assert api.put(path, LIMIT | {"priority": 3, "apply-to": "queues"}).status == 204
    policy = {
        "vhost": "/",
        "name": "p",
        "pattern": "^lab",
        "apply-to": "queues",
        "definition": {"max-length": 5},
        "priority": 3,
    }
    assert api.get(path).json == policy
    assert list(api.get(path).json) == list(policy)
    assert api.get(f"/api/{kind}").json == api.get(f"/api/{kind}/%2F").json == [policy]
    assert api.delete(path).status == 204
    assert api.get(f"/api/{kind}").json == []
    for reply in (api.get(path), api.delete(path)):
        assert reply.refusal == (404, "Object Not Found", "Not Found")


def test_what_a_queue_obeys_is_shown(api):
    api.put("/api/queues/%2F/lab", {"durable": True})
    api.put("/api/policies/%2F/p", LIMIT)
    api.put(
        "/api/operator-policies/%2F/o",
        {"pattern": "", "definition": {"max-length": 3, "expires": 9000000}},
    )
    api.put("/api/queues/%2F/laboratory", {"durable": True})
    for queue in api.get("/api/queues/%2F").json:
        assert queue["policy"] == "p"
        assert queue["operator_policy"] == "o"
        assert queue["effective_policy_definition"] == {"expires": 9000000, "max-length": 3}
    api.delete("/api/policies/%2F/p")
    api.delete("/api/operator-policies/%2F/o")
    queue = api.get("/api/queues/%2F/lab").json
    assert (queue["policy"], queue["operator_policy"]) == (None, None)
    assert queue["effective_policy_definition"] == {}


def test_an_exchange_shows_its_policy_only_if_it_has_one(api):
    assert "policy" not in api.get("/api/exchanges/%2F/amq.topic").json
    api.put("/api/policies/%2F/p", {"pattern": "", "definition": {"alternate-exchange": "ae"}})
    assert api.get("/api/exchanges/%2F/amq.topic").json["policy"] == "p"


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({}, "[{key_missing,pattern},{key_missing,definition}]"),
        ({"pattern": "a"}, "[{key_missing,definition}]"),
        ({"pattern": "a", "definition": {}}, "Validation failed\n\nno policy provided\n"),
        (
            LIMIT | {"priority": "5"},
            'Validation failed\n\npriority should be a number, actually was &lt;&lt;"5"&gt;&gt;\n',
        ),
        (
            LIMIT | {"priority": None},
            "Validation failed\n\npriority should be a number, actually was null\n",
        ),
        (
            {"pattern": "a", "definition": {"nope": 'a"b<&>'}},
            'Validation failed\n\n[{&lt;&lt;"nope"&gt;&gt;,&lt;&lt;"a\\"b&lt;&amp;&gt;"&gt;&gt;}] '
            "are not recognised policy settings\n",
        ),
        (LIMIT | {"definition": 5}, "the definition of a policy is an object"),
        (LIMIT | {"definition": []}, "the definition of a policy is an object"),
    ],
)
def test_a_policy_is_refused_in_rabbitmqs_words(api, body, reason):
    assert api.put("/api/policies/%2F/p", body).refusal == (400, "bad_request", reason)


def test_the_refusal_of_an_operator_policy_is_not_escaped(api):
    body = {"pattern": "a", "definition": {"overflow": "drop-head"}}
    assert api.put("/api/operator-policies/%2F/p", body).refusal == (
        400,
        "bad_request",
        'Validation failed\n\n[{<<"overflow">>,<<"drop-head">>}] '
        "are not recognised policy settings\n",
    )


def test_a_policy_is_somewhere(api):
    for path in ("policies/nope/p", "operator-policies/nope/p"):
        assert api.put(f"/api/{path}", LIMIT).refusal == (404, "not_found", "vhost_not_found")
    assert api.get("/api/policies/nope").refusal == (404, "Object Not Found", "Not Found")
