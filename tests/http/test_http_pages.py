"""Pages, orders and columns of lists, as RabbitMQ 3.10.8 was seen to answer."""

import pika
import pytest

from leveret.management.families import CONNECTIONS, QUEUES

from .client import part

PAGED = ["queues", "queues/%2F", "exchanges", "exchanges/%2F", "connections", "channels", "vhosts"]
NOT_PAGED = [
    "bindings",
    "bindings/%2F",
    "consumers",
    "consumers/%2F",
    "vhosts/%2F/connections",
    "vhosts/%2F/channels",
    "users",
    "permissions",
    "policies",
    "nodes",
    "queues/%2F/a/bindings",
]
NAMES = ["Zed", *(f"q{number:02}" for number in range(25))]
INVALID = (400, "bad_request", "Pagination parameters are invalid")


@pytest.fixture
def queues(api):
    """26 of them; each third has a length limit."""
    for number, name in enumerate(NAMES):
        arguments = {} if number % 3 else {"x-max-length": number}
        api.put(f"/api/queues/%2F/{name}", {"durable": True, "arguments": arguments})


@pytest.fixture
def get(api, queues):
    """What is answered to a query about queues."""
    return lambda query: api.get(f"/api/queues?{query}")


def names(reply):
    assert reply.status == 200
    rows = reply.json["items"] if isinstance(reply.json, dict) else reply.json
    return [row["name"] for row in rows]


def invalid(page, size):
    reason = f"Invalid pagination parameters: page number {page}, page size {size}"
    return 400, "invalid_pagination_parameters", reason


def out_of_range(page, size, length):
    reason = f"Page out of range, page: {page} page size: {size}, len: {length}"
    return 400, "page_out_of_range", reason


def test_a_page_says_what_it_is_a_page_of(get):
    assert get("page=2&page_size=10&columns=name").json == {
        "filtered_count": 26,
        "item_count": 10,
        "items": [{"name": name} for name in NAMES[10:20]],
        "page": 2,
        "page_count": 3,
        "page_size": 10,
        "total_count": 26,
    }
    assert get("page=1").json["page_size"] == 100
    assert names(get("page=3&page_size=10")) == NAMES[20:]


@pytest.mark.parametrize("path", PAGED)
def test_these_lists_have_pages(api, connect, path):
    connect().channel()
    page = api.get(f"/api/{path}?page=1&page_size=1").json
    whole = api.get(f"/api/{path}?page_size=1").json
    assert (page["item_count"], page["total_count"]) == (min(1, len(whole)), len(whole))
    assert [row["name"] for row in page["items"]] == [row["name"] for row in whole[:1]]


@pytest.mark.parametrize("path", NOT_PAGED)
def test_and_these_have_none_whatever_is_asked(api, path):
    api.put("/api/queues/%2F/a")
    for query in ("page=1&page_size=1", "page=0", "page=x"):
        assert isinstance(api.get(f"/api/{path}?{query}").json, list)


@pytest.mark.parametrize(
    ("query", "refusal"),
    [
        ("page=0", invalid(0, "undefined")),
        ("page=-1", invalid(-1, "undefined")),
        ("page=1&page_size=0", invalid(1, 0)),
        ("page=1&page_size=-5", invalid(1, -5)),
        ("page=1&page_size=501", invalid(1, 501)),
        ("page=abc", INVALID),
        ("page=", INVALID),
        ("page=1.5", INVALID),
        ("page=+1", INVALID),
        ("page=1_0", INVALID),
        (f"page={'9' * 5000}", INVALID),
        ("page=1&page_size=", INVALID),
        ("page_size=x", INVALID),
        ("page=1&use_regex=true&name=^q0[12", INVALID),
        ("page=1&use_regex=true&name=q0(", INVALID),
        (f"page=1&use_regex=true&name={'(' * 400}a{')' * 400}", INVALID),
        ("page=5&page_size=13", out_of_range(5, 13, 26)),
        ("page=2", out_of_range(2, 100, 26)),
        ("page=99999999999999999999999", out_of_range("9" * 23, 100, 26)),
        ("page=2&name=none", out_of_range(2, 100, 0)),
    ],
)
def test_a_page_that_cannot_be_is_refused_in_rabbitmqs_words(get, query, refusal):
    assert get(query).refusal == refusal


def test_the_page_right_behind_the_last_is_empty(get):
    page = get("page=3&page_size=13").json
    assert (page["items"], page["item_count"], page["page_count"]) == ([], 0, 2)


def test_numbers_may_be_written_at_length(get):
    assert names(get("page=%2B01&page_size=002")) == NAMES[:2]


def test_without_a_page_nothing_is_filtered(get):
    for query in ("page_size=501", "name=Zed", "pagination=true&page_size=1"):
        assert names(get(query)) == NAMES


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("name=zE", ["Zed"]),
        ("name=zE&use_regex=true", ["Zed"]),
        ("name=^q0[12]$&use_regex=true", ["q01", "q02"]),
        ("name=^q0[12]$&use_regex=yes", []),
        ("name=^q0[12]$", []),
        ("name=&use_regex=true", NAMES),
        ("name=none", []),
    ],
)
def test_a_page_is_of_those_that_are_named_so(get, query, found):
    page = get(f"page=1&{query}").json
    assert [row["name"] for row in page["items"]] == found
    assert (page["filtered_count"], page["total_count"]) == (len(found), 26)
    assert page["page_count"] == (1 if found else 0)


