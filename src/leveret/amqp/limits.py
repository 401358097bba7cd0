"""What the server grants to a connection: the numbers of connection.tune and the timeouts."""


class Limits:
    """Times in seconds, sizes in octets. `connection_max` and `channel_max_per_node` are for all
    connections together; -1 is any number of connections, 0 any number of the others."""

    def __init__(
        self,
        *,
        frame_max_bytes: int = 131072,
        initial_frame_max_bytes: int = 4096,
        channel_max: int = 2047,
        heartbeat_seconds: int = 60,
        handshake_timeout_seconds: float = 10.0,
        close_timeout_seconds: float = 10.0,
        refused_login_delay_seconds: float = 3.0,
        consumer_timeout_seconds: float = 1800.0,
        consumer_max_per_channel: int = 0,
        max_message_size_bytes: int = 134217728,
        connection_max: int = -1,
        channel_max_per_node: int = 0,
    ) -> None:
        self.frame_max_bytes = frame_max_bytes
        self.initial_frame_max_bytes = initial_frame_max_bytes
        self.channel_max = channel_max
        self.heartbeat_seconds = heartbeat_seconds
        self.handshake_timeout_seconds = handshake_timeout_seconds
        self.close_timeout_seconds = close_timeout_seconds
        self.refused_login_delay_seconds = refused_login_delay_seconds
        self.consumer_timeout_seconds = consumer_timeout_seconds
        self.consumer_max_per_channel = consumer_max_per_channel
        self.max_message_size_bytes = max_message_size_bytes
        self.connection_max = connection_max
        self.channel_max_per_node = channel_max_per_node

    def become(self, other: "Limits") -> None:
        """Hold what another one holds. Connections that are open keep what was negotiated."""
        vars(self).update(vars(other))
