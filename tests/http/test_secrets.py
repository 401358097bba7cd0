"""Passwords, tokens and messages are planted wherever they can be given, and in all the places that
make the broker complain. Nowhere do they come out again: not in the log, at its most talkative, as
text or as JSON, with tracebacks; not in what operators are shown; not in the command line's words.

Each canary says where it was planted, so that one that gets out names the hole.
"""

import base64
import binascii
import io
import json
import logging
import struct
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pika
import pytest
from click.testing import CliRunner
from pamqp.commands import Basic, Channel, Connection

from leveret.cli import main
from leveret.logs import set_up_logging
from leveret.management.resources import ROUTES
from leveret.testing import EmbeddedBroker
from peer import (
    BODY,
    HEADER,
    HEARTBEAT,
    METHOD,
    Peer,
    TcpWire,
    fields,
    frame,
    header_frame,
    method_frame,
    unchecked,
)

from .client import Client

CANARY = "c4n4ry"


def canary(place: str) -> str:
    """Short, and at the beginning: refusals show the first 16 octets of what they refuse."""
    return f"{CANARY}-{place}"


@pytest.fixture(params=["text", "json"])
def log(request: pytest.FixtureRequest) -> Iterator[io.StringIO]:
    """What the broker logs, formatted."""
    names = ("leveret", "asyncio", "uvicorn")
    loggers = [logging.getLogger(name) for name in names]
    before = [(each.handlers, each.propagate, each.level) for each in loggers]
    stream = io.StringIO()
    set_up_logging("debug", request.param, stream)
    for each in loggers:
        each.setLevel(logging.DEBUG)
    yield stream
    for each, (handlers, propagate, level) in zip(loggers, before, strict=True):
        each.handlers, each.propagate = handlers, propagate
        each.setLevel(level)


@pytest.fixture
def broker(log: io.StringIO, tmp_path: Path) -> Iterator[EmbeddedBroker]:
    settings: dict[str, Any] = {
        "default_pass": canary("default"),
        "data_dir": str(tmp_path / "data"),
    }
    settings |= {"http_enabled": True, "ephemeral": False, "refused_login_delay_seconds": 0.05}
    with EmbeddedBroker(**settings) as broker:
        yield broker


@pytest.fixture
def api(broker: EmbeddedBroker) -> Client:
    return Client((broker.host, broker.server.http_port), "guest", canary("default"))


def holes(where: str, text: str | bytes) -> list[str]:
    """The canaries in a text, in any form in which octets get printed."""
    octets = text.encode(errors="replace") if isinstance(text, str) else text
    forms = {
        "plain": CANARY.encode(),
        "hex": binascii.hexlify(CANARY.encode()),
        "octets": ",".join(str(octet) for octet in CANARY.encode()).encode(),
    }
    # Base64 of a text looks in three ways, by where it begins.
    for shift in range(3):
        encoded = base64.b64encode(b"\0" * shift + CANARY.encode())
        forms[f"base64, {shift}"] = encoded[4 if shift else 0 : -4]
    found = []
    for form, pattern in forms.items():
        at = octets.find(pattern)
        if at >= 0:
            found.append(f"{where} ({form}): {octets[max(0, at - 80) : at + 60]!r}")
    return found


def strangers() -> dict[str, bytes]:
    """What is said instead of a login."""
    start_ok = {"client_properties": {}, "locale": "en_US"}

    def login(mechanism: str, response: str | bytes) -> bytes:
        return method_frame(
            0, unchecked(Connection.StartOk, mechanism=mechanism, response=response, **start_ok)
        )

    plain = login("PLAIN", f"\0guest\0{canary('end')}")
    return {
        "wrong password": login("PLAIN", f"\0guest\0{canary('wrong')}"),
        "unknown user": login("PLAIN", f"\0nobody\0{canary('nobody')}"),
        "two parts": login("PLAIN", f"guest\0{canary('two')}"),
        "an identity": login("PLAIN", f"{canary('id')}\0guest\0x"),
        "amqplain": login("AMQPLAIN", fields({"LOGIN": "guest", "PASSWORD": canary("table")})),
        "amqplain without login": login("AMQPLAIN", fields({"PASSWORD": canary("half")})),
        "amqplain cut": login("AMQPLAIN", fields({"LOGIN": "x", "PASSWORD": canary("cut")})[:-4]),
        "amqplain rubbish": login("AMQPLAIN", canary("rubbish")),
        "unknown mechanism": login("X-SECRET", f"\0guest\0{canary('unknown')}"),
        "external": login("EXTERNAL", canary("external")),
        "bad end": plain[:-1] + b"\x00",
        "on a channel": plain[:2] + b"\x01" + plain[3:],
        "as a header": b"\x02" + plain[1:],
        "as a heartbeat": b"\x08" + plain[1:],
        "as a body": frame(BODY, 0, canary("body").encode()),
        "secure-ok": method_frame(0, unchecked(Connection.SecureOk, response=canary("secure"))),
        "too large": struct.pack("!BHI", METHOD, 0, 1 << 30) + canary("large").encode(),
        "no method": frame(METHOD, 0, canary("m").encode()),
        "cut method": plain[:40] + b"\xce",
    }


