"""What is in a certificate, in the words of RabbitMQ, which clients' names and monitoring depend
on."""

import re
import ssl
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

# By OpenSSL's long names: RFC 4514's short ones, and RabbitMQ's.
ATTRIBUTES: Final = {
    "commonName": "CN",
    "countryName": "C",
    "domainComponent": "DC",
    "emailAddress": "EMAILADDRESS",
    "generationQualifier": "GENERATIONQUALIFIER",
    "givenName": "GIVENNAME",
    "initials": "INITIALS",
    "localityName": "L",
    "organizationName": "O",
    "organizationalUnitName": "OU",
    "pseudonym": "PSEUDONYM",
    "serialNumber": "SERIALNUMBER",
    "stateOrProvinceName": "ST",
    "streetAddress": "STREET",
    "surname": "SN",
    "title": "TITLE",
    "userId": "UID",
}
_SPECIAL: Final = frozenset('"+,;<>\\')
_PEM: Final = re.compile(
    r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", flags=re.DOTALL
)

# A name as `getpeercert` gives it: of relative names, of attributes.
Name = Iterable[Iterable[tuple[str, str]]]
# OpenSSL's tag of a time with two digits of the year, ASN.1's of both.
_SEQUENCE: Final = 0x30
_VERSION: Final = 0xA0
_UTC_TIME: Final = 0x17


def distinguished_name(name: Name) -> str:
    """A name as RFC 4514 writes it, the last part first."""
    parts = [
        "+".join(f"{ATTRIBUTES.get(kind, kind)}={_escaped(value)}" for kind, value in part)
        for part in name
    ]
    return ",".join(reversed(parts))


def user_name(certificate: Mapping[str, Any], login_from: str) -> str:
    """The user name in a certificate as `getpeercert` gives it; "" if there is none."""
    if login_from == "distinguished_name":
        return distinguished_name(certificate.get("subject", ()))
    if login_from == "common_name":
        return ",".join(
            value
            for part in certificate.get("subject", ())
            for kind, value in part
            if kind == "commonName"
        )
    names = certificate.get("subjectAltName", ())
    return next((value for kind, value in names if kind == "DNS"), "")


def validity(certificate: Mapping[str, Any]) -> str:
    """From when to when a certificate as `getpeercert` gives it is valid."""
    return " - ".join(_iso(certificate[end]) for end in ("notBefore", "notAfter"))


def expiries(path: str) -> list[datetime]:
    """When the certificates in a PEM file expire. Raises OSError, ValueError."""
    with open(path, encoding="ascii", errors="replace") as file:
        text = file.read()
    return [_expiry(ssl.PEM_cert_to_DER_cert(pem)) for pem in _PEM.findall(text)]


def _escaped(value: str) -> str:
    octets = value.encode()
    text = "".join(
        f"\\{chr(octet)}"
        if chr(octet) in _SPECIAL
        else chr(octet)
        if 32 <= octet < 126
        else f"\\{octet:02X}"
        for octet in octets
    )
    if text.startswith((" ", "#")):
        text = "\\" + text
    if len(text) > 1 and text.endswith(" ") and value != " ":
        text = text[:-1] + "\\ "
    return text


def _iso(moment: str) -> str:
    seconds = ssl.cert_time_to_seconds(moment)
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _expiry(certificate: bytes) -> datetime:
    """Python's ssl has no word for the certificate of its own side, so this reads DER: in the
    certificate's first part the version, serial number, algorithm and issuer come before it."""
    body = _value(_value(certificate))
    if body[0] == _VERSION:
        body = _rest(body)
    for _ in ("serial number", "algorithm", "issuer"):
        body = _rest(body)
    if body[0] != _SEQUENCE:
        raise ValueError("no validity in the certificate")
    until = _rest(_value(body))
    form = "%y%m%d%H%M%SZ" if until[0] == _UTC_TIME else "%Y%m%d%H%M%SZ"
    return datetime.strptime(_value(until).decode("ascii"), form).replace(tzinfo=UTC)


def _extent(octets: bytes) -> tuple[int, int]:
    """Where the value of the first element begins and ends (X.690 §8.1)."""
    length = octets[1]
    if length < 0x80:
        return 2, 2 + length
    begin = 2 + (length & 0x7F)
    return begin, begin + int.from_bytes(octets[2:begin], "big")


def _value(octets: bytes) -> bytes:
    begin, end = _extent(octets)
    return octets[begin:end]


def _rest(octets: bytes) -> bytes:
    return octets[_extent(octets)[1] :]
