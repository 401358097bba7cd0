"""What a definitions file in RabbitMQ's format brings, and that a bad one changes nothing."""

import gc
import json
from typing import Any

import pytest

from leveret.access.passwords import hash_password
from leveret.broker.actor import Actor
from leveret.broker.patterns import OutOfTimeError, SearchBudget
from leveret.broker.policies import OPERATOR_POLICY, POLICY, Policy
from leveret.broker.queues.classic import ClassicQueue
from leveret.broker.seams import Pending
from leveret.management.definitions import search_times
from leveret.management.definitions.format import DefinitionsError, parse_definitions
from leveret.management.definitions.importing import import_definitions
from leveret.testing.memory_server import MemoryServer

# As RabbitMQ 3.10.8, 3.13 and 4 export them, and as people write them.
FILE: dict[str, Any] = {
    "rabbit_version": "3.10.8",
    "something_newer": [1, 2, 3],
    "users": [
        {"name": "ada", "password_hash": "", "tags": [], "limits": {"max-channels": 5}},
        {"name": "bob", "password_hash": "", "tags": "management, policymaker", "limits": []},
        {"name": "eve", "password": "secret", "tags": ""},
    ],
    "vhosts": [
        {"name": "v", "metadata": {"default_queue_type": "quorum", "tags": ["a"]}, "tags": ["a"]},
        {"name": "w", "default_queue_type": "undefined", "description": None, "metadata": []},
        {"name": "x", "limits": [{"name": "max-queues", "value": 5}]},
    ],
    "permissions": [{"user": "ada", "vhost": "v", "configure": ".*", "write": "", "read": "q"}],
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
    ],
    "exchanges": [
        {"name": "e", "vhost": "v", "type": "topic", "durable": True, "arguments": []},
    ],
    "queues": [
        {"name": "q", "vhost": "v"},
        {"name": "c", "vhost": "w", "type": "classic", "durable": False, "arguments": None},
    ],
    "bindings": [
        {
            "source": "e",
            "vhost": "v",
            "destination": "q",
            "destination_type": "queue",
            "routing_key": "a.#",
            "arguments": {"n": 1},
        }
    ],
}


@pytest.fixture
def server() -> MemoryServer:
    return MemoryServer()


async def bring(server: MemoryServer, content: object, vhost: str | None = None) -> list[str]:
    definitions = parse_definitions(json.dumps(content).encode())
    return await import_definitions(server.broker, server.users, definitions, vhost)


async def test_everything_that_a_file_holds_is_imported(server: MemoryServer):
    assert await bring(server, FILE) == ["shovel 's': nothing here obeys it"]
    vhosts, users = server.broker.vhosts, server.users
    vhost = vhosts["v"]
    queue = vhost.queues["q"]
    assert (vhost.tags, queue.type_name) == (["a"], "quorum")
    assert vhost.limits == {"max-queues": 9}
    assert vhosts["x"].limits == {"max-queues": 5}
    assert queue.policy is vhost.policies.of(POLICY)["bounded"]
    assert queue.policy.value() == {
        "pattern": "^q",
        "apply-to": "all",
        "definition": {"max-length": 5},
        "priority": 7,
    }
    assert queue.operator_policy is vhost.policies.of(OPERATOR_POLICY)["all"]
    (binding,) = vhost.bindings.reaching(queue)
    assert (binding.source.name, binding.routing_key) == ("e", "a.#")
    assert vhosts["w"].own_queue_type == ""
    assert not vhosts["w"].queues["c"].durable
    assert users.limit("ada", "max-channels") == 5
    assert users.users["bob"].tags == ("management", "policymaker")
    assert users.password_matches("eve", "secret")
    assert not users.authorise_topic("ada", "v", "write", "amq.topic", "b")
    assert users.authorise_topic("ada", "v", "write", "amq.topic", "a")


async def test_a_second_import_of_the_same_changes_nothing(server: MemoryServer):
    first = await bring(server, FILE)
    queue = server.broker.vhosts["v"].queues["q"]
    assert await bring(server, FILE) == first
    assert server.broker.vhosts["v"].queues["q"] is queue


