"""The tutorials' three ways to wait for publisher confirms, anew."""

from functools import partial

import pika
import pytest

from .callback_program import Inbox, open_channel, run_program

pytestmark = pytest.mark.timeout(30)

PERSISTENT = pika.BasicProperties(delivery_mode=pika.DeliveryMode.Persistent)


@pytest.fixture
def confirmed(channel, named, declare_shared):
    queue = named("confirmed")
    declare_shared(channel, queue)
    return queue


class Outstanding:
    """The publishes not yet confirmed; knows that one confirm can answer for many of them."""

    def __init__(self, channel):
        self._channel = channel
        self._published = 0
        self._bodies = {}
        self.nacked = []

    def __len__(self):
        return len(self._bodies)

    def publish(self, queue, body):
        self._channel.basic_publish("", queue, body, PERSISTENT)
        self._published += 1
        self._bodies[self._published] = body

    def settle(self, confirm):
        method = confirm.method
        if method.multiple:
            tags = [tag for tag in self._bodies if tag <= method.delivery_tag]
        else:
            tags = [method.delivery_tag]
        bodies = [self._bodies.pop(tag) for tag in tags]
        if isinstance(method, pika.spec.Basic.Nack):
            self.nacked += bodies


def test_each_publish_can_wait_for_its_own_confirm(channel, confirmed):
    channel.confirm_delivery()

    for n in range(50):
        channel.basic_publish("", confirmed, b"%d" % n, PERSISTENT)

    assert channel.queue_declare(confirmed, passive=True).method.message_count == 50


def test_batches_can_wait_for_the_confirms_of_all_their_messages(parameters, channel, confirmed):
    def program(connection):
        publisher = yield open_channel(connection)
        confirms = Inbox()
        yield partial(publisher.confirm_delivery, confirms.put)
        outstanding = Outstanding(publisher)
        for batch in range(3):
            for n in range(100):
                outstanding.publish(confirmed, b"%d of batch %d" % (n, batch))
            while outstanding:
                outstanding.settle((yield confirms.next))
        assert outstanding.nacked == []

    run_program(pika.SelectConnection, parameters(), program)

    assert channel.queue_declare(confirmed, passive=True).method.message_count == 300


def test_confirms_can_be_handled_as_they_come(parameters, channel, confirmed):
    def program(connection):
        publisher = yield open_channel(connection)
        outstanding = Outstanding(publisher)
        all_settled = Inbox()

        def settle(confirm):
            outstanding.settle(confirm)
            if not outstanding:
                all_settled.put()

        yield partial(publisher.confirm_delivery, settle)
        for n in range(1000):
            outstanding.publish(confirmed, b"%d" % n)
        yield all_settled.next
        assert outstanding.nacked == []

    run_program(pika.SelectConnection, parameters(), program)

    assert channel.queue_declare(confirmed, passive=True).method.message_count == 1000


def test_an_unroutable_publish_is_confirmed_unless_it_is_mandatory(channel, named):
    nowhere = named("nowhere")
    channel.confirm_delivery()
    channel.basic_publish("", nowhere, b"nobody asked")

    with pytest.raises(pika.exceptions.UnroutableError) as unroutable:
        channel.basic_publish("", nowhere, b"come back", mandatory=True)

    [returned] = unroutable.value.messages
    assert returned.body == b"come back"
    assert (returned.method.reply_code, returned.method.reply_text) == (312, "NO_ROUTE")
