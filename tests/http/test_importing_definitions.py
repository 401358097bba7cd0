"""What a definitions file in RabbitMQ's format brings beside users, vhosts and topology."""

import json

from leveret.broker.policies import OPERATOR_POLICY, POLICY
from leveret.management.definitions import Import, read_definitions
from leveret.testing.memory_server import MemoryServer

# As RabbitMQ 3.10.8 and 3.13 export them.
FILE = {
    "users": [{"name": "ada", "password_hash": "", "tags": [], "limits": {"max-channels": 5}}],
    "vhosts": [{"name": "v", "metadata": {"default_queue_type": "quorum"}, "tags": ["a"]}],
    "topic_permissions": [
        {"user": "ada", "vhost": "v", "exchange": "amq.topic", "write": "^a", "read": "^b"}
    ],
    "parameters": [
        {
            "vhost": "v",
            "component": "operator_policy",
            "name": "all",
            "value": {
                "pattern": ".*",
                "apply-to": "queues",
                "definition": {"expires": 1000},
                "priority": 0,
            },
        },
        {"vhost": "v", "component": "vhost-limits", "name": "limits", "value": {"max-queues": 9}},
        {"vhost": "v", "component": "shovel", "name": "s", "value": {}},
    ],
    "policies": [
        {
            "vhost": "v",
            "name": "bounded",
            "pattern": "^q",
            "apply-to": "all",
            "definition": {"max-length": 5},
            "priority": 7,
        },
        {"vhost": "v", "name": "odd", "pattern": "", "definition": {"nope": 1}},
        {"vhost": "nowhere", "name": "lost", "pattern": "", "definition": {"expires": 1}},
    ],
    "queues": [{"name": "q", "vhost": "v"}],
}


async def test_policies_limits_and_topic_permissions_are_imported(tmp_path):
    path = tmp_path / "definitions.json"
    path.write_text(json.dumps(FILE))
    server = MemoryServer()
    refused = await Import(server.broker, server.users).add(read_definitions(str(path)))
    assert refused == [
        "shovel 's': nothing here obeys it",
        "policy 'odd': Validation failed [{<<\"nope\">>,1}] are not recognised policy settings",
        "policy 'lost': there is no vhost 'nowhere'",
    ]
    vhost = server.broker.vhosts["v"]
    queue = vhost.queues["q"]
    assert (vhost.tags, queue.type_name) == (["a"], "quorum")
    assert vhost.limits == {"max-queues": 9}
    assert queue.policy is vhost.policies.of(POLICY)["bounded"]
    assert queue.policy.value() == {
        "pattern": "^q",
        "apply-to": "all",
        "definition": {"max-length": 5},
        "priority": 7,
    }
    assert queue.operator_policy is vhost.policies.of(OPERATOR_POLICY)["all"]
    assert server.users.limit("ada", "max-channels") == 5
    assert not server.users.authorise_topic("ada", "v", "write", "amq.topic", "b")
    assert server.users.authorise_topic("ada", "v", "write", "amq.topic", "a")
