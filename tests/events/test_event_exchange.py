"""`amq.rabbitmq.event`: what it tells, compared with what RabbitMQ 3.10.8 told (see record)."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from leveret.testing import EmbeddedBroker

from .world import SCENES, World

RECORDED: dict[str, list[list[Any]]] = json.loads(
    (Path(__file__).parent / "recorded.json").read_text()
)


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    settings: dict[str, object] = {"http_enabled": True, "event_exchange_vhost": "/"}
    with EmbeddedBroker(**settings) as broker:

        def alarm(on: bool) -> None:
            (broker.raise_alarm if on else broker.clear_alarm)("memory")

        world = World(broker.host, broker.port, broker.server.http_port, alarm)
        world.begin()
        yield world
        world.end()


def is_told_here(event: list[Any]) -> bool:
    """What RabbitMQ tells and Leveret does not: a lock of its own while an exchange is deleted, and
    once more that there is a consumer less, of whom it has told that already."""
    key, headers = event
    if headers.get("component") == "exchange-delete-in-progress":
        return False
    return key != "consumer.deleted" or "user_who_performed_action" in headers


@pytest.mark.parametrize("scene", SCENES)
def test_events_are_those_of_rabbitmq(scene: str, world: World) -> None:
    SCENES[scene](world)
    assert world.heard() == [event for event in RECORDED[scene] if is_told_here(event)]
