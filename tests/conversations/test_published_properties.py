"""What the server looks at in the properties of a published message."""

import pytest
from pamqp.commands import Basic, Confirm

from conversations.conftest import Server
from peer import Peer


def publish(peer: Peer, **properties: str) -> None:
    peer.call(Confirm.Select())
    peer.publish(1, "", "nowhere", b"body", Basic.Properties(**properties))


@pytest.mark.parametrize("expiration", ["0", "+5", "1000", "4294967296", "315360000000"])
def test_an_expiration_is_a_string_of_milliseconds(peer, expiration):
    """Wire behaviour 44."""
    publish(peer, expiration=expiration)
    peer.expect(Basic.Ack)


@pytest.mark.parametrize(
    ("expiration", "reason"),
    [
        ("abc", "no_integer"),
        ("", "no_integer"),
        (" 5", "no_integer"),
        ("5 ", '{leftover_string," "}'),
        ("1.5", '{leftover_string,".5"}'),
        ("10x", '{leftover_string,"x"}'),
        ("-1", "{value_negative,-1}"),
        ("315360000001", "{value_too_large,315360000001}"),
    ],
)
def test_an_expiration_that_is_no_time_is_refused(peer, expiration, reason):
    """Error table: bad expiration; wire behaviour 44."""
    publish(peer, expiration=expiration)
    text = f"PRECONDITION_FAILED - invalid expiration '{expiration}': {reason}"
    peer.expect_channel_closed(406, text, Basic.Publish)


def test_a_user_id_may_be_one_s_own(peer):
    """Wire behaviour 45."""
    publish(peer, user_id="guest")
    peer.expect(Basic.Ack)


@pytest.mark.parametrize("user_id", ["somebody", ""])
def test_a_user_id_of_somebody_else_is_refused(peer, user_id):
    """Error table: user-id mismatch; wire behaviour 45."""
    publish(peer, user_id=user_id)
    text = (
        f"PRECONDITION_FAILED - user_id property set to '{user_id}' "
        "but authenticated user was 'guest'"
    )
    peer.expect_channel_closed(406, text, Basic.Publish)


def test_an_impersonator_may_use_any_user_id(server: Server, stranger):
    """Wire behaviour 45."""
    server.add_user("actor", "secret", "impersonator")
    server.set_permissions("actor", "/", ".*", ".*", ".*")
    peer = stranger().handshake("actor", "secret").open_channels()
    publish(peer, user_id="somebody")
    peer.expect(Basic.Ack)
