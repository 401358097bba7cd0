"""What another thread has done is told to the broker at a moment that it knows."""

from collections.abc import Callable
from pathlib import Path

import pytest

from leveret.broker.broker import Broker
from leveret.broker.message import Message
from leveret.broker.seams import Pending, Queue
from leveret.testing import EmbeddedBroker
from leveret.wire.properties import Properties
from unit.doubles import a_message


class Nowhere(Queue):
    """A durable queue that nobody reads."""

    name = "nowhere"
    id = 1 << 40

    def publish(self, message: Message, ticket: int) -> None:
        """It is in the store, and that is all."""


def put(broker: Broker) -> Pending:
    return broker.definitions.put("kind", "key", {})


def delete(broker: Broker) -> Pending:
    return broker.definitions.delete("kind", "key")


def append(broker: Broker) -> Pending:
    message = a_message(b"m", properties=Properties(delivery_mode=2))
    return broker.when_durable(broker.store.append(message, [Nowhere()]))


@pytest.mark.parametrize("ask", [put, delete, append])
def test_an_answer_comes_at_its_own_time(tmp_path: Path, ask: Callable[[Broker], Pending]) -> None:
    with EmbeddedBroker(ephemeral=False, data_dir=str(tmp_path)) as embedded:
        broker = embedded.server.broker

        def the_moment_of_the_answer() -> Pending:
            answer = Pending()
            broker.clock.moment = 0.0
            ask(broker).then(lambda _: answer.complete(broker.clock.moment), answer.fail)
            assert broker.clock.moment == 0.0
            return answer

        before = embedded.look(broker.clock.now)
        now = embedded.ask(the_moment_of_the_answer)
        assert isinstance(before, float)
        assert isinstance(now, float)
        assert now >= before
