"""`leveret tls dev-certs`."""

import ssl
import stat
import sys
import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from leveret.cli import main
from leveret.config import load_config
from leveret.net.tls import Tls

FILES = {
    "ca_certificate.pem": 0o644,
    "ca_key.pem": 0o600,
    "client_certificate.pem": 0o644,
    "client_key.pem": 0o600,
    "server_certificate.pem": 0o644,
    "server_key.pem": 0o600,
}


def dev_certs(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["tls", "dev-certs", *arguments])


def test_it_makes_everything_and_nobody_else_can_read_the_keys(tmp_path: Path) -> None:
    folder = tmp_path / "certs"
    assert dev_certs(str(folder)).exit_code == 0
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}
    assert modes == FILES
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_the_settings_that_it_prints_are_settings(tmp_path: Path) -> None:
    said = dev_certs(str(tmp_path)).output
    settings = said.partition("--config`:\n")[2].partition("\npika:")[0]
    file = tmp_path / "leveret.toml"
    file.write_text(settings)
    assert tomllib.loads(settings)["amqps_port"] == 5671
    Tls(load_config(str(file), {}, {}), asks_clients=True)


def test_a_ca_that_is_there_is_used_again(tmp_path: Path) -> None:
    dev_certs(str(tmp_path))
    before = {name: (tmp_path / name).read_bytes() for name in FILES}
    dev_certs(str(tmp_path), "--client", "ada lovelace")
    kept = {name for name in FILES if (tmp_path / name).read_bytes() == before[name]}
    assert kept == {"ca_certificate.pem", "ca_key.pem"}
    ssl.create_default_context(cafile=tmp_path / "ca_certificate.pem").load_cert_chain(
        tmp_path / "client_certificate.pem", tmp_path / "client_key.pem"
    )


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--name", "no name"], "not allowed"),
        (["/dev/null/certs"], "cannot write to /dev/null/certs"),
    ],
)
def test_what_cannot_be_done_is_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    result = dev_certs(*arguments)
    assert result.exit_code == 1
    assert said in result.output


def test_a_damaged_ca_is_a_sentence(tmp_path: Path) -> None:
    for name in ("ca_certificate.pem", "ca_key.pem"):
        (tmp_path / name).write_text("rubbish")
    result = dev_certs(str(tmp_path))
    assert (result.exit_code, result.exception.__class__) == (1, SystemExit)
    assert result.output.startswith("Error: ")


def test_without_the_library_it_says_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "trustme", None)
    result = dev_certs(str(tmp_path))
    assert result.exit_code == 1
    assert "pip install 'leveret[tls-dev]'" in result.output
    assert list(tmp_path.iterdir()) == []
