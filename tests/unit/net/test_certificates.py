"""Certificates and ciphers in RabbitMQ's words. What is expected here is what RabbitMQ 3.10.8 has
shown for the same certificates."""

import ssl
from datetime import UTC, datetime
from pathlib import Path

import pytest
import trustme

from leveret.net.certificates import distinguished_name, expiries, user_name, validity
from leveret.net.tls import described_cipher

SUBJECT = (
    (("countryName", "DE"),),
    (("organizationalUnitName", "uü"), ("organizationName", "Le, veret")),
    (("emailAddress", "a@b.c"),),
    (("commonName", "ada"),),
)
CERTIFICATE = {
    "subject": SUBJECT,
    "subjectAltName": (("email", "ada@example.org"), ("DNS", "ada.example"), ("DNS", "second")),
    "notBefore": "Nov 25 23:36:36 2026 GMT",
    "notAfter": "Dec  5 03:06:06 2026 GMT",
}


def test_a_distinguished_name_begins_with_its_last_part() -> None:
    assert distinguished_name(SUBJECT) == (
        r"CN=ada,EMAILADDRESS=a@b.c,OU=u\C3\BC+O=Le\, veret,C=DE"
    )


@pytest.mark.parametrize(
    ("value", "escaped"),
    [
        ("a+b,c", r"a\+b\,c"),
        ('"<>;\\', r"\"\<\>\;\\"),
        (" a b ", r"\ a b\ "),
        ("#a#", r"\#a#"),
        ("a=b", "a=b"),
        ("a\nb~\0", r"a\0Ab\7E\00"),
        (" ", r"\ "),
        ("", ""),
    ],
)
def test_what_is_special_in_a_name_is_escaped(value: str, escaped: str) -> None:
    """Nobody's name can look like another one with more parts."""
    assert distinguished_name([[("commonName", value)]]) == f"CN={escaped}"


def test_the_user_name_is_where_the_setting_says() -> None:
    assert user_name(CERTIFICATE, "common_name") == "ada"
    assert user_name(CERTIFICATE, "subject_alternative_name") == "ada.example"
    assert user_name(CERTIFICATE, "distinguished_name") == distinguished_name(SUBJECT)


@pytest.mark.parametrize("where", ["common_name", "subject_alternative_name", "distinguished_name"])
def test_a_certificate_may_have_no_name(where: str) -> None:
    assert user_name({}, where) == ""


def test_several_common_names_are_joined() -> None:
    subject = ((("commonName", "a"),), (("commonName", "b"),))
    assert user_name({"subject": subject}, "common_name") == "a,b"


def test_validity_is_from_when_to_when() -> None:
    assert validity(CERTIFICATE) == "2026-11-25T23:36:36Z - 2026-12-05T03:06:06Z"


@pytest.mark.parametrize("until", [datetime(2031, 2, 3, 4, 5, 6), datetime(2055, 2, 3, 4, 5, 6)])
def test_the_end_of_a_certificate_is_read_from_its_file(tmp_path: Path, until: datetime) -> None:
    """Of either form: from 2050 on a year has four digits."""
    authority = trustme.CA()
    file = tmp_path / "both.pem"
    issued = authority.issue_cert("localhost", not_after=until)
    file.write_bytes(issued.private_key_and_cert_chain_pem.bytes() + b"\n")
    authority.cert_pem.write_to_path(file, append=True)
    first, second = expiries(str(file))
    assert first == until.replace(tzinfo=UTC)
    assert second > datetime(2030, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("TLS_AES_256_GCM_SHA384", ("any", "aes_256_gcm", "aead")),
        ("TLS_CHACHA20_POLY1305_SHA256", ("any", "chacha20_poly1305", "aead")),
        ("ECDHE-RSA-AES256-GCM-SHA384", ("ecdhe_rsa", "aes_256_gcm", "aead")),
        ("ECDHE-ECDSA-CHACHA20-POLY1305", ("ecdhe_ecdsa", "chacha20_poly1305", "aead")),
        ("DHE-RSA-AES128-SHA256", ("dhe_rsa", "aes_128_cbc", "sha256")),
        ("AES128-SHA", ("rsa", "aes_128_cbc", "sha")),
    ],
)
def test_a_cipher_is_named_as_erlang_names_it(name: str, words: tuple[str, str, str]) -> None:
    assert described_cipher(name) == words


def test_every_cipher_that_can_be_agreed_on_has_words() -> None:
    for cipher in ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).get_ciphers():
        assert all(described_cipher(cipher["name"]))
