"""Settings of TLS that cannot be used, in a sentence that names the file."""

from pathlib import Path

import pytest
import trustme

from leveret.config import Config, ConfigError
from leveret.net.tls import Tls

SERVER = "server_certificate.pem"
KEY = "server_key.pem"


@pytest.fixture
def files(tmp_path: Path) -> Path:
    authority = trustme.CA()
    issued, other = authority.issue_cert("localhost"), authority.issue_cert("localhost")
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    issued.cert_chain_pems[0].write_to_path(tmp_path / SERVER)
    issued.private_key_pem.write_to_path(tmp_path / KEY)
    issued.private_key_and_cert_chain_pem.write_to_path(tmp_path / "both.pem")
    other.private_key_pem.write_to_path(tmp_path / "other_key.pem")
    (tmp_path / "empty.pem").touch()
    (tmp_path / "locked_key.pem").write_text(locked_key())
    return tmp_path


def locked_key() -> str:
    """A key with the password "tortoise"."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    encryption = serialization.BestAvailableEncryption(b"tortoise")
    key = ec.generate_private_key(ec.SECP256R1())
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption
    ).decode()


def made(files: Path, **settings: object) -> Tls:
    defaults = {"tls_certificate_file": SERVER, "tls_key_file": KEY} | settings
    named = {
        name: str(files / value) if name.endswith("_file") and value else value
        for name, value in defaults.items()
        if isinstance(value, str | bool | tuple)
    }
    return Tls(Config(**named), asks_clients=True)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"tls_certificate_file": ""}, "TLS needs tls_certificate_file"),
        ({"tls_certificate_file": "no.pem"}, "cannot read .*no.pem: No such file"),
        ({"tls_key_file": "no.pem"}, "cannot read .*no.pem: No such file"),
        ({"tls_certificate_file": "empty.pem"}, "cannot use certificate .*empty.pem"),
        ({"tls_key_file": "other_key.pem"}, "other_key.pem is not that of the certificate in"),
        ({"tls_key_file": "locked_key.pem"}, "locked_key.pem has another password"),
        (
            {"tls_key_file": "locked_key.pem", "tls_key_password": "hare"},
            "locked_key.pem has another password than tls_key_password",
        ),
        (
            {"tls_key_file": "locked_key.pem", "tls_key_password": "tortoise"},
            "locked_key.pem is not that of the certificate",
        ),
        ({"tls_verify_peer": True}, "tls_verify_peer needs tls_ca_file"),
        ({"tls_verify_peer": True, "tls_ca_file": "no.pem"}, "cannot read .*no.pem"),
        ({"tls_verify_peer": True, "tls_ca_file": "empty.pem"}, "holds no certificates in PEM"),
        ({"tls_ciphers": ("RUBBISH",)}, "tls_ciphers names no cipher"),
        ({"tls_versions": ()}, "tls_versions names none"),
    ],
)
def test_what_cannot_be_used_is_named(files: Path, settings: dict[str, object], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        made(files, **settings)


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"tls_certificate_file": "both.pem", "tls_key_file": ""},
        {"tls_ca_file": "ca.pem", "tls_verify_peer": True},
        {"tls_ciphers": ("ECDHE-ECDSA-AES256-GCM-SHA384",)},
    ],
)
def test_what_can_be_used_is(files: Path, settings: dict[str, object]) -> None:
    made(files, **settings)


def test_a_password_is_not_shown() -> None:
    assert "tortoise" not in repr(Config(tls_key_password="tortoise", default_pass="tortoise"))
