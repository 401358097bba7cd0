"""TLS: the context of new connections, made from files that may be replaced while the broker runs.

A context is never changed. A reload makes another one from the files as they are then, and swaps it
in if they are good: connections that are open keep theirs, new ones get the new one, and a bad file
changes nothing.
"""

import asyncio.sslproto
import contextlib
import logging
import ssl
from datetime import UTC, datetime, timedelta
from typing import Any, Final, cast

from leveret.amqp.peer import TlsSession
from leveret.broker.seams import Certificate
from leveret.config import Config, ConfigError
from leveret.net.certificates import distinguished_name, expiries, user_name, validity

log = logging.getLogger("leveret.tls")

VERSIONS: Final = {"tlsv1.2": ssl.TLSVersion.TLSv1_2, "tlsv1.3": ssl.TLSVersion.TLSv1_3}
EXPIRES_SOON: Final = timedelta(days=30)
# asyncio reads TLS into 256 KiB of each connection's own, which is most of what one costs: measured
# 282 KiB, and 90 with this. What is sent in bulk then costs a third more CPU.
BUFFER_BYTES: Final = 64 * 1024
_ASYNCIO_BUFFER_BYTES: Final = 256 * 1024


class Tls:
    """The server's side of TLS. Raises `ConfigError` for files or settings that cannot be used.

    `asks_clients`: whether these are connections whose clients may have certificates.
    """

    def __init__(self, config: Config, asks_clients: bool) -> None:
        self._asks_clients = asks_clients
        self.use(config, self.made(config))

    def use(self, config: Config, context: ssl.SSLContext) -> None:
        """Have new connections use what was made from these settings."""
        self._login_from = config.tls_login_from
        self.handshake_timeout_seconds = config.tls_handshake_timeout_seconds
        self.context = context

    def session(self, found: ssl.SSLObject) -> TlsSession:
        """What has been agreed on with a peer."""
        name, version, _bits = found.cipher() or ("", "", 0)
        key_exchange, cipher, hash_name = described_cipher(name)
        protocol = (found.version() or version).lower()
        session = TlsSession(protocol, key_exchange, cipher, hash_name)
        # Python shows no certificate that it has not verified.
        certificate = cast("Any", found.getpeercert()) if self._asks_clients else None
        if certificate:
            session.certificate = Certificate(
                user_name(certificate, self._login_from),
                distinguished_name(certificate["subject"]),
                distinguished_name(certificate["issuer"]),
                validity(certificate),
            )
        return session

    def made(self, config: Config) -> ssl.SSLContext:
        """A context of the files as they are now. Raises `ConfigError`."""
        if not config.tls_certificate_file:
            raise ConfigError(
                "TLS needs tls_certificate_file; `leveret tls dev-certs` makes one to try it with"
            )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        versions = sorted(VERSIONS[name] for name in config.tls_versions)
        if not versions:
            raise ConfigError("tls_versions names none")
        context.minimum_version, context.maximum_version = versions[0], versions[-1]
        # A client that would rather have another cipher gets what both hold safest.
        context.options |= ssl.OP_CIPHER_SERVER_PREFERENCE | ssl.OP_NO_RENEGOTIATION
        if config.tls_ciphers:
            try:
                context.set_ciphers(":".join(config.tls_ciphers))
            except ssl.SSLError:
                raise ConfigError("tls_ciphers names no cipher that OpenSSL has") from None
        _load_own(context, config)
        if self._asks_clients and config.tls_verify_peer:
            _load_authorities(context, config)
        return context


def spare_buffers() -> None:
    """Have asyncio's TLS connections take less memory; where asyncio has changed, it stays."""
    protocol = asyncio.sslproto.SSLProtocol
    if getattr(protocol, "max_size", 0) == _ASYNCIO_BUFFER_BYTES:
        protocol.max_size = BUFFER_BYTES


def described_cipher(name: str) -> tuple[str, str, str]:
    """Key exchange, cipher and hash of one that OpenSSL names, in Erlang's words."""
    words = name.lower().replace("_", "-").split("-")
    if words[0] == "tls":
        key_exchange, rest = "any", words[1:]
    else:
        exchanges = [word for word in words if word in ("ecdhe", "dhe", "psk", "rsa", "ecdsa")]
        key_exchange = "_".join(exchanges) or "rsa"
        rest = [word for word in words if word not in exchanges]
    hash_name = rest.pop() if rest and rest[-1].startswith(("sha", "md5")) else ""
    cipher = "_".join(rest)
    for bits in ("128", "256"):
        cipher = cipher.replace(f"aes{bits}", f"aes_{bits}")
    if "gcm" in cipher or "chacha20" in cipher or "ccm" in cipher:
        # The hash then makes keys only; what protects the data is the cipher.
        hash_name = "aead"
    elif cipher in ("aes_128", "aes_256"):
        cipher += "_cbc"
    return key_exchange, cipher, hash_name


def _load_own(context: ssl.SSLContext, config: Config) -> None:
    certificate = config.tls_certificate_file
    key = config.tls_key_file or certificate
    _check_readable(certificate)
    _check_readable(key)
    try:
        # With a password, even an empty one, OpenSSL does not ask for it at the terminal.
        context.load_cert_chain(certificate, key, config.tls_key_password)
    except ssl.SSLError as error:
        raise ConfigError(_unusable(certificate, key, error)) from None


def _check_readable(path: str) -> None:
    # OpenSSL's own refusal does not say which file it is.
    try:
        open(path, "rb").close()
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}") from None


def _unusable(certificate: str, key: str, error: ssl.SSLError) -> str:
    if error.reason == "KEY_VALUES_MISMATCH":
        return f"the key in {key} is not that of the certificate in {certificate}"
    with open(key, "rb") as file:
        locked = b"ENCRYPTED" in file.read()
    if locked:
        return f"the key in {key} has another password than tls_key_password"
    return f"TLS cannot use certificate {certificate} with key {key}: {_reason(error)}"


def _load_authorities(context: ssl.SSLContext, config: Config) -> None:
    path = config.tls_ca_file
    if not path:
        raise ConfigError("tls_verify_peer needs tls_ca_file: whose clients are to be believed")
    _check_readable(path)
    try:
        context.load_verify_locations(path)
    except ssl.SSLError as error:
        raise ConfigError(f"{path} holds no certificates in PEM: {_reason(error)}") from None
    required = config.tls_fail_if_no_peer_certificate
    context.verify_mode = ssl.CERT_REQUIRED if required else ssl.CERT_OPTIONAL


def _reason(error: ssl.SSLError) -> str:
    return (error.reason or "no such content").lower().replace("_", " ")


def warn_of_expiry(path: str) -> None:
    """Say so in the log if the certificate in a file has expired or soon will have."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        expiry = min(expiries(path))
        now = datetime.now(UTC)
        if expiry <= now:
            log.warning("the certificate in %s has expired on %s", path, expiry.date())
        elif expiry - now <= EXPIRES_SOON:
            log.warning("the certificate in %s expires on %s", path, expiry.date())
