"""Where settings come from, which source wins, and what a bad value is answered with."""

from pathlib import Path

import msgspec
import pytest

from leveret.config import (
    Config,
    ConfigError,
    is_reloadable,
    load_config,
    read_settings,
    setting_rows,
    shown,
)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "leveret.toml"


def test_without_sources_there_are_the_defaults() -> None:
    config = load_config(None, {}, {})
    assert config == Config()
    assert (config.amqp_port, config.http_port) == (5672, 15672)
    assert (config.heartbeat_seconds, config.channel_max, config.frame_max_bytes) == (
        60,
        2047,
        131072,
    )
    assert config.consumer_timeout_seconds == 1800


def test_the_command_line_wins_over_the_environment_over_the_file(file: Path) -> None:
    file.write_text('amqp_port = 1\nhttp_port = 1\nchannel_max = 1\ndefault_user = "file"\n')
    environment = {
        "LEVERET_AMQP_PORT": "2",
        "LEVERET_HTTP_PORT": "2",
        "RABBITMQ_DEFAULT_USER": "rabbitmq",
        "LEVERET_UNKNOWN": "x",
        "HOME": "/nowhere",
    }
    config = load_config(str(file), environment, {"amqp_port": 3, "http_port": None})
    found = (config.amqp_port, config.http_port, config.channel_max, config.default_user)
    assert found == (3, 2, 1, "rabbitmq")


def test_our_own_variable_wins_over_rabbitmq_s() -> None:
    environment = {"RABBITMQ_NODE_PORT": "1", "LEVERET_AMQP_PORT": "2"}
    assert load_config(None, environment, {}).amqp_port == 2


@pytest.mark.parametrize(
    ("variable", "name", "value"),
    [
        ("RABBITMQ_DEFAULT_USER", "default_user", "u"),
        ("RABBITMQ_DEFAULT_PASS", "default_pass", "p"),
        ("RABBITMQ_DEFAULT_VHOST", "default_vhost", "v"),
        ("RABBITMQ_NODE_PORT", "amqp_port", 5673),
        ("RABBITMQ_NODE_IP_ADDRESS", "amqp_host", "127.0.0.1"),
    ],
)
def test_rabbitmq_s_variables_are_understood(variable: str, name: str, value: object) -> None:
    assert getattr(load_config(None, {variable: str(value)}, {}), name) == value


@pytest.mark.parametrize("row", setting_rows(), ids=lambda row: row[0])
def test_every_setting_can_come_from_anywhere(
    file: Path, row: tuple[str, str, object, str]
) -> None:
    name, _, default, meaning = row
    value = other_than(default, name)
    file.write_text(f"{name} = {toml(value)}\n")
    text = as_variable(value)
    sources = [
        load_config(str(file), {}, {}),
        load_config(None, {f"LEVERET_{name.upper()}": text}, {}),
        load_config(None, {}, {name: value}),
    ]
    expected = getattr(msgspec.convert({name: value}, Config), name)
    assert expected != default
    assert [getattr(config, name) for config in sources] == [expected] * 3
    assert meaning.endswith(".")


def other_than(default: object, name: str) -> object:
    choices: dict[str, object] = {
        "memory_high_watermark_ratio": 0.75,
        "compat": "4.2",
        "identity": "leveret",
        "default_queue_type": "quorum",
        "tls_versions": ["tlsv1.3"],
        "tls_login_from": "common_name",
        "auth_mechanisms": ["EXTERNAL", "PLAIN"],
        "log_level": "debug",
        "log_format": "json",
        "default_users": [{"name": "ada", "tags": ["management"]}],
        "default_operator_policies": [{"name": "all", "definition": {"expires": 1}}],
        "default_vhost_limits": [{"name": "all", "max_queues": 1}],
    }
    if name in choices:
        return choices[name]
    if isinstance(default, bool):
        return not default
    if default is None:
        return 9000
    if isinstance(default, int | float):
        return type(default)(9000)
    return ["a", "b"] if isinstance(default, tuple) else "other"


def as_variable(value: object) -> str:
    if not isinstance(value, list):
        return str(value)
    tables = isinstance(value[0], dict)
    return msgspec.json.encode(value).decode() if tables else ",".join(value)


def toml(value: object) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {toml(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    return repr(value).replace("'", '"').replace("True", "true").replace("False", "false")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("amqp_port", "many"),
        ("amqp_port", "-1"),
        ("amqp_port", "65536"),
        ("amqp_port", "5672.5"),
        ("amqp_port", ""),
        ("http_enabled", "perhaps"),
        ("ephemeral", "2"),
        ("compat", "3.8"),
        ("default_queue_type", "stream"),
        ("identity", "qpid"),
        ("heartbeat_seconds", "-1"),
        ("heartbeat_seconds", "70000"),
        ("frame_max_bytes", "100"),
        ("frame_max_bytes", "1000000000"),
        ("channel_max", "0"),
        ("handshake_timeout_seconds", "-0.1"),
        ("handshake_timeout_seconds", "nan"),
        ("handshake_timeout_seconds", "inf"),
        ("consumer_timeout_seconds", "soon"),
        ("consumer_timeout_seconds", "nan"),
        ("max_message_size_bytes", "536870913"),
        ("log_level", "loud"),
        ("log_format", "xml"),
    ],
)
def test_a_bad_value_is_answered_with_the_setting_s_name(name: str, value: str) -> None:
    with pytest.raises(ConfigError, match=name):
        load_config(None, {f"LEVERET_{name.upper()}": value}, {})
    with pytest.raises(ConfigError, match=name):
        load_config(None, {}, {name: value})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("amqp_port = [1]", "amqp_port"),
        ('loopback_users = "guest"', "loopback_users"),
        ("loopback_users = [1]", "loopback_users"),
        ("default_user = 1", "default_user"),
        ("default_users = [{}]", "name"),
        ("consumer_timeout_seconds = nan", "consumer_timeout_seconds"),
        ("amqp_port =", "is not TOML"),
        ("a = '\xff'", "is not TOML"),
    ],
)
def test_a_bad_file_is_answered_with_what_is_wrong(file: Path, text: str, said: str) -> None:
    file.write_bytes(text.encode("latin-1"))
    with pytest.raises(ConfigError, match=said):
        load_config(str(file), {}, {})