def test_a_regular_expression_has_five_milliseconds(get, api):
    api.put(f"/api/queues/%2F/{'a' * 40}!")
    status, error, reason = get("page=1&use_regex=true&name=^(a|a)*$").refusal
    assert (status, error) == (400, "bad_request")
    assert reason == (
        "the pattern '^(a|a)*$' takes too long to match: write it without nested repetition"
    )
    assert get(f"page=1&use_regex=true&name={'a' * 1001}").refusal[:2] == (400, "bad_request")


@pytest.mark.parametrize(
    "path",
    [
        "/api/policies/%2F/slow",
        "/api/operator-policies/%2F/slow",
        "/api/parameters/operator_policy/%2F/slow",
    ],
)
def test_a_policy_whose_pattern_takes_too_long_is_refused_and_changes_nothing(api, path):
    api.put(f"/api/queues/%2F/{'a' * 40}!")
    body = {"pattern": "^(a|a)*$", "definition": {"max-length": 1}, "priority": 0}
    wrapped = {"value": body} if "parameters" in path else body
    status, error, reason = api.put(path, wrapped).refusal
    assert (status, error) == (400, "bad_request")
    assert "takes too long to match" in reason
    assert api.get("/api/policies").json == []
    assert api.get("/api/operator-policies").json == []


@pytest.mark.parametrize("queue_is_there", [True, False], ids=["there", "in the file"])
def test_a_definitions_file_has_five_milliseconds_for_its_policies(api, queue_is_there):
    name = "a" * 40 + "!"
    queue = {"name": name, "vhost": "/", "durable": True, "auto_delete": False, "arguments": {}}
    if queue_is_there:
        api.put(f"/api/queues/%2F/{name}", {"durable": True})
    policy = {"vhost": "/", "name": "quick", "pattern": "^a", "definition": {"max-length": 1}}
    slow = policy | {"name": "slow", "pattern": "^(a|a)*$"}
    file = {"queues": [] if queue_is_there else [queue], "policies": [policy, slow]}
    for path in ("/api/definitions", "/api/definitions/%2F"):
        status, error, reason = api.post(path, file).refusal
        assert (status, error) == (400, "bad_request")
        assert reason.startswith("policies[1].pattern: the pattern '^(a|a)*$' takes too long")
    assert api.get("/api/policies").json == []
    assert api.names("/api/queues") == ([name] if queue_is_there else [])


@pytest.mark.leveret(
    default_operator_policies=[
        {"name": "slow", "queue_pattern": "^(a|a)*$", "definition": {"max-length": 1}}
    ]
)
def test_a_definitions_file_has_them_also_for_what_its_vhosts_begin_with(api):
    file = {"vhosts": [{"name": "v"}], "queues": [{"name": "a" * 40 + "!", "vhost": "v"}]}
    status, error, reason = api.post("/api/definitions", file).refusal
    assert (status, error) == (400, "bad_request")
    assert reason.startswith("operator_policy 'slow' of vhost 'v': the pattern '^(a|a)*$' takes")
    assert api.names("/api/vhosts") == ["/"]


def test_keda_is_answered(get):
    query = "page=1&use_regex=true&pagination=false&name=^q0&page_size=100"
    page = get(query).json
    assert page["page_count"] == 1
    assert [row["name"] for row in page["items"]] == NAMES[1:11]
    for row in page["items"]:
        assert row["messages"] == row["messages_ready"] + row["messages_unacknowledged"] == 0


@pytest.mark.parametrize(
    ("query", "first"),
    [
        ("sort=name&sort_reverse=true", ["q24", "q23", "q22", "q21"]),
        ("sort_reverse=true", ["q24", "q23", "q22", "q21"]),
        ("sort=none", ["Zed", "q00", "q01", "q02"]),
        ("sort=none&sort_reverse=true", ["q24", "q23", "q22", "q21"]),
        ("sort=arguments.x-max-length&sort_reverse=true", ["q23", "q20", "q17", "q14"]),
        ("sort=messages&sort_reverse=true", ["q03", "q24", "q23", "q22"]),
        ("sort=name.none", ["Zed", "q00", "q01", "q02"]),
        ("sort_reverse=yes", ["Zed", "q00", "q01", "q02"]),
    ],
)
def test_rows_come_in_the_order_that_is_asked_for(get, connect, query, first):
    connect().channel().basic_publish("", "q03", b"message")
    assert names(get(f"{query}&page=1&page_size=4")) == first
    assert names(get(query))[:4] == first
    assert names(get(f"{query}&columns=name"))[:4] == first


def test_keys_that_are_had_without_a_view_are_those_of_the_view(broker, queues, connect):
    channel = connect().channel()
    for _ in range(3):
        channel.basic_publish("", "q03", b"message")
    channel.basic_qos(prefetch_count=1)
    for _ in range(2):
        channel.basic_consume("q03", lambda *_: None)
    assert broker.look(lambda: quick_keys_that_differ(broker)) == []


