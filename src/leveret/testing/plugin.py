"""The pytest plugin: a broker for each test that asks for one.

def test_something(broker):
    connection = pika.BlockingConnection(pika.URLParameters(broker.url))

@pytest.mark.leveret(consumer_timeout_seconds=0.5)
def test_something_slow(broker): ...
"""

from collections.abc import Iterator

import pytest

from leveret.testing.embedded import EmbeddedBroker


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known."""
    config.addinivalue_line("markers", "leveret(**settings): settings of the `broker` fixture.")


@pytest.fixture
def broker(request: pytest.FixtureRequest) -> Iterator[EmbeddedBroker]:
    """A new broker with user guest and vhost /, gone after the test."""
    marker = request.node.get_closest_marker("leveret")
    settings = marker.kwargs if marker is not None else {}
    with EmbeddedBroker(**settings) as embedded:
        yield embedded
