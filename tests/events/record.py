"""Record what RabbitMQ's event exchange tells, for the tests to compare with.

    PYTHONPATH=tests:bench python -m events.record

It runs a RabbitMQ of its own, which is to be installed.
"""

import json
import subprocess
import tempfile
from pathlib import Path

from brokers import free_port, rabbitmq  # type: ignore[import-not-found]

from events.world import SCENES, World

RECORDED = Path(__file__).parent / "recorded.json"
PLUGINS = "rabbitmq_event_exchange,rabbitmq_management"


def main() -> None:
    port = free_port()
    settings = f"management.tcp.ip = 127.0.0.1\nmanagement.tcp.port = {port}\n"
    with tempfile.TemporaryDirectory() as folder, rabbitmq(folder, PLUGINS, settings) as broker:

        def alarm(on: bool) -> None:
            order = f"{broker.control} set_vm_memory_high_watermark {0 if on else 0.4}"
            subprocess.run(order, shell=True, check=True, capture_output=True)

        world = World("127.0.0.1", broker.port, port, alarm)
        world.begin()
        scenes = []
        for name, scene in SCENES.items():
            scene(world)
            lines = ",\n".join(f"    {json.dumps(event)}" for event in world.heard())
            scenes.append(f'  "{name}": [\n{lines}\n  ]')
        RECORDED.write_text("{\n" + ",\n".join(scenes) + "\n}\n")
        world.end()


if __name__ == "__main__":
    main()
