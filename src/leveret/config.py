"""The settings: one table, from which files, the environment, the help and the docs page come.

A field of `Config` is a row: name, type, default, what it means, and whether a running broker takes
a new value (`reloadable`). Precedence: command line, then environment (`LEVERET_` and the name in
capitals, or RabbitMQ's own variable where there is one), then the file (TOML, or rabbitmq.conf),
then the default.
"""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from leveret.sources.gathered import ConfigError as ConfigError
from leveret.sources.gathered import Gathered, Note
from leveret.sources.rabbitmq_file import read_rabbitmq_files
from leveret.sources.toml_file import read_toml_file
from leveret.sources.variables import PREFIX, config_file, read_environment

Port = Annotated[int, Meta(ge=0, le=65535)]
# At most ten years: a timer cannot be set for longer.
Seconds = Annotated[float, Meta(ge=0, le=315_360_000)]
Bytes = Annotated[int, Meta(ge=0)]

RELOADABLE: Final = {"reloadable": True}
DEFAULT: Final = "default"
HIDDEN: Final = "***"


class DefaultUser(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A user whom a new vhost brings, with these permissions in it."""

    name: Annotated[str, Meta(min_length=1, max_length=255)]
    vhost_pattern: str = ".*"
    password: str = ""
    tags: tuple[str, ...] = ()
    configure: str = ".*"
    write: str = ".*"
    read: str = ".*"


class DefaultOperatorPolicy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An operator policy that a new vhost begins with."""

    name: Annotated[str, Meta(min_length=1, max_length=255)]
    vhost_pattern: str = ".*"
    queue_pattern: str = ".*"
    apply_to: str = "all"
    definition: dict[str, Any] = {}


class DefaultVhostLimits(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The limits that a new vhost begins with; the first whose pattern matches."""

    name: str
    pattern: str = ".*"
    max_connections: int | None = None
    max_queues: int | None = None


class Config(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Names are those of the TOML file."""

    node_name: Annotated[
        str, Meta(description="The node's name; empty is leveret@ and the name of the host.")
    ] = ""
    amqp_enabled: Annotated[bool, Meta(description="Whether AMQP is served without TLS.")] = True
    amqp_host: Annotated[
        str, Meta(description="Address that AMQP listens on; empty is every interface.")
    ] = ""
    amqp_port: Annotated[Port, Meta(description="Port for AMQP; 0 takes a free one.")] = 5672
    amqps_host: Annotated[
        str, Meta(description="Address that AMQP over TLS listens on; empty is every interface.")
    ] = ""
    amqps_port: Annotated[
        Port | None,
        Meta(description="Port for AMQP over TLS, usually 5671; without one there is none."),
    ] = None
    http_host: Annotated[str, Meta(description="Address that HTTP and HTTPS listen on.")] = (
        "127.0.0.1"
    )
    http_port: Annotated[Port, Meta(description="Port for HTTP; 0 takes a free one.")] = 15672
    http_enabled: Annotated[
        bool,
        Meta(description="Whether HTTP is served over TCP; the data folder's socket always is."),
    ] = True
    tcp_backlog: Annotated[
        int, Meta(ge=1, le=65535, description="Connections that may wait to be accepted.")
    ] = 1024
    tcp_keepalive: Annotated[
        bool, Meta(description="Whether the system probes silent AMQP connections.")
    ] = False
    tcp_send_buffer_bytes: Annotated[
        Bytes, Meta(description="The system's buffer of an AMQP socket; 0 is the system's choice.")
    ] = 0
    tcp_receive_buffer_bytes: Annotated[
        Bytes, Meta(description="The same for what comes in; 0 is the system's choice.")
    ] = 0
    https_port: Annotated[
        Port | None,
        Meta(description="Port for HTTPS, usually 15671; without one there is none."),
    ] = None
    tls_certificate_file: Annotated[
        str, Meta(description="The server's certificate and those between it and its CA, in PEM.")
    ] = ""
    tls_key_file: Annotated[
        str, Meta(description="Its private key in PEM; empty is in the file of the certificate.")
    ] = ""
    tls_key_password: Annotated[str, Meta(description="Password of the private key.")] = ""
    tls_ca_file: Annotated[
        str, Meta(description="Certificates of the CAs whose clients are believed, in PEM.")
    ] = ""
    tls_verify_peer: Annotated[
        bool, Meta(description="Whether AMQP clients are asked for a certificate.")
    ] = False
    tls_fail_if_no_peer_certificate: Annotated[
        bool, Meta(description="Whether a client that is asked and has none is turned away.")
    ] = False
    tls_versions: Annotated[
        tuple[Literal["tlsv1.2", "tlsv1.3"], ...], Meta(description="Versions of TLS.")
    ] = ("tlsv1.2", "tlsv1.3")
    tls_ciphers: Annotated[
        tuple[str, ...],
        Meta(description="Ciphers of TLS 1.2 by OpenSSL's names; none is what Python thinks safe."),
    ] = ()
    tls_handshake_timeout_seconds: Annotated[
        Seconds, Meta(description="Time for the handshake of TLS.")
    ] = 5.0
    tls_login_from: Annotated[
        Literal["distinguished_name", "common_name", "subject_alternative_name"],
        Meta(description="Where in a client's certificate EXTERNAL finds the user name."),
    ] = "distinguished_name"
    auth_mechanisms: Annotated[
        tuple[Literal["AMQPLAIN", "PLAIN", "EXTERNAL"], ...],
        Meta(description="Ways to log in, in the order in which clients are offered them."),
    ] = ("AMQPLAIN", "PLAIN")
    prometheus_enabled: Annotated[
        bool, Meta(description="Whether metrics are served on a port of their own, to anybody.")
    ] = True
    prometheus_host: Annotated[str, Meta(description="Address that metrics are served on.")] = (
        "127.0.0.1"
    )
    prometheus_port: Annotated[Port, Meta(description="Port for metrics; 0 takes a free one.")] = (
        15692
    )
    event_exchange_vhost: Annotated[
        str,
        Meta(description="Vhost whose exchange amq.rabbitmq.event hears of events; empty is none."),
    ] = ""
    prometheus_objects_max: Annotated[
        int, Meta(ge=0, description="Queues, channels and so on that metrics show one by one.")
    ] = 20_000
    data_dir: Annotated[
        str, Meta(description="Folder for everything durable; empty is the user's data folder.")
    ] = ""
    ephemeral: Annotated[bool, Meta(description="Keep nothing on disk.")] = False
    load_definitions: Annotated[
        str,
        Meta(
            description="A definitions file in RabbitMQ's format, or a folder of them, imported at "
            "every start."
        ),
    ] = ""
    definitions_skip_if_unchanged: Annotated[
        bool, Meta(description="Whether they are imported only if they are not those of last time.")
    ] = False
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
    default_users: Annotated[
        tuple[DefaultUser, ...],
        Meta(
            extra=RELOADABLE,
            description="Users made with every vhost whose name matches `vhost_pattern`, with "
            "permissions in it.",
        ),
    ] = ()
    default_operator_policies: Annotated[
        tuple[DefaultOperatorPolicy, ...],
        Meta(
            extra=RELOADABLE,
            description="Operator policies of every new vhost whose name matches `vhost_pattern`.",
        ),
    ] = ()
    default_vhost_limits: Annotated[
        tuple[DefaultVhostLimits, ...],
        Meta(
            extra=RELOADABLE,
            description="Limits of a new vhost: the first whose `pattern` matches its name.",
        ),
    ] = ()
    default_user_tags: Annotated[tuple[str, ...], Meta(description="Tags of that user.")] = (
        "administrator",
    )
    default_permissions_configure: Annotated[
        str, Meta(description="What that user may configure in the default vhost: a pattern.")
    ] = ".*"
    default_permissions_write: Annotated[str, Meta(description="What it may write.")] = ".*"
    default_permissions_read: Annotated[str, Meta(description="What it may read.")] = ".*"
    loopback_users: Annotated[
        tuple[str, ...],
        Meta(extra=RELOADABLE, description="Users who may connect from this machine only."),
    ] = ("guest",)
    password_min_length: Annotated[
        int, Meta(extra=RELOADABLE, ge=0, description="Octets that a new password has at least.")
    ] = 0
    password_pattern: Annotated[
        str,
        Meta(
            extra=RELOADABLE,
            description="Pattern that is found in every new password; empty is any password.",
        ),
    ] = ""
    heartbeat_seconds: Annotated[
        int,
        Meta(
            extra=RELOADABLE,
            ge=0,
            le=65535,
            description="Heartbeat interval offered to clients; 0 is none.",
        ),
    ] = 60
    frame_max_bytes: Annotated[
        int, Meta(ge=8192, le=16777216, description="Largest frame offered to clients.")
    ] = 131072
    initial_frame_max_bytes: Annotated[
        int,
        Meta(
            ge=0,
            le=16777216,
            description="Largest frame before a login; 0 is what `compat` says.",
        ),
    ] = 0
    channel_max: Annotated[
        int, Meta(extra=RELOADABLE, ge=1, le=65535, description="Channels a connection may open.")
    ] = 2047
    handshake_timeout_seconds: Annotated[
        Seconds, Meta(extra=RELOADABLE, description="Time from connecting to connection.open.")
    ] = 10.0
    handshakes_max_per_address: Annotated[
        int,
        Meta(
            ge=1,
            description="Connections of an address that are not open yet; past it the oldest goes.",
        ),
    ] = 1000
    refused_login_delay_seconds: Annotated[
        Seconds,
        Meta(extra=RELOADABLE, description="Delay before the socket of a refused login closes."),
    ] = 3.0
    consumer_timeout_seconds: Annotated[
        Seconds,
        Meta(
            extra=RELOADABLE,
            description="Time a consumer has to acknowledge a delivery; 0 is without end.",
        ),
    ] = 1800.0
    consumer_max_per_channel: Annotated[
        int,
        Meta(extra=RELOADABLE, ge=0, description="Consumers a channel may have; 0 is any number."),
    ] = 0
    max_message_size_bytes: Annotated[
        int,
        Meta(
            extra=RELOADABLE,
            ge=0,
            le=536870912,
            description="Largest body; 0 is what `compat` says.",
        ),
    ] = 0
    connection_max: Annotated[
        int, Meta(extra=RELOADABLE, ge=-1, description="Connections at a time; -1 is any number.")
    ] = -1
    channel_max_per_node: Annotated[
        int,
        Meta(
            extra=RELOADABLE,
            ge=0,
            description="Channels at a time, of all connections; 0 is any number.",
        ),
    ] = 0
    vhost_max: Annotated[
        int, Meta(extra=RELOADABLE, ge=-1, description="Vhosts there may be; -1 is any number.")
    ] = -1
    queue_max: Annotated[
        int,
        Meta(
            extra=RELOADABLE,
            ge=0,
            description="Queues there may be, of all vhosts; 0 is any number.",
        ),
    ] = 0
    memory_high_watermark_ratio: Annotated[
        float,
        Meta(
            extra=RELOADABLE,
            ge=0,
            le=1,
            description="Share of the memory past which publishers are blocked; "
            "0 is what `compat` says.",
        ),
    ] = 0.0
    memory_high_watermark_bytes: Annotated[
        Bytes,
        Meta(extra=RELOADABLE, description="The same as a number of octets; 0 is by the ratio."),
    ] = 0
    memory_paging_ratio: Annotated[
        float,
        Meta(
            extra=RELOADABLE,
            ge=0,
            description="Part of that limit past which messages in queues leave memory for disk; "
            "1 or more is never.",
        ),
    ] = 0.5
    memory_total_bytes: Annotated[
        Bytes, Meta(extra=RELOADABLE, description="The memory that there is; 0 asks the system.")
    ] = 0
    memory_monitor_interval_seconds: Annotated[
        Seconds,
        Meta(
            extra=RELOADABLE, description="The longest time between two looks at the memory used."
        ),
    ] = 2.5
    disk_free_limit_bytes: Annotated[
        Bytes,
        Meta(
            extra=RELOADABLE,
            description="Free disk space for the data folder below which publishers are blocked.",
        ),
    ] = 50_000_000
    disk_free_limit_ratio: Annotated[
        float,
        Meta(
            extra=RELOADABLE,
            ge=0,
            description="The same as a multiple of the memory; 0 is by the octets.",
        ),
    ] = 0.0
    disk_monitor_interval_seconds: Annotated[
        Seconds,
        Meta(
            extra=RELOADABLE,
            description="The longest time between two looks at the free disk space.",
        ),
    ] = 10.0
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"],
        Meta(extra=RELOADABLE, description="What is logged."),
    ] = "info"
    log_format: Annotated[
        Literal["text", "json"],
        Meta(extra=RELOADABLE, description="Log lines for people or for programs."),
    ] = "text"
    log_file: Annotated[
        str,
        Meta(
            extra=RELOADABLE,
            description="File for log lines; it may be renamed by another program. Empty is "
            "standard error.",
        ),
    ] = ""
    pid_file: Annotated[
        str, Meta(description="File that holds the process's number while it runs.")
    ] = ""

    def __repr__(self) -> str:
        values = msgspec.structs.asdict(self)
        told = (f"{name}={shown(name, value)!r}" for name, value in values.items())
        return f"Config({', '.join(told)})"

    def data_path(self) -> Path:
        """The folder for durable things."""
        if self.data_dir:
            return Path(self.data_dir)
        base = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
        return Path(base) / "leveret"


DEFAULTS: Final = Config()


class Settings:
    """A configuration, where each of its values comes from, and what is to be said about it."""

    def __init__(self, config: Config, origins: Mapping[str, str], notes: list[Note]) -> None:
        self.config = config
        self.notes = notes
        self._origins = origins

    def origin(self, name: str) -> str:
        """`file:line`, a variable, "command line" or "default"."""
        return self._origins.get(name, DEFAULT)


def setting_rows() -> list[tuple[str, str, object, str]]:
    """(name, type, default, meaning) of every setting."""
    rows = []
    for name, kind in Config.__annotations__.items():
        default = getattr(DEFAULTS, name)
        # Annotated[Annotated[int, Meta], Meta] is flattened by typing; the last one describes.
        meaning = next(meta.description for meta in reversed(kind.__metadata__) if meta.description)
        rows.append((name, type(default).__name__, default, meaning))
    return rows


def meaning_of(name: str) -> str:
    """What a setting means, for the help of an option."""
    return next(meaning for row_name, _, _, meaning in setting_rows() if row_name == name)


def is_reloadable(name: str) -> bool:
    """Whether a running broker takes a new value."""
    metas = Config.__annotations__[name].__metadata__
    return any((meta.extra or {}).get("reloadable", False) for meta in metas)


def shown(name: str, value: object) -> object:
    """A value for people and logs: a password is hidden, also within a table."""
    if isinstance(value, tuple):
        return [shown(name, each) for each in value]
    if isinstance(value, msgspec.Struct):
        fields = msgspec.structs.asdict(value)
        return {field: shown(field, each) for field, each in fields.items()}
    if name.endswith(("pass", "password")) and value:
        return HIDDEN
    return value


def load_config(
    file: str | None,
    environment: Mapping[str, str],
    flags: Mapping[str, object],
) -> Config:
    """Put the sources together; flags that are None were not given. Raises `ConfigError`."""
    return read_settings(file, environment, flags).config


def read_settings(
    file: str | None,
    environment: Mapping[str, str],
    flags: Mapping[str, object],
    strict: bool = False,
) -> Settings:
    """The same, with origins and notes. `strict`: a name that nobody knows raises too."""
    gathered = Gathered(Config.__struct_fields__)
    more = None
    if file is None:
        file, more = config_file(environment)
    _read_files([each for each in (file, more) if each], environment, gathered)
    read_environment(environment, gathered, _from_text)
    for name, value in flags.items():
        if value is not None:
            gathered.give(name, value, "command line")
    unknown = [note.text for note in gathered.notes if note.unknown]
    if strict and unknown:
        raise ConfigError("; ".join(unknown))
    try:
        config = msgspec.convert(gathered.values, Config, strict=False)
    except msgspec.ValidationError as error:
        raise ConfigError(f"the configuration cannot be used: {_placed(error, gathered)}") from None
    return Settings(config, gathered.origins, gathered.notes)


def _read_files(names: list[str], environment: Mapping[str, str], gathered: Gathered) -> None:
    """Files by their suffix; a folder or a pattern stands for files of RabbitMQ's format, which
    count as one file."""
    rabbitmq_files: list[Path] = []
    for name in names:
        path = Path(name)
        if path.suffix == ".config":
            raise ConfigError(
                f"{path} holds Erlang's terms, which are not read; write a rabbitmq.conf"
            )
        if "*" in path.name:
            rabbitmq_files += sorted(path.parent.glob(path.name))
        elif path.suffix == ".conf" or path.is_dir():
            rabbitmq_files.append(path)
        else:
            read_toml_file(path, gathered)
    read_rabbitmq_files(rabbitmq_files, environment, gathered)


def _from_text(name: str, text: str) -> object:
    """A setting's value as our own variable writes it: lists with commas, tables as JSON."""
    if not isinstance(getattr(Config(), name), tuple):
        return text
    if text.startswith("["):
        try:
            return msgspec.json.decode(text)
        except msgspec.DecodeError as error:
            raise ConfigError(f"{PREFIX}{name.upper()} is not JSON: {error}") from error
    return [each for each in text.split(",") if each]


def _placed(error: msgspec.ValidationError, gathered: Gathered) -> str:
    found = re.search(r"`\$\.(\w+)", str(error))
    origin = None if found is None else gathered.origins.get(found[1])
    return str(error) if origin is None else f"{error}, from {origin}"