async def test_the_rehearsal_leaves_nothing_to_the_collector(server: MemoryServer):
    """It would walk as many queues as are imported, once more and in one go."""
    queues = [{"name": f"q{number}", "vhost": "/"} for number in range(50)]
    bindings = [
        {"source": "amq.topic", "vhost": "/", "destination": f"q{n}", "destination_type": "queue"}
        for n in range(50)
    ]
    gc.collect()
    gc.disable()
    try:
        before = sum(isinstance(each, ClassicQueue) for each in gc.get_objects())
        await bring(server, {"queues": queues, "bindings": bindings})
        after = sum(isinstance(each, ClassicQueue) for each in gc.get_objects())
    finally:
        gc.enable()
    assert after - before == 50


async def test_what_is_here_with_other_properties_is_left_alone_and_named(server: MemoryServer):
    await bring(server, FILE)
    changed = FILE | {
        "exchanges": [{"name": "e", "vhost": "v", "type": "fanout"}],
        "queues": [{"name": "q", "vhost": "v", "durable": False}, {"name": "n", "vhost": "w"}],
        "parameters": [],
    }
    assert await bring(server, changed) == [
        "exchange 'e': inequivalent arg 'type' for exchange 'e' in vhost 'v': received 'fanout' "
        "but current is 'topic'",
        "queue 'q': inequivalent arg 'durable' for queue 'q' in vhost 'v': received 'false' but "
        "current is 'true'",
    ]
    vhost = server.broker.vhosts["v"]
    assert vhost.queues["q"].durable
    assert vhost.exchanges["e"].type_name == "topic"
    assert "n" in server.broker.vhosts["w"].queues


async def test_a_binding_to_what_is_nowhere_is_left_out_and_named(server: MemoryServer):
    binding = {"source": "no", "vhost": "/", "destination": "q", "destination_type": "queue"}
    content = {"queues": [{"name": "q", "vhost": "/"}], "bindings": [binding]}
    assert await bring(server, content) == [
        "binding from 'no' to 'q': no exchange 'no' in vhost '/'"
    ]


async def test_a_binding_may_need_what_is_here_and_not_in_the_file(server: MemoryServer):
    await bring(server, {"queues": [{"name": "q", "vhost": "/"}]})
    binding = {"source": "amq.topic", "vhost": "/", "destination": "q", "destination_type": "queue"}
    assert await bring(server, {"bindings": [binding]}) == []
    assert server.broker.vhosts["/"].bindings.reaching(server.broker.vhosts["/"].queues["q"])


async def test_a_file_of_one_vhost_goes_into_any(server: MemoryServer):
    server.add_vhost("other")
    content = {
        "users": [{"name": "nobody", "tags": ""}],
        "vhosts": [{"name": "nowhere"}],
        "queues": [{"name": "q"}],
        "policies": [
            {"name": "p", "vhost": "from", "pattern": "q", "definition": {"max-length": 3}}
        ],
    }
    assert await bring(server, content, "other") == []
    assert server.broker.vhosts["other"].queues["q"].policy is not None
    assert "nobody" not in server.users.users
    assert "nowhere" not in server.broker.vhosts


QUEUE = {"name": "q", "vhost": "/"}
USER = {"name": "ada", "tags": ""}
SHA256 = hash_password(b"secret", "rabbit_password_hashing_sha256")
RIGHTS = {"user": "guest", "vhost": "/", "configure": "", "write": "", "read": ""}
POLICY_OF_ALL = {"name": "p", "vhost": "/", "pattern": "", "definition": {"max-length": 1}}


