"""rabbitmq.conf: its syntax, its keys, its units; nothing in it is ignored in silence."""

import re
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from leveret.config import Config, ConfigError, Settings, read_settings
from leveret.sources.keys import KEYS, NOT_OBEYED
from leveret.sources.values import Only
from leveret.sources.variables import RABBITMQ_VARIABLES

Read = Callable[..., Settings]

# RabbitMQ 3.10.8's: of the broker, management, its agent, and Prometheus.
RABBITMQ_KEYS = (Path(__file__).parent / "rabbitmq_keys.txt").read_text().split()


@pytest.fixture
def read(tmp_path: Path) -> Read:
    def read_text(text: str, **environment: str) -> Settings:
        path = tmp_path / "rabbitmq.conf"
        path.write_text(text)
        return read_settings(str(path), environment, {})

    return read_text


def said(settings: Settings) -> list[str]:
    """The notes, without the folder."""
    return [re.sub(r"^\S*/", "", note.text) for note in settings.notes]


# --- syntax ---


def test_a_line_is_a_key_and_a_value_or_a_comment(read: Read) -> None:
    text = "\n# comment = 1\n  heartbeat=7   \nchannel_max =  9 # a comment\r\n"
    settings = read(text)
    assert (settings.config.heartbeat_seconds, settings.config.channel_max) == (7, 9)
    assert settings.origin("heartbeat_seconds").endswith("rabbitmq.conf:3")
    assert settings.notes == []


def test_a_number_sign_ends_an_unquoted_value_as_in_rabbitmq(read: Read) -> None:
    assert read("default_pass = a#b").config.default_pass == "a"
    assert read("default_pass = 'a#b' # c").config.default_pass == "a#b"


def test_a_variable_of_the_environment_stands_in_a_value(read: Read) -> None:
    config = read("default_user = $(NAME)-1", NAME="ada").config
    assert config.default_user == "ada-1"
    with pytest.raises(ConfigError, match=r"rabbitmq\.conf:1: there is no variable NAME"):
        read("default_user = $(NAME)")


@pytest.mark.parametrize("line", ["heartbeat", "= 3", "[{rabbit, []}].", "heartbeat : 3"])
def test_a_line_that_is_none_of_these_is_an_error(read: Read, line: str) -> None:
    with pytest.raises(ConfigError, match=r"rabbitmq\.conf:2: a line is"):
        read(f"\n{line}\n")


def test_an_encrypted_value_is_an_error_that_says_what_to_do(read: Read) -> None:
    with pytest.raises(ConfigError, match="RABBITMQ_DEFAULT_PASS_FILE"):
        read("default_pass = encrypted:abcd")


def test_the_last_line_of_a_key_holds(read: Read) -> None:
    settings = read("heartbeat = 1\nheartbeat = 2\n")
    assert settings.config.heartbeat_seconds == 2
    assert settings.notes == []


def test_other_files_are_included(tmp_path: Path, read: Read) -> None:
    folder = tmp_path / "conf.d"
    folder.mkdir()
    (folder / "20.conf").write_text("heartbeat = 20")
    (folder / "10.conf").write_text("heartbeat = 10\nchannel_max = 10")
    config = read("include conf.d/*.conf\n").config
    assert (config.heartbeat_seconds, config.channel_max) == (20, 10)


def test_an_included_file_that_is_not_there_is_an_error(read: Read) -> None:
    with pytest.raises(ConfigError, match=r"cannot read .*other\.conf"):
        read("include other.conf")
    assert read("include other*.conf").config == Config()


def test_files_that_include_each_other_are_an_error(read: Read) -> None:
    with pytest.raises(ConfigError, match="included by files that it includes"):
        read("include rabbitmq.conf")


def test_a_folder_stands_for_its_files_in_order(tmp_path: Path) -> None:
    (tmp_path / "b.conf").write_text("heartbeat = 2")
    (tmp_path / "a.conf").write_text("heartbeat = 1\nchannel_max = 1")
    (tmp_path / "c.txt").write_text("heartbeat = 3")
    config = read_settings(str(tmp_path), {}, {}).config
    assert (config.heartbeat_seconds, config.channel_max) == (2, 1)


def test_erlang_s_terms_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="Erlang's terms"):
        read_settings(str(tmp_path / "advanced.config"), {}, {})


# --- keys ---


