"""RabbitMQ's variables, secrets in files, and those that mean nothing."""

import socket
from pathlib import Path

import pytest

from leveret.config import ConfigError, load_config, read_settings


@pytest.mark.parametrize(
    ("variable", "text", "setting", "value"),
    [
        ("RABBITMQ_NODENAME", "rabbit@here", "node_name", "rabbit@here"),
        ("RABBITMQ_NODENAME", "rabbit", "node_name", f"rabbit@{socket.gethostname()}"),
        ("RABBITMQ_USE_LONGNAME", "true", "node_name", f"leveret@{socket.getfqdn()}"),
        ("RABBITMQ_MNESIA_BASE", "/data", "data_dir", "/data"),
        ("RABBITMQ_MNESIA_DIR", "/data", "data_dir", "/data"),
        ("RABBITMQ_LOG_BASE", "/log", "log_file", "/log/leveret.log"),
        ("RABBITMQ_LOGS", "/log/a.log", "log_file", "/log/a.log"),
        ("RABBITMQ_LOGS", "-", "log_file", ""),
        ("RABBITMQ_LOG", "debug", "log_level", "debug"),
        ("RABBITMQ_LOG", "debug,+color", "log_level", "debug"),
        ("RABBITMQ_PID_FILE", "/run/pid", "pid_file", "/run/pid"),
    ],
)
def test_rabbitmq_s_variables_give_settings(
    variable: str, text: str, setting: str, value: object
) -> None:
    settings = read_settings(None, {variable: text}, {})
    assert getattr(settings.config, setting) == value
    assert settings.origin(setting) == variable
    assert settings.notes == []


def test_a_level_for_a_category_is_not_obeyed() -> None:
    (note,) = read_settings(None, {"RABBITMQ_LOG": "info,connection=debug"}, {}).notes
    assert "RABBITMQ_LOG is not obeyed" in note.text


def test_a_value_that_is_none_is_answered_with_the_variable() -> None:
    with pytest.raises(ConfigError, match="RABBITMQ_LOG: one of debug"):
        load_config(None, {"RABBITMQ_LOG": "loud"}, {})


@pytest.mark.parametrize("name", ["RABBITMQ_DEFAULT_PASS", "LEVERET_DEFAULT_PASS"])
def test_a_secret_is_read_from_the_file_that_a_variable_names(tmp_path: Path, name: str) -> None:
    secret = tmp_path / "secret"
    secret.write_text(" pass word \n")
    settings = read_settings(None, {f"{name}_FILE": str(secret)}, {})
    assert settings.config.default_pass == " pass word "
    assert settings.origin("default_pass") == f"{name}_FILE ({secret})"


def test_a_secret_cannot_be_given_twice(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="are both set; give one of them"):
        load_config(None, {"LEVERET_DEFAULT_PASS": "a", "LEVERET_DEFAULT_PASS_FILE": "/b"}, {})


def test_a_secret_s_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"RABBITMQ_DEFAULT_PASS_FILE: cannot read .*nothing"):
        load_config(None, {"RABBITMQ_DEFAULT_PASS_FILE": str(tmp_path / "nothing")}, {})


def test_a_setting_whose_name_ends_so_is_not_a_file_to_be_read() -> None:
    config = load_config(None, {"LEVERET_LOG_FILE": "/nowhere", "RABBITMQ_PID_FILE": "/there"}, {})
    assert (config.log_file, config.pid_file) == ("/nowhere", "/there")


def test_rabbitmq_s_file_is_found_with_and_without_its_suffix(tmp_path: Path) -> None:
    (tmp_path / "rabbitmq.conf").write_text("heartbeat = 1")
    for name in ("rabbitmq", "rabbitmq.conf"):
        environment = {"RABBITMQ_CONFIG_FILE": str(tmp_path / name)}
        assert load_config(None, environment, {}).heartbeat_seconds == 1


@pytest.mark.parametrize("pattern", ["", "/*.conf"])
def test_more_files_are_read_after_that_one(tmp_path: Path, pattern: str) -> None:
    more = tmp_path / "conf.d"
    more.mkdir()
    (tmp_path / "rabbitmq.conf").write_text("heartbeat = 1\nchannel_max = 1")
    (more / "10.conf").write_text("heartbeat = 2\nloopback_users.ada = true")
    (more / "20.conf").write_text("heartbeat = 3\nloopback_users.bob = true")
    environment = {
        "RABBITMQ_CONFIG_FILE": str(tmp_path / "rabbitmq.conf"),
        "RABBITMQ_CONFIG_FILES": f"{more}{pattern}",
    }
    config = load_config(None, environment, {})
    assert (config.heartbeat_seconds, config.channel_max) == (3, 1)
    assert config.loopback_users == ("ada", "bob")


def test_unknown_variables_of_rabbitmq_are_listed_once_and_are_no_error() -> None:
    environment = {"RABBITMQ_SERVICE_HOST": "10.0.0.1", "RABBITMQ_NODE_PROT": "1", "HOME": "/"}
    (note,) = read_settings(None, environment, {}, strict=True).notes
    assert note.text == "RABBITMQ_NODE_PROT, RABBITMQ_SERVICE_HOST are unknown and not obeyed"


@pytest.mark.parametrize(
    ("variable", "why"),
    [
        ("RABBITMQ_ENABLED_PLUGINS_FILE", "there are no plugins"),
        ("RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS", "there is no Erlang"),
        ("RABBITMQ_VM_MEMORY_HIGH_WATERMARK", "vm_memory_high_watermark.relative"),
        ("RABBITMQ_SSL_CERTFILE", "ssl_options.certfile"),
    ],
)
def test_a_variable_that_is_not_obeyed_is_said_with_the_reason(variable: str, why: str) -> None:
    (note,) = read_settings(None, {variable: "x"}, {}).notes
    assert note.text.startswith(f"the environment: {variable} is not obeyed: ")
    assert why in note.text


def test_what_the_control_command_reads_is_no_setting() -> None:
    assert read_settings(None, {"LEVERET_CTL_URL": "http://here"}, {}, strict=True).notes == []