def test_keys_of_connections_that_are_had_without_the_row_are_those_of_the_row(broker, connect):
    connect().channel()
    connect()
    management = broker.server.management
    found = management.administration.connections()
    assert len(found) == 2
    for connection in found:
        row = CONNECTIONS.view(management, connection)
        assert {key: quick(connection) for key, quick in CONNECTIONS.keys.items()} == {
            key: row[key] for key in CONNECTIONS.keys
        }


@pytest.mark.parametrize(
    "columns", ["name,messages", "messages", "name,message_bytes_ram,policy", "name.nothing"]
)
def test_columns_are_those_of_whole_rows(api, queues, columns):
    wanted = {column.partition(".")[0] for column in columns.split(",")}
    whole = [{key: row[key] for key in row if key in wanted} for row in api.get("/api/queues").json]
    assert whole
    assert api.get(f"/api/queues?columns={columns}").json == whole


def quick_keys_that_differ(broker):
    vhost = broker.server.broker.vhosts["/"]
    management = broker.server.management
    found = [(vhost, queue) for queue in vhost.queues.values()]
    assert any(queue.consumers for _, queue in found)
    return [
        (queue.name, key)
        for _, queue in found
        for key, quick in QUEUES.keys.items()
        if quick((vhost, queue)) != QUEUES.view(management, (vhost, queue))[key]
    ]


def test_lists_without_pages_have_an_order_too(api, queues):
    keys = [row["routing_key"] for row in api.get("/api/bindings?sort=routing_key").json]
    assert keys == sorted(NAMES)
    for name in ("ada", "Bob"):
        api.put(f"/api/users/{name}", {"password": "p", "tags": ""})
    assert names(api.get("/api/users?sort=name&sort_reverse=true&columns=name")) == [
        "guest",
        "ada",
        "Bob",
    ]


def test_bindings_come_by_source_and_destination(api, connect):
    channel = connect().channel()
    for queue in ("b", "a"):
        channel.queue_declare(queue)
        channel.queue_bind(queue, "amq.direct", "z")
        channel.queue_bind(queue, "amq.direct", "y")
    rows = api.get("/api/bindings?columns=source,destination,routing_key").json
    found = [(row["source"], row["destination"], row["routing_key"]) for row in rows]
    named = [("amq.direct", queue, key) for queue in "ab" for key in "yz"]
    assert found == [("", "a", "a"), ("", "b", "b"), *named]


def test_columns_name_keys_below_others(get):
    rows = get("columns=arguments.x-max-length,name&page=1&page_size=2").json["items"]
    assert rows == [
        {"arguments": {"x-max-length": 0}, "name": "Zed"},
        {"arguments": {}, "name": "q00"},
    ]


def test_a_page_counts_what_its_viewer_may_see_only(tagged, api, connect):
    viewer = tagged("management")
    viewer.put("/api/queues/own/mine")
    api.put("/api/queues/%2F/foreign")
    connect("own", "management", "password").channel()
    connect().channel()
    assert viewer.get("/api/queues?page=1").json["total_count"] == 1
    assert names(viewer.get("/api/queues?page=1&name=m")) == ["mine"]
    assert viewer.get("/api/connections?page=1").json["total_count"] == 1
    assert viewer.get("/api/channels?page=1").json["total_count"] == 1
    assert names(viewer.get("/api/vhosts?page=1")) == ["own"]
    assert api.get("/api/queues?page=1").json["total_count"] == 2


def test_a_long_list_is_sent_in_parts_and_shows_what_was_changed_over_http(broker, api):
    def declare():
        from leveret.broker.actor import Actor

        vhost = broker.server.broker.vhosts["/"]
        for number in range(2000):
            vhost.declare_queue(Actor("test", None), f"queue {number:04}")

    broker.look(declare)
    reply = api.get("/api/queues")
    assert reply.headers["transfer-encoding"] == "chunked"
    assert reply.headers["content-type"] == "application/json"
    assert reply.headers["cache-control"] == "no-cache"
    assert [row["name"] for row in reply.json] == [f"queue {number:04}" for number in range(2000)]
    assert api.request("HEAD", "/api/queues").content == b""
    api.delete(f"/api/queues/%2F/{part('queue 0000')}")
    assert len(api.get("/api/queues").json) == 1999


def test_a_queue_that_goes_while_its_list_is_kept_does_no_harm(broker, api):
    parameters = pika.URLParameters(broker.url)
    connection = pika.BlockingConnection(parameters)
    channel = connection.channel()
    for number in range(120):
        channel.queue_declare(f"q{number:03}", exclusive=True)
        channel.basic_consume(f"q{number:03}", lambda *_: None)
    lists = ("queues", "consumers", "bindings", "channels", "connections")
    for path in lists:
        assert api.get(f"/api/{path}?page=1&page_size=1").status == 200
    connection.close()
    for path in lists:
        assert api.get(f"/api/{path}").status == 200
