"""What the server grants to a connection: the numbers of connection.tune and the timeouts."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mypy_extensions import i64


class Limits:
    """Times in seconds, sizes in octets. `connection_max` and `channel_max_per_node` are for all
    connections together; -1 is any number of connections, 0 any number of the others. They may
    change; connections that are open keep what was negotiated."""

    def __init__(self) -> None:
        self.frame_max_bytes = 131072
        self.initial_frame_max_bytes = 4096
        self.channel_max = 2047
        self.heartbeat_seconds = 60
        self.handshake_timeout_seconds: float = 10.0
        self.close_timeout_seconds: float = 10.0
        self.refused_login_delay_seconds: float = 3.0
        self.consumer_timeout_seconds: float = 1800.0
        self.consumer_max_per_channel = 0
        self.max_message_size_bytes: i64 = 134217728
        self.connection_max = -1
        self.channel_max_per_node = 0