@pytest.mark.parametrize("text", [f"a = {'[' * 5000}", f"a = {'9' * 5000}", "a = \xff"])
def test_what_no_parser_can_take_is_no_toml(file: Path, text: str) -> None:
    file.write_bytes(text.encode("latin-1"))
    with pytest.raises(ConfigError, match=r"leveret\.toml is not TOML: "):
        load_config(str(file), {}, {})


def test_a_file_that_is_not_there_is_named(file: Path) -> None:
    with pytest.raises(ConfigError, match=r"cannot read .*leveret\.toml"):
        load_config(str(file), {}, {})
    with pytest.raises(ConfigError, match=r"cannot read .*nowhere/rabbitmq\.conf"):
        load_config(str(file.parent / "nowhere" / "rabbitmq.conf"), {}, {})


@pytest.mark.parametrize(
    ("text", "value"), [("true", True), ("false", False), ("1", True), ("0", False)]
)
def test_a_truth_in_the_environment(text: str, value: bool) -> None:
    assert load_config(None, {"LEVERET_EPHEMERAL": text}, {}).ephemeral is value


def test_the_data_folder_is_the_user_s_unless_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", "/xdg")
    assert load_config(None, {}, {}).data_path() == Path("/xdg/leveret")
    monkeypatch.delenv("XDG_DATA_HOME")
    monkeypatch.setenv("HOME", "/home/hare")
    assert load_config(None, {}, {}).data_path() == Path("/home/hare/.local/share/leveret")
    assert load_config(None, {}, {"data_dir": "/data"}).data_path() == Path("/data")


def test_an_unknown_name_is_a_warning_with_the_nearest_one(file: Path) -> None:
    file.write_text("\namqp_prot = 5672\n[x]\nport = 1\n")
    settings = read_settings(str(file), {"LEVERET_HTTP_PROT": "1"}, {})
    assert settings.config == Config()
    assert [note.text for note in settings.notes] == [
        f"{file}:2: amqp_prot is unknown and not obeyed; did you mean amqp_port?",
        f"{file}:3: x is unknown and not obeyed",
        "the environment: LEVERET_HTTP_PROT is unknown and not obeyed; did you mean "
        "LEVERET_HTTP_PORT?",
    ]


def test_an_unknown_name_is_an_error_if_strict(file: Path) -> None:
    file.write_text("amqp_prot = 5672\n")
    with pytest.raises(ConfigError, match="did you mean amqp_port"):
        read_settings(str(file), {}, {}, strict=True)


def test_every_value_has_an_origin(file: Path) -> None:
    file.write_text("# settings\namqp_port = 1\nhttp_port = 1\nchannel_max = 1\n")
    environment = {"LEVERET_HTTP_PORT": "2", "RABBITMQ_DEFAULT_USER": "ada"}
    settings = read_settings(str(file), environment, {"channel_max": 3})
    names = ("amqp_port", "http_port", "channel_max", "default_user", "default_vhost")
    assert [settings.origin(name) for name in names] == [
        f"{file}:2",
        "LEVERET_HTTP_PORT",
        "command line",
        "RABBITMQ_DEFAULT_USER",
        "default",
    ]


def test_a_bad_value_is_answered_with_its_origin(file: Path) -> None:
    file.write_text("\nchannel_max = 0\n")
    with pytest.raises(ConfigError, match=r"channel_max.*, from .*leveret\.toml:2"):
        load_config(str(file), {}, {})


def test_the_file_is_that_of_a_variable_unless_an_option_names_one(file: Path) -> None:
    other = file.with_name("other.toml")
    file.write_text("channel_max = 1\n")
    other.write_text("channel_max = 2\n")
    environment = {"LEVERET_CONFIG_FILE": str(file), "RABBITMQ_CONFIG_FILE": "/nowhere"}
    assert load_config(None, environment, {}).channel_max == 1
    assert load_config(str(other), environment, {}).channel_max == 2


def test_an_empty_variable_is_an_empty_list() -> None:
    assert load_config(None, {"LEVERET_LOOPBACK_USERS": ""}, {}).loopback_users == ()


def test_a_table_in_the_environment_that_is_no_json_is_an_error() -> None:
    with pytest.raises(ConfigError, match="LEVERET_DEFAULT_USERS is not JSON"):
        load_config(None, {"LEVERET_DEFAULT_USERS": "[{"}, {})


def test_passwords_are_not_shown() -> None:
    config = msgspec.convert(
        {"default_pass": "canary", "default_users": [{"name": "ada", "password": "canary"}]}, Config
    )
    values = {name: shown(name, value) for name, value in msgspec.structs.asdict(config).items()}
    assert "canary" not in repr(values)
    assert "canary" not in repr(config)
    assert "'name': 'ada'" in repr(config)
    assert values["default_pass"] == "***"
    assert shown("default_pass", "") == ""


def test_what_a_listener_or_a_folder_needs_is_not_reloadable() -> None:
    reloadable = {name for name, *_ in setting_rows() if is_reloadable(name)}
    assert {"log_level", "heartbeat_seconds", "connection_max", "default_users"} <= reloadable
    assert not {"amqp_port", "data_dir", "frame_max_bytes", "compat", "default_pass"} & reloadable