@pytest.mark.parametrize(
    ("kind", "bad", "sentence"),
    [
        ("queues", {}, "Expected `array`, got `object` - at `$.queues`"),
        ("queues", [7], "Expected `object`, got `int` - at `$.queues[0]`"),
        ("queues", [QUEUE, QUEUE | {"durable": "yes"}], "$.queues[1].durable"),
        ("queues", [{"vhost": "/"}], "missing required field `name` - at `$.queues[0]`"),
        ("queues", [QUEUE | {"name": "é" * 128}], "queues[0].name has more than 255 octets"),
        ("queues", [{"name": "q"}], "queues[0] names no vhost"),
        ("queues", [QUEUE | {"vhost": "no"}], "queues[0]: there is no vhost 'no'"),
        (
            "queues",
            [QUEUE | {"arguments": {"x-max-length": -1}}],
            "queue 'q': invalid arg 'x-max-length' for queue 'q' in vhost '/': {value_negative,-1}",
        ),
        ("queues", [QUEUE | {"arguments": {"a": 1 << 70}}], "queue 'q': "),
        ("exchanges", [QUEUE | {"type": "no"}], "exchange 'q': unknown exchange type 'no'"),
        ("exchanges", [QUEUE], "missing required field `type`"),
        (
            "bindings",
            [{"source": "", "vhost": "/", "destination": "q", "destination_type": "no"}],
            "Invalid enum value 'no' - at `$.bindings[0].destination_type`",
        ),
        ("users", [USER | {"password_hash": "("}], "user 'ada': password_hash is not base64"),
        (
            "users",
            [USER | {"password_hash": "AAAA"}],
            "users[0]: user 'ada': password_hash holds 3 octets; "
            "a salt of 4 and a digest of 32 are expected",
        ),
        (
            "users",
            [USER | {"password_hash": SHA256, "hashing_algorithm": "rabbit_password_hashing_md5"}],
            "users[0]: user 'ada': password_hash holds 36 octets; ",
        ),
        ("users", [USER | {"hashing_algorithm": "rot13"}], "unknown hashing_algorithm 'rot13'"),
        ("users", [USER | {"limits": {"max-dogs": 1}}], "limits of user 'ada': "),
        ("permissions", [RIGHTS | {"user": "no"}], "permissions[0]: there is no user 'no'"),
        ("permissions", [RIGHTS | {"read": "("}], "permissions[0].read: "),
        ("topic_permissions", [RIGHTS | {"exchange": "e", "write": "["}], "[0].write: "),
        ("policies", [POLICY_OF_ALL | {"definition": {"no": 1}}], "not recognised policy settings"),
        ("policies", [POLICY_OF_ALL | {"pattern": "("}], "policy 'p': Validation failed"),
        ("vhosts", [{"name": "x", "limits": {"max-dogs": 1}}], "limits of vhost 'x': "),
        ("vhosts", [{"name": "x" * 256}], "vhosts[0].name has more than 255 octets"),
        ("vhosts", [{"name": "a\0b"}], "vhosts[0].name is empty, or holds a NUL"),
        ("vhosts", [{"name": "v", "metadata": {"tags": 5}}], "vhosts[0].metadata.tags is neither"),
        ("vhosts", [{"name": "v", "default_queue_type": "no"}], "default_queue_type is one of "),
        (
            "vhosts",
            [{"name": "v", "default_queue_type": "rabbit_no_queue"}],
            "vhosts[0].default_queue_type is one of classic, quorum",
        ),
        ("vhosts", [{"name": "v", "metadata": {"compat": "9"}}], "metadata.compat is one of "),
        ("users", [USER | {"name": ""}], "users[0].name is empty, or holds a NUL"),
        ("users", [USER | {"password_hash": "\u00e9"}], "user 'ada': password_hash is not base64"),
    ],
)
async def test_a_bad_file_names_the_place_and_changes_nothing(
    server: MemoryServer, kind: str, bad: object, sentence: str
):
    good = {
        "users": [USER],
        "vhosts": [{"name": "new"}],
        "queues": [QUEUE | {"name": "first"}],
    }
    before = server.broker.definitions.load()
    with pytest.raises(DefinitionsError) as refused:
        await bring(server, good | {kind: bad})
    assert sentence in str(refused.value)
    assert server.broker.definitions.load() == before
    assert server.broker.vhosts["/"].queues == {}


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        b"{",
        b"\xff{}",
        b'{"parameters": [{"component": "", "name": "", "value": ' + b"[" * 100_000,
        b"nul",
        b'{"queues": [{"name": "\xed\xa0\x80"}]}',
    ],
)
def test_what_is_no_json_is_refused_with_a_sentence(octets: bytes):
    with pytest.raises(DefinitionsError, match="this is not JSON"):
        parse_definitions(octets)