@pytest.mark.parametrize(
    ("line", "setting", "value"),
    [
        ("listeners.tcp.default = 5673", "amqp_port", 5673),
        ("listeners.tcp.1 = 10.0.0.1:5673", "amqp_host", "10.0.0.1"),
        ("listeners.tcp.1 = ::1:5673", "amqp_host", "::1"),
        ("listeners.tcp.1 = [::1]:5673", "amqp_port", 5673),
        ("listeners.tcp = none", "amqp_enabled", False),
        ("management.tcp.port = 80", "http_port", 80),
        ("management.tcp.ip = 0.0.0.0", "http_host", "0.0.0.0"),
        ("tcp_listen_options.backlog = 7", "tcp_backlog", 7),
        ("tcp_listen_options.keepalive = true", "tcp_keepalive", True),
        ("handshake_timeout = 2500", "handshake_timeout_seconds", 2.5),
        ("consumer_timeout = 3600000", "consumer_timeout_seconds", 3600.0),
        ("channel_max = 0", "channel_max", 65535),
        ("frame_max = 0", "frame_max_bytes", 16777216),
        ("frame_max = 128k", "frame_max_bytes", 131072),
        ("initial_frame_max = 8192", "initial_frame_max_bytes", 8192),
        ("max_message_size = 67108864", "max_message_size_bytes", 67108864),
        ("consumer_max_per_channel = infinity", "consumer_max_per_channel", 0),
        ("connection_max = infinity", "connection_max", -1),
        ("connection_max = 0", "connection_max", 0),
        ("channel_max_per_node = 100", "channel_max_per_node", 100),
        ("vhost_max = 10", "vhost_max", 10),
        ("cluster_queue_limit = 10", "queue_max", 10),
        ("vm_memory_high_watermark.relative = 0.6", "memory_high_watermark_ratio", 0.6),
        ("vm_memory_high_watermark.absolute = 2GB", "memory_high_watermark_bytes", 2 * 10**9),
        ("vm_memory_high_watermark.absolute = 2GiB", "memory_high_watermark_bytes", 2 * 2**30),
        ("vm_memory_high_watermark.absolute = 2G", "memory_high_watermark_bytes", 2 * 2**30),
        ("vm_memory_high_watermark.absolute = 512Mi", "memory_high_watermark_bytes", 2**29),
        ("total_memory_available_override_value = 1kB", "memory_total_bytes", 1000),
        ("disk_free_limit.absolute = 50MB", "disk_free_limit_bytes", 50_000_000),
        ("disk_free_limit.relative = 1.5", "disk_free_limit_ratio", 1.5),
        ("load_definitions = /d.json", "load_definitions", "/d.json"),
        ("definitions.local.path = /d.json", "load_definitions", "/d.json"),
        ("default_queue_type = rabbit_quorum_queue", "default_queue_type", "quorum"),
        ("loopback_users = none", "loopback_users", ()),
        ("loopback_users.guest = false", "loopback_users", ()),
        ("loopback_users.ada\\.l = true", "loopback_users", ("ada.l",)),
        ("default_user_tags.management = true", "default_user_tags", ("management",)),
        ("default_permissions.write = ^a", "default_permissions_write", "^a"),
        ("log.console.level = notice", "log_level", "info"),
        ("log.file.level = critical", "log_level", "error"),
        ("log.file = /var/log/x.log", "log_file", "/var/log/x.log"),
        ("log.console.formatter = json", "log_format", "json"),
        ("log.console.formatter = plaintext", "log_format", "text"),
        ("credential_validator.min_length = 8", "password_min_length", 8),
        ("credential_validator.regexp = ^\\S+$", "password_pattern", "^\\S+$"),
    ],
)
def test_a_key_gives_its_setting(read: Read, line: str, setting: str, value: object) -> None:
    settings = read(line)
    assert getattr(settings.config, setting) == value
    assert settings.origin(setting).endswith("rabbitmq.conf:1")
    assert settings.notes == []


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("listeners.tcp.1 = somewhere", "a port or an address"),
        ("listeners.tcp = all", "none is expected"),
        ("heartbeat = often", "a whole number"),
        ("disk_free_limit.absolute = much", "a size"),
        ("disk_free_limit.absolute = 1.5GB", "a size"),
        ("loopback_users.guest = no", "true or false"),
        ("vm_memory_high_watermark.relative = half", "a number"),
        ("log.console.level = loud", "one of debug"),
        ("log.console.formatter = xml", "json or plaintext"),
        ("default_policies.operator.a.expires = soon", "a duration"),
        ("ssl_options.verify = yes", "verify_peer or verify_none"),
    ],
)
def test_a_value_that_is_none_is_answered_with_line_and_key(
    read: Read, line: str, expected: str
) -> None:
    key = re.escape(line.split(" =")[0])
    with pytest.raises(ConfigError, match=rf"rabbitmq\.conf:1: {key}: {expected}"):
        read(line)


def test_lines_of_one_name_come_together(read: Read) -> None:
    config = read(
        "default_users.ada.vhost_pattern = ^class\n"
        "default_users.ada.password = secret\n"
        "default_users.ada.tags = management, monitoring\n"
        "default_users.bob.read = ^x\n"
        "default_policies.operator.small.vhost_pattern = ^class\n"
        "default_policies.operator.small.queue_pattern = ^q\n"
        "default_policies.operator.small.expires = 1h30m\n"
        "default_policies.operator.small.max_length_bytes = 1MB\n"
        "default_limits.vhosts.few.pattern = ^class\n"
        "default_limits.vhosts.few.max_queues = 5\n"
    ).config
    ada, bob = config.default_users
    assert (ada.name, ada.vhost_pattern, ada.password) == ("ada", "^class", "secret")
    assert ada.tags == ("management", "monitoring")
    assert (bob.name, bob.vhost_pattern, bob.read, bob.write) == ("bob", ".*", "^x", ".*")
    (policy,) = config.default_operator_policies
    assert policy.queue_pattern == "^q"
    assert policy.definition == {"expires": 5_400_000, "max-length-bytes": 1_000_000}
    (limits,) = config.default_vhost_limits
    assert (limits.pattern, limits.max_queues, limits.max_connections) == ("^class", 5, None)


