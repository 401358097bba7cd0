"""The settings: one table, from which the file, the environment, the help and the docs page come.

A field of `Config` is a row: name, type, default, and what it means. Precedence: command line, then
environment (`LEVERET_` and the name in capitals, or RabbitMQ's own variable where there is one),
then the TOML file, then the default.
"""

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

Port = Annotated[int, Meta(ge=0, le=65535)]
# At most ten years: a timer cannot be set for longer.
Seconds = Annotated[float, Meta(ge=0, le=315_360_000)]
Bytes = Annotated[int, Meta(ge=0)]

PREFIX: Final = "LEVERET_"
RABBITMQ_VARIABLES: Final = {
    "RABBITMQ_DEFAULT_USER": "default_user",
    "RABBITMQ_DEFAULT_PASS": "default_pass",
    "RABBITMQ_DEFAULT_VHOST": "default_vhost",
    "RABBITMQ_NODE_PORT": "amqp_port",
    "RABBITMQ_NODE_IP_ADDRESS": "amqp_host",
}


class ConfigError(Exception):
    """A setting that cannot be used; the text names it and says what is possible."""


class Config(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Names are those of the TOML file."""

    amqp_host: Annotated[
        str, Meta(description="Address that AMQP listens on; empty is every interface.")
    ] = ""
    amqp_port: Annotated[Port, Meta(description="Port for AMQP; 0 takes a free one.")] = 5672
    http_host: Annotated[str, Meta(description="Address that HTTP listens on.")] = "127.0.0.1"
    http_port: Annotated[Port, Meta(description="Port for HTTP; 0 takes a free one.")] = 15672
    http_enabled: Annotated[
        bool,
        Meta(description="Whether HTTP is served over TCP; the data folder's socket always is."),
    ] = True
    prometheus_enabled: Annotated[
        bool, Meta(description="Whether metrics are served on a port of their own, to anybody.")
    ] = True
    prometheus_host: Annotated[str, Meta(description="Address that metrics are served on.")] = (
        "127.0.0.1"
    )
    prometheus_port: Annotated[Port, Meta(description="Port for metrics; 0 takes a free one.")] = (
        15692
    )
    prometheus_objects_max: Annotated[
        int, Meta(ge=0, description="Queues, channels and so on that metrics show one by one.")
    ] = 20_000
    data_dir: Annotated[
        str, Meta(description="Folder for everything durable; empty is the user's data folder.")
    ] = ""
    ephemeral: Annotated[bool, Meta(description="Keep nothing on disk.")] = False
    load_definitions: Annotated[
        str, Meta(description="A definitions file in RabbitMQ's format, imported at every start.")
    ] = ""
    compat: Annotated[
        Literal["3.13", "4.2", "4.3"],
        Meta(description="The RabbitMQ release whose behaviour clients see."),
    ] = "3.13"
    identity: Annotated[
        Literal["rabbitmq", "leveret"],
        Meta(description="What `product` and `version` in the server properties name."),
    ] = "rabbitmq"
    default_user: Annotated[str, Meta(description="User made at the first start.")] = "guest"
    default_pass: Annotated[str, Meta(description="Password of that user.")] = "guest"
    default_vhost: Annotated[str, Meta(description="Vhost made at the first start.")] = "/"
    default_queue_type: Annotated[
        Literal["classic", "quorum"],
        Meta(description="Type of queues declared without one, where the vhost does not say."),
    ] = "classic"
    loopback_users: Annotated[
        tuple[str, ...], Meta(description="Users who may connect from this machine only.")
    ] = ("guest",)
    heartbeat_seconds: Annotated[
        int, Meta(ge=0, le=65535, description="Heartbeat interval offered to clients; 0 is none.")
    ] = 60
    frame_max_bytes: Annotated[
        int, Meta(ge=8192, le=16777216, description="Largest frame offered to clients.")
    ] = 131072
    channel_max: Annotated[
        int, Meta(ge=1, le=65535, description="Channels a connection may open.")
    ] = 2047
    handshake_timeout_seconds: Annotated[
        Seconds, Meta(description="Time from connecting to connection.open.")
    ] = 10.0
    refused_login_delay_seconds: Annotated[
        Seconds, Meta(description="Delay before the socket of a refused login closes.")
    ] = 3.0
    consumer_timeout_seconds: Annotated[
        Seconds,
        Meta(description="Time a consumer has to acknowledge a delivery; 0 is without end."),
    ] = 1800.0
    consumer_max_per_channel: Annotated[
        int, Meta(ge=0, description="Consumers a channel may have; 0 is any number.")
    ] = 0
    max_message_size_bytes: Annotated[
        int, Meta(ge=0, le=536870912, description="Largest body; 0 is what `compat` says.")
    ] = 0
    memory_high_watermark_ratio: Annotated[
        float,
        Meta(
            ge=0,
            le=1,
            description="Share of the memory past which publishers are blocked; "
            "0 is what `compat` says.",
        ),
    ] = 0.0
    memory_high_watermark_bytes: Annotated[
        Bytes, Meta(description="The same as a number of octets; 0 is by the ratio.")
    ] = 0
    memory_paging_ratio: Annotated[
        float,
        Meta(
            ge=0,
            description="Part of that limit past which messages in queues leave memory for disk; "
            "1 or more is never.",
        ),
    ] = 0.5
    memory_total_bytes: Annotated[
        Bytes, Meta(description="The memory that there is; 0 asks the system.")
    ] = 0
    memory_monitor_interval_seconds: Annotated[
        Seconds, Meta(description="The longest time between two looks at the memory used.")
    ] = 2.5
    disk_free_limit_bytes: Annotated[
        Bytes,
        Meta(description="Free disk space for the data folder below which publishers are blocked."),
    ] = 50_000_000
    disk_free_limit_ratio: Annotated[
        float, Meta(ge=0, description="The same as a multiple of the memory; 0 is by the octets.")
    ] = 0.0
    disk_monitor_interval_seconds: Annotated[
        Seconds, Meta(description="The longest time between two looks at the free disk space.")
    ] = 10.0
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"], Meta(description="What is logged.")
    ] = "info"
    log_format: Annotated[
        Literal["text", "json"], Meta(description="Log lines for people or for programs.")
    ] = "text"

    def data_path(self) -> Path:
        """The folder for durable things."""
        if self.data_dir:
            return Path(self.data_dir)
        base = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
        return Path(base) / "leveret"


def setting_rows() -> list[tuple[str, str, object, str]]:
    """(name, type, default, meaning) of every setting."""
    rows = []
    for name, kind in Config.__annotations__.items():
        default = getattr(Config(), name)
        # Annotated[Annotated[int, Meta], Meta] is flattened by typing; the last one describes.
        meaning = next(meta.description for meta in reversed(kind.__metadata__) if meta.description)
        rows.append((name, type(default).__name__, default, meaning))
    return rows


def load_config(
    file: str | None,
    environment: Mapping[str, str],
    flags: Mapping[str, object],
) -> Config:
    """Put the sources together; flags that are None were not given. Raises `ConfigError`."""
    values: dict[str, object] = {}
    if file is not None:
        values.update(_from_file(file))
    values.update(_from_environment(environment))
    values.update({name: value for name, value in flags.items() if value is not None})
    try:
        return msgspec.convert(values, Config, strict=False)
    except msgspec.ValidationError as error:
        raise ConfigError(f"the configuration cannot be used: {error}") from error


def _from_file(path: str) -> dict[str, object]:
    try:
        with open(path, "rb") as file:
            values = tomllib.load(file)
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not TOML: {error}") from error
    return values


def _from_environment(environment: Mapping[str, str]) -> dict[str, object]:
    values: dict[str, object] = {}
    for variable, name in RABBITMQ_VARIABLES.items():
        if variable in environment:
            values[name] = environment[variable]
    for name in Config.__struct_fields__:
        variable = PREFIX + name.upper()
        if variable in environment:
            text = environment[variable]
            values[name] = text.split(",") if name == "loopback_users" else text
    return values