def test_a_byte_order_mark_is_no_harm():
    assert parse_definitions(b'\xef\xbb\xbf{"queues": []}').queues == []


async def test_what_another_broker_has_and_this_one_not_is_left_out_and_named(
    server: MemoryServer,
):
    stream = QUEUE | {"arguments": {"x-queue-type": "stream"}}
    (sentence,) = await bring(server, {"queues": [stream, QUEUE | {"name": "r"}]})
    assert sentence == "queue 'q': there are no streams here"
    assert list(server.broker.vhosts["/"].queues) == ["r"]


@pytest.mark.parametrize("name", ["classic", "quorum"])
async def test_a_default_queue_type_may_be_the_name_of_rabbitmqs_module(
    server: MemoryServer, name: str
):
    module = f"rabbit_{name}_queue"
    vhosts = [
        {"name": "v", "default_queue_type": module},
        {"name": "w", "metadata": {"default_queue_type": module}},
    ]
    assert await bring(server, {"vhosts": vhosts}) == []
    assert {server.broker.vhosts[each].own_queue_type for each in "vw"} == {name}


@pytest.mark.parametrize("name", ["stream", "rabbit_stream_queue"])
async def test_a_vhost_of_streams_is_made_and_its_default_type_left_out(
    server: MemoryServer, name: str
):
    vhost = {"name": "v", "default_queue_type": name}
    assert await bring(server, {"vhosts": [vhost]}) == [
        "vhost 'v': there are no streams here, so it has no default type"
    ]
    assert server.broker.vhosts["v"].own_queue_type == ""


@pytest.mark.parametrize("gone", ["user", "vhost"])
async def test_what_is_deleted_during_an_import_stays_so(
    server: MemoryServer, monkeypatch: pytest.MonkeyPatch, gone: str
):
    await bring(server, {"users": [USER], "vhosts": [{"name": "v"}]})
    others = RIGHTS | {"user": "ada", "vhost": "v"}
    content = {
        "vhosts": [{"name": "new"}],
        "permissions": [others],
        "topic_permissions": [others | {"exchange": "amq.topic"}],
        "queues": [QUEUE, QUEUE | {"vhost": "v"}],
    }
    add_vhost = server.broker.add_vhost

    def and_meanwhile(*arguments: Any) -> Pending:
        if gone == "user":
            server.users.delete_users(["ada"])
        else:
            server.broker.delete_vhost("v")
        return add_vhost(*arguments)

    monkeypatch.setattr(server.broker, "add_vhost", and_meanwhile)
    left_alone = await bring(server, content)
    assert all(
        each.endswith(f"{gone} '{'ada' if gone == 'user' else 'v'}' is gone") for each in left_alone
    )
    assert len(left_alone) == (2 if gone == "user" else 3)
    assert ("ada", "v") not in server.users.permissions
    assert "q" in server.broker.vhosts["/"].queues


async def test_names_from_a_file_are_never_paths_or_patterns(server: MemoryServer):
    vhosts = ["../../x", ".", "a/b", "<img src=x onerror=alert(1)>", "é" * 127, "%2F", "~"]
    queues = [*vhosts, "\x00"]
    content = {
        "vhosts": [{"name": name} for name in vhosts],
        "queues": [{"name": name, "vhost": vhost} for vhost in vhosts for name in queues],
    }
    assert await bring(server, content) == []
    assert all(list(server.broker.vhosts[name].queues) == queues for name in vhosts)


async def test_bindings_in_a_circle_are_as_good_as_any(server: MemoryServer):
    names = ["a", "b", "c"]
    content = {
        "exchanges": [{"name": name, "vhost": "/", "type": "fanout"} for name in names],
        "bindings": [
            {"source": one, "vhost": "/", "destination": other, "destination_type": "exchange"}
            for one in names
            for other in names
        ],
    }
    assert await bring(server, content) == []


