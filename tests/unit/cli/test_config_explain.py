"""`leveret config explain`: every setting, its value, its origin; no secrets."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from leveret.cli import main
from leveret.config import Config, meaning_of


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "rabbitmq.conf"
    path.write_text(
        "default_pass = canary\ndefault_users.ada.password = canary\nheartbeat = 7\nheartbaet = 8\n"
    )
    return path


def explain(*arguments: str, **environment: str) -> Result:
    return CliRunner().invoke(main, ["config", "explain", *arguments], env=environment)


def test_every_setting_is_there_with_value_and_origin(file: Path) -> None:
    result = explain("--config", str(file), "--format", "json", LEVERET_CHANNEL_MAX="5")
    rows = {row["setting"]: (row["value"], row["origin"]) for row in json.loads(result.stdout)}
    assert list(rows) == list(Config.__struct_fields__)
    assert rows["heartbeat_seconds"] == (7, f"{file}:3")
    assert rows["channel_max"] == (5, "LEVERET_CHANNEL_MAX")
    assert rows["amqp_port"] == (5672, "default")
    assert rows["default_pass"] == ("***", f"{file}:1")


def test_it_can_be_read_by_people(file: Path) -> None:
    result = explain("--config", str(file))
    (line,) = [line for line in result.stdout.splitlines() if line.startswith("heartbeat")]
    assert line.split() == ["heartbeat_seconds", "7", f"{file}:3"]
    assert "did you mean heartbeat?" in result.stderr


@pytest.mark.parametrize("form", ["text", "json"])
def test_passwords_are_hidden(file: Path, form: str) -> None:
    result = explain("--config", str(file), "--format", form, LEVERET_DEFAULT_PASS="canary2")
    assert result.exit_code == 0
    assert "canary" not in result.output


def test_what_cannot_be_used_is_an_error(file: Path) -> None:
    result = explain("--config", str(file), "--strict")
    assert result.exit_code == 1
    assert "heartbaet is unknown" in result.stderr


def test_the_help_of_serve_says_what_the_table_of_settings_says() -> None:
    words = CliRunner().invoke(main, ["serve", "--help"]).output.split()
    for name in ("data_dir", "amqp_host", "amqp_port", "http_port", "ephemeral"):
        assert meaning_of(name) in " ".join(words)