def misbehaviour() -> dict[str, bytes]:
    """What a client says on an open channel."""
    body = canary("message").encode()
    publish = method_frame(1, Basic.Publish(exchange="", routing_key="kept"))
    nowhere = method_frame(1, Basic.Publish(exchange="", routing_key="nowhere", mandatory=True))
    missing = method_frame(1, Basic.Publish(exchange="missing", routing_key="kept"))
    headers = header_frame(1, len(body), Basic.Properties(headers={"token": canary("header")}))
    whole = header_frame(1, len(body)) + frame(BODY, 1, body)
    return {
        "published": publish + headers + frame(BODY, 1, body),
        "unroutable": nowhere + whole,
        "to a missing exchange": missing + whole,
        "body with a bad end": publish + whole[:-1] + b"\x00",
        "body without a header": publish + frame(BODY, 1, body),
        "body without a method": frame(BODY, 1, body),
        "body that is too long": publish + header_frame(1, 3) + frame(BODY, 1, body),
        "body on an unopened channel": frame(BODY, 7, body),
        "body on channel 0": frame(BODY, 0, body),
        "rubbish header": publish + frame(HEADER, 1, body),
        "bad properties": publish
        + frame(HEADER, 1, struct.pack("!HHQH", 60, 0, 4, 0xFFFF) + body)
        + frame(BODY, 1, b"body"),
        "heartbeat with a payload": frame(HEARTBEAT, 0, body),
        "unknown frame": frame(77, 1, body),
        "unknown method": frame(METHOD, 1, b"\x00\x3c\x7f\xff" + body),
        "cut method": frame(METHOD, 1, b"\x00\x3c\x00\x28" + body),
        "bad expiration": publish
        + header_frame(1, len(body), Basic.Properties(expiration="never"))
        + frame(BODY, 1, body),
        "frame that is too large": struct.pack("!BHI", BODY, 1, 1 << 30) + body,
        "new secret": method_frame(
            0, unchecked(Connection.UpdateSecret, new_secret=canary("update"), reason="expired")
        ),
        "start-ok again": method_frame(
            0,
            unchecked(
                Connection.StartOk,
                client_properties={},
                mechanism="PLAIN",
                response=f"\0guest\0{canary('again')}",
                locale="en_US",
            ),
        ),
    }


def hear_out(peer: Peer) -> None:
    """Until the server has closed the connection, or has nothing more to say."""
    with suppress(Exception):
        while peer.wire.receive(0.05):
            pass
    peer.close()


def drive_amqp(broker: EmbeddedBroker) -> None:
    for said in strangers().values():
        peer = Peer(TcpWire(broker.host, broker.port))
        peer.greet()
        peer.send_raw(said)
        hear_out(peer)
    for said in misbehaviour().values():
        peer = Peer(TcpWire(broker.host, broker.port))
        peer.handshake(password=canary("default"))
        peer.call(Channel.Open(), 1)
        peer.send_raw(said)
        hear_out(peer)
    peer = Peer(TcpWire(broker.host, broker.port))
    peer.send_raw(b"\x03" + canary("header").encode())
    hear_out(peer)


def drive_http(broker: EmbeddedBroker, api: Client) -> None:
    def basic(text: str) -> dict[str, str]:
        return {"Authorization": f"Basic {base64.b64encode(text.encode()).decode()}"}

    secret = {"password": canary("put"), "tags": "management"}
    users = "/api/users/ada"
    assert api.put(users, secret).status in (201, 204)
    asked = [
        api.put(users, {**secret, "tags": 7}),
        api.put(users, {**secret, "password_hash": canary("hash")}),
        api.put(users, {"password": [canary("list")]}),
        api.put(users, f'{{"password": "{canary("json")}"'.encode()),
        api.put(users, canary("rubbish").encode()),
        api.put(users, b'{"password": "' + canary("large").encode() + b"x" * (2 << 20) + b'"}'),
        api.post("/api/x/authenticate", {"user": "guest", "password": canary("ask")}),
        api.put("/api/exchanges/%2F/x", {"type": "no", "arguments": {"x": canary("a")}}),
        api.get("/api/overview?password=" + canary("query")),
        api.put(f"/api/queues/%2F/q?token={canary('token')}", {}),
    ]
    for login in (
        {"Authorization": canary("scheme")},
        {"Authorization": f"Bearer {canary('bearer')}"},
        {"Authorization": f"Basic {canary('base64')}"},
        basic(canary("colon")),
        basic(f"guest:{canary('basic')}"),
        {"Cookie": f"auth={canary('cookie')}"},
    ):
        asked.append(Client(api.address).get("/api/whoami", headers=login))
    assert {reply.status for reply in asked} <= {200, 201, 204, 400, 401, 405, 413}