async def test_hashes_of_every_algorithm_of_rabbitmqs_are_understood(server: MemoryServer):
    algorithms = [f"rabbit_password_hashing_{name}" for name in ("sha256", "sha512", "md5")]
    users = [
        {
            "name": algorithm,
            "password_hash": hash_password(b"secret", algorithm),
            "hashing_algorithm": algorithm,
            "tags": [],
        }
        for algorithm in algorithms
    ]
    assert await bring(server, {"users": users}) == []
    assert all(server.users.password_matches(name, "secret") for name in algorithms)
    assert not any(server.users.password_matches(name, "other") for name in algorithms)


def test_the_examples_of_rabbitmqs_documentation_are_hashed_alike():
    from leveret.access.passwords import verify_password

    known = "kI3GCqW5JLMJa4iX1lo7X4D6XbYqlLgxIs30+P6tENUV2POR"
    assert verify_password(b"test12", known, "rabbit_password_hashing_sha256")


async def test_an_operator_policy_that_takes_too_long_to_match_is_refused(server: MemoryServer):
    value = {"pattern": "^(a|a)*$", "definition": {"max-length": 1}, "priority": 0}
    parameter = {"vhost": "/", "component": "operator_policy", "name": "slow", "value": value}
    queue = {"name": "a" * 40 + "!", "vhost": "/", "durable": True, "auto_delete": False}
    with pytest.raises(DefinitionsError, match=r"^parameters\[0\]\.value\.pattern: the pattern"):
        await bring(server, {"queues": [queue | {"arguments": {}}], "parameters": [parameter]})
    assert not server.broker.vhosts["/"].queues


def slow_policy(server: MemoryServer, kind: str) -> None:
    policy = Policy(kind, "slow", "^(a|a)*$", {"max-length": 1})
    server.broker.vhosts["/"].policies.put(policy)


SLOW_TO_SEARCH = {"queues": [QUEUE | {"name": "a" * 40 + "!"}]}


@pytest.mark.parametrize("kind", [POLICY, OPERATOR_POLICY])
async def test_names_that_take_a_policy_too_long_are_refused(server: MemoryServer, kind: str):
    slow_policy(server, kind)
    sentence = rf"^{kind} 'slow' of vhost '/': the pattern '\^\(a\|a\)\*\$' takes too long"
    with pytest.raises(DefinitionsError, match=sentence):
        await bring(server, SLOW_TO_SEARCH)
    assert not server.broker.vhosts["/"].queues


async def test_a_file_may_bring_a_better_policy_with_its_names(server: MemoryServer):
    slow_policy(server, POLICY)
    better = {"vhost": "/", "name": "slow", "pattern": "^a*$", "definition": {"max-length": 1}}
    assert await bring(server, SLOW_TO_SEARCH | {"policies": [better]}) == []
    assert len(server.broker.vhosts["/"].queues) == 1


async def test_a_policy_that_matches_nothing_any_more_keeps_no_names_out(server: MemoryServer):
    slow_policy(server, POLICY)
    server.broker.vhosts["/"].declare_queue(Actor("test", None), "a" * 41 + "!")
    assert await bring(server, SLOW_TO_SEARCH) == []
    assert len(server.broker.vhosts["/"].queues) == 2


async def test_all_policies_of_a_file_have_one_budget(server: MemoryServer, monkeypatch):
    """As many that take a little are as bad as one that takes all."""
    spent = []

    class Spending(SearchBudget):
        def finds_each(self, names):
            spent.append(self)
            if len(spent) == 3:
                raise OutOfTimeError("used up")
            return super().finds_each(names)

    monkeypatch.setattr(search_times, "SearchBudget", Spending)
    policies = [
        {"vhost": "/", "name": f"p{n}", "pattern": "^x", "definition": {"max-length": 1}}
        for n in range(5)
    ]
    with pytest.raises(DefinitionsError, match=r"^policies\[2\]\.pattern: used up"):
        await bring(server, {"policies": policies})
    assert len(set(spent)) == 1
