"""Who asks: Basic authentication, and what is answered to those whom nobody knows."""

import socket

import pytest

LOGIN_FAILED = (401, "not_authorized", "Login failed")


@pytest.mark.parametrize(("user", "password"), [("guest", "wrong"), ("nobody", "x"), ("", "")])
def test_a_login_that_fails_is_told_how_to_log_in(as_user, user, password):
    reply = as_user(user, password).get("/api/whoami")
    assert reply.refusal == LOGIN_FAILED
    assert reply.headers["www-authenticate"] == 'Basic realm="RabbitMQ Management"'


def test_who_says_nothing_is_told_the_same(as_user):
    reply = as_user(None).get("/api/overview")
    assert reply.refusal == LOGIN_FAILED
    assert "www-authenticate" in reply.headers


@pytest.mark.parametrize(
    ("header", "status"),
    [
        ("Bearer token", 401),
        ("Basic", 400),
        ("Basic !", 400),
        ("Basic Z3Vlc3Q=", 400),  # guest, without a colon
        ("Basic /////w==", 400),  # not UTF-8
        ("Basic " + "A" * 5000, 400),
        ("basic Z3Vlc3Q6Z3Vlc3Q=", 200),
    ],
)
def test_the_authorization_header_is_basic_or_refused(as_user, header, status):
    reply = as_user(None).get("/api/whoami", headers={"Authorization": header})
    assert reply.status == status


def test_a_password_may_hold_colons_and_any_character(broker, as_user):
    broker.add_user("ada", "a:b:ü", "management")
    assert as_user("ada", "a:b:ü").get("/api/whoami").status == 200


@pytest.mark.leveret(http_host="")
def test_guest_comes_from_this_machine_only(broker, as_user):
    away = address_of_this_machine()
    for host, status in (("127.0.0.1", 200), (away, 401)):
        guest = as_user("guest", "guest")
        guest.address = (host, broker.server.http_port)
        assert guest.get("/api/whoami").status == status
    broker.add_user("ada", "password", "management")
    ada = as_user("ada")
    ada.address = (away, broker.server.http_port)
    assert ada.get("/api/whoami").status == 200


@pytest.mark.leveret(http_host="")
def test_a_header_that_claims_another_address_is_not_read(broker, as_user):
    guest = as_user("guest", "guest")
    guest.address = (address_of_this_machine(), broker.server.http_port)
    for name in ("X-Forwarded-For", "X-Real-IP", "Forwarded"):
        assert guest.get("/api/whoami", headers={name: "127.0.0.1"}).status == 401


def test_a_page_of_another_site_can_change_nothing(api):
    foreign = {"Origin": "http://elsewhere.example"}
    refusal = api.post("/api/x/stop", headers=foreign).refusal
    assert refusal[:2] == (401, "not_authorised")
    assert api.put("/api/queues/%2F/work", headers=foreign).status == 401
    assert api.put("/api/queues/%2F/work", headers={"Origin": "null"}).status == 401
    own = {"Origin": f"http://{api.address[0]}:{api.address[1]}"}
    assert api.put("/api/queues/%2F/work", headers=own).status == 201


def test_options_tell_what_a_path_answers_to_everybody(as_user):
    reply = as_user(None).request("OPTIONS", "/api/queues/%2F/work")
    assert (reply.status, reply.headers["allow"]) == (200, "HEAD, GET, PUT, DELETE, OPTIONS")


def address_of_this_machine():
    """An address that is not loopback; nothing is sent to find it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            pytest.fail("this machine has no address but loopback")
        return probe.getsockname()[0]