def break_down(broker: EmbeddedBroker, api: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """Defects, while passwords are at hand."""

    def broken(*_: object) -> None:
        raise RuntimeError("a defect")

    with monkeypatch.context() as defects:
        defects.setattr(broker.server.users, "put_user", broken)
        assert api.put("/api/users/bob", {"password": canary("500"), "tags": ""}).status == 500
        defects.setattr(broker.server.users, "authenticate", broken)
        peer = Peer(TcpWire(broker.host, broker.port))
        peer.greet()
        peer.log_in("guest", canary("541"))
        hear_out(peer)


def shown_to_operators(api: Client) -> Iterator[tuple[str, bytes]]:
    """Every answer to every question that names what there is. What messages hold is not among
    them: who asks for a message gets it."""
    names = {
        "vhost": "%2F",
        "user": "ada",
        "queue": "kept",
        "exchange": "amq.direct",
        "node": "x",
        "name": "kept",
    }
    for route in ROUTES:
        if route.method == "GET":
            path = "/api/" + "/".join(route.parts)
            for place, name in names.items():
                path = path.replace(f"{{{place}}}", name)
            yield path, api.get(path).content


def test_no_secret_gets_out(
    broker: EmbeddedBroker, api: Client, log: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    credentials = pika.PlainCredentials("guest", canary("default"))
    with pika.BlockingConnection(
        pika.ConnectionParameters(broker.host, broker.port, credentials=credentials)
    ) as connection:
        connection.channel().queue_declare("kept", durable=True)
        drive_amqp(broker)
        drive_http(broker, api)
        break_down(broker, api, monkeypatch)
        found = [hole for path, shown in shown_to_operators(api) for hole in holes(path, shown)]
    said = log.getvalue()
    assert said.count("RuntimeError: a defect") == 2
    assert "Traceback" in said
    for line in said.splitlines():
        found += holes("log", line)
    assert found == [], "\n".join(found)


@pytest.mark.parametrize("log", ["text"], indirect=True)
def test_passwords_are_kept_as_hashes_only(broker: EmbeddedBroker, api: Client) -> None:
    assert api.put("/api/users/ada", {"password": canary("kept"), "tags": ""}).status == 201
    folder = broker.config.data_path()
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert files
    assert [hole for path in files for hole in holes(path.name, path.read_bytes())] == []


@pytest.mark.parametrize("log", ["text"], indirect=True)
def test_settings_do_not_show_their_passwords(broker: EmbeddedBroker) -> None:
    assert holes("repr", repr(broker.config)) == []


@pytest.mark.parametrize("log", ["text"], indirect=True)
def test_the_command_line_does_not_repeat_a_password(
    broker: EmbeddedBroker, log: io.StringIO, tmp_path: Path
) -> None:
    here = f"--url=http://guest:{canary('default')}@{broker.host}:{broker.server.http_port}"
    wrong = f"--url=http://guest:{canary('wrong')}@{broker.host}:{broker.server.http_port}"
    nobody = f"--url=http://guest:{canary('nobody')}@127.0.0.1:1"
    definitions = tmp_path / "definitions.json"
    definitions.write_text(
        json.dumps({"users": [{"name": "eve", "password": canary("import"), "tags": 7}]})
    )
    commands = [
        (here, "add_user", "bob", canary("argument")),
        (here, "add_user", "bob", canary("argument")),
        (here, "change_password", "nobody", canary("change")),
        (here, "authenticate_user", "bob", canary("ask")),
        (here, "authenticate_user", "bob", canary("argument")),
        (here, "import_definitions", str(definitions)),
        (here, "list_users", "--formatter", "json"),
        (wrong, "list_users"),
        (nobody, "list_users"),
        (f"--url=ftp://guest:{canary('scheme')}@h/", "list_users"),
        (f"--url=http://guest:{canary('port')}@h:port/", "list_users"),
    ]
    found = []
    for where, verb, *arguments in commands:
        result = CliRunner().invoke(main, ["ctl", where, verb, *arguments])
        found += holes(verb, result.output)
    assert found + holes("log", log.getvalue()) == []
