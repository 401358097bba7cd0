"""A channel remembers routes; whatever changes, it publishes as one that has just been opened."""

from hypothesis import given, settings
from hypothesis import strategies as st

from conversations.memory import Server
from effort import effort
from leveret.broker.actor import Actor
from leveret.broker.vhost import VHost
from leveret.errors import ReplyError
from leveret.wire.properties import Properties
from leveret.wire.table import to_table
from peer import Peer
from property.sequences import stories

ADMIN = Actor("admin", None)
QUEUES, EXCHANGES, KEYS = ["q0", "q1"], ["x0", "x1", "amq.topic"], ["", "a", "a.b"]
CHANGES = st.one_of(
    st.tuples(st.just("declare queue"), st.sampled_from(QUEUES), st.just(""), st.just("")),
    st.tuples(st.just("delete queue"), st.sampled_from(QUEUES), st.just(""), st.just("")),
    st.tuples(
        st.just("declare exchange"),
        st.sampled_from(EXCHANGES),
        st.sampled_from(["direct", "fanout", "topic", "headers"]),
        st.sampled_from(["", *EXCHANGES]),
    ),
    st.tuples(st.just("delete exchange"), st.sampled_from(EXCHANGES), st.just(""), st.just("")),
    *[
        st.tuples(
            st.just(step),
            st.sampled_from(EXCHANGES),
            st.sampled_from([*QUEUES, *EXCHANGES]),
            st.sampled_from([*KEYS, "#"]),
        )
        for step in ("bind", "bind", "unbind")
    ],
)


def perform(vhost: VHost, step: str, name: str, other: str, key: str) -> None:
    match step:
        case "declare queue":
            vhost.declare_queue(ADMIN, name)
        case "delete queue":
            vhost.delete_queue(ADMIN, name)
        case "declare exchange":
            arguments = to_table({"alternate-exchange": key} if key else {})
            vhost.declare_exchange(ADMIN, name, other, auto_delete=bool(key), arguments=arguments)
        case "delete exchange":
            vhost.delete_exchange(ADMIN, name)
        case "bind" | "unbind":
            change = vhost.bind if step == "bind" else vhost.unbind
            change(ADMIN, name, "queue" if other in QUEUES else "exchange", other, key, {})


def counts(vhost: VHost) -> dict[str, int]:
    return {name: int(queue.ready_count) for name, queue in vhost.queues.items()}


@settings(max_examples=effort(100), deadline=None)
@given(stories(CHANGES, 40))
def test_a_remembered_route_is_the_route_there_is(
    changes: list[tuple[str, str, str, str]],
) -> None:
    server = Server()
    vhost = server.broker.vhosts["/"]
    peer = Peer(server.connect()).handshake().open_channels()
    for change in changes:
        try:
            perform(vhost, *change)
        except ReplyError:
            continue
        for exchange in ("", *(name for name in EXCHANGES if name in vhost.exchanges)):
            for key in (*KEYS, "q0"):
                before = counts(vhost)
                peer.publish(1, exchange, key, b"x")
                after = counts(vhost)
                fresh, _ = vhost.route(vhost.exchanges[exchange], key, Properties)
                reached = sorted(name for name in after if after[name] != before[name])
                assert reached == sorted(queue.name for queue in fresh)
    assert server.broker.sessions