@pytest.mark.parametrize("part", ["disk_free_limit", "vm_memory_high_watermark"])
def test_of_an_absolute_and_a_relative_limit_the_absolute_one_holds(read: Read, part: str) -> None:
    settings = read(f"{part}.absolute = 1MB\n{part}.relative = 0.5\n")
    assert said(settings) == [
        f"rabbitmq.conf:2: {part}.relative is not obeyed: {part}.absolute holds"
    ]
    config = settings.config
    assert (config.disk_free_limit_ratio, config.memory_high_watermark_ratio) == (0, 0)


def test_one_address_is_listened_on(read: Read) -> None:
    settings = read("listeners.tcp.1 = 127.0.0.1:5673\nlisteners.tcp.2 = ::1:5674\n")
    assert (settings.config.amqp_host, settings.config.amqp_port) == ("127.0.0.1", 5673)
    assert said(settings) == [
        "rabbitmq.conf:2: listeners.tcp.2 is not obeyed: one address is listened on, that of "
        "listeners.tcp.1"
    ]


def test_of_two_keys_for_one_setting_the_later_holds(read: Read) -> None:
    settings = read("log.console.level = debug\nlog.file.level = error\n")
    assert settings.config.log_level == "error"
    assert said(settings) == [
        "rabbitmq.conf:1: log.console.level is not obeyed: log.file.level is the same setting and "
        "comes later"
    ]


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("log.console = false", "the console is used where there is no log_file"),
        ("proxy_protocol = true", "the PROXY protocol is not spoken"),
        ("password_hashing_module = rabbit_password_hashing_md5", "hashed with SHA-256"),
        (
            "credential_validator.validation_backend = "
            "rabbit_credential_validator_min_password_length",
            "give credential_validator.min_length",
        ),
        ("net_ticktime = 60", "about Erlang"),
        ("cluster_formation.classic_config.nodes.1 = rabbit@a", "one node"),
        ("mqtt.listeners.tcp.default = 1883", "no such plugin"),
        ("management.rates_mode = none", "rates are those of basic"),
    ],
)
def test_what_is_not_obeyed_is_said_with_the_reason(read: Read, line: str, why: str) -> None:
    (note,) = read(line).notes
    assert why in note.text
    assert not note.unknown


@pytest.mark.parametrize(
    "line",
    [
        "log.console = true",
        "proxy_protocol = false",
        "auth_backends.1 = internal",
        "password_hashing_module = rabbit_password_hashing_sha256",
        "vm_memory_calculation_strategy = rss",
        "cluster_partition_handling = ignore",
    ],
)
def test_what_is_so_anyway_is_not_worth_a_word(read: Read, line: str) -> None:
    assert read(line).notes == []


@pytest.mark.parametrize(
    ("key", "nearest"),
    [
        ("consumer_timout", "consumer_timeout"),
        ("management.tcp.prot", "management.tcp.port"),
        ("vm_memory_high_watermark.absolut", "vm_memory_high_watermark.absolute"),
        ("ssl_options.certfiles", "ssl_options.certfile"),
        ("log.consol", "log.console"),
    ],
)
def test_an_unknown_key_is_answered_with_the_nearest(read: Read, key: str, nearest: str) -> None:
    (note,) = read(f"{key} = 1").notes
    assert note.text.endswith(f": {key} is unknown and not obeyed; did you mean {nearest}?")
    assert note.unknown


def test_every_key_of_rabbitmq_is_known(read: Read) -> None:
    unknown = []
    for key in RABBITMQ_KEYS:
        line = re.sub(r"\$\w+", "name", key)
        # A value that is not one of the key's is refused with the key known.
        with suppress(ConfigError):
            unknown += [note.text for note in read(f"{line} = 1").notes if note.unknown]
    assert unknown == []
    assert len(RABBITMQ_KEYS) > 400


def test_every_key_s_setting_is_there() -> None:
    settings = {name for key in KEYS for name in key.setting.split()}
    assert settings <= set(Config.__struct_fields__)
    assert {setting for setting, _ in RABBITMQ_VARIABLES.values()} <= set(Config.__struct_fields__)


def test_a_key_has_one_row() -> None:
    patterns = [key.pattern for key in KEYS] + [pattern for pattern, _ in NOT_OBEYED]
    assert sorted(patterns) == sorted(set(patterns))
    assert all(key.setting for key in KEYS if not isinstance(key.convert, Only))
