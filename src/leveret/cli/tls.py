"""`leveret tls`: certificates to try TLS with."""

import os
import socket
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import click

# More is not accepted everywhere.
CERTIFICATE_DAYS: Final = 825
# Named as RabbitMQ's tls-gen names them.
CA: Final = ("ca_certificate.pem", "ca_key.pem")
SERVER: Final = ("server_certificate.pem", "server_key.pem")
CLIENT: Final = ("client_certificate.pem", "client_key.pem")

HOW_TO: Final = """\
The CA is {folder}/{ca}. Keep its key to yourself: whoever has it can pose as anybody.

Settings of the broker, in a file for `leveret serve --config`:

    amqps_port = 5671
    https_port = 15671
    tls_certificate_file = "{folder}/{server}"
    tls_key_file = "{folder}/{server_key}"
    # For logins by certificate, without a password:
    tls_ca_file = "{folder}/{ca}"
    tls_verify_peer = true
    tls_login_from = "common_name"
    auth_mechanisms = ["PLAIN", "AMQPLAIN", "EXTERNAL"]

pika:

    context = ssl.create_default_context(cafile="{folder}/{ca}")
    # As user '{user}', by certificate:
    context.load_cert_chain("{folder}/{client}", "{folder}/{client_key}")
    pika.ConnectionParameters(
        "{host}", 5671,
        ssl_options=pika.SSLOptions(context, "{host}"),
        credentials=pika.credentials.ExternalCredentials(),
    )
"""


@click.group()
def tls() -> None:
    """Certificates for TLS."""


@tls.command("dev-certs")
@click.argument("folder", metavar="[DIR]", default="certs", type=click.Path(file_okay=False))
@click.option("--name", "names", multiple=True, help="A further name or address of the server.")
@click.option("--client", "user", default="guest", show_default=True, help="The client's user.")
def dev_certs(folder: str, names: tuple[str, ...], user: str) -> None:
    """Make a CA of your own in DIR (default: certs), and with it a certificate for the server and
    one for a client. A CA that is there already is used again: whoever trusts it need not change.

    They are for trying TLS out and for tests. This server is localhost and the name of this
    machine; --name adds others.

    \b
    leveret tls dev-certs
    leveret tls dev-certs /etc/leveret/certs --name mq.example.org --client ada
    """
    path = Path(folder).resolve()
    hosts = list(dict.fromkeys(("localhost", "127.0.0.1", "::1", socket.gethostname(), *names)))
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        make_certificates(path, hosts, user)
    except OSError as error:
        raise click.ClickException(f"cannot write to {path}: {error.strerror}") from error
    except ValueError as error:
        raise click.ClickException(f"{path}: {error}") from error
    click.echo(
        HOW_TO.format(
            folder=path,
            ca=CA[0],
            server=SERVER[0],
            server_key=SERVER[1],
            client=CLIENT[0],
            client_key=CLIENT[1],
            user=user,
            host=names[0] if names else "localhost",
        ),
        nl=False,
    )


def make_certificates(folder: Path, hosts: list[str], user: str) -> None:
    """Make what is missing of the CA, and new certificates. Raises OSError, ValueError for names
    or a CA that cannot be used."""
    try:
        import trustme
    except ImportError:
        raise click.ClickException(
            "this needs the package trustme: pip install 'leveret[tls-dev]'"
        ) from None
    certificate, key = (folder / name for name in CA)
    if certificate.exists() and key.exists():
        authority = trustme.CA.from_pem(certificate.read_bytes(), key.read_bytes())
    else:
        authority = trustme.CA(organization_name="Leveret", organization_unit_name="dev-certs")
        _write(key, authority.private_key_pem.bytes(), 0o600)
        _write(certificate, authority.cert_pem.bytes(), 0o644)
    until = datetime.now(UTC) + timedelta(days=CERTIFICATE_DAYS)
    for names, identity, common_name in ((SERVER, hosts, hosts[0]), (CLIENT, [], user)):
        issued = authority.issue_cert(*identity, common_name=common_name, not_after=until)
        _write(folder / names[1], issued.private_key_pem.bytes(), 0o600)
        chain = b"".join(part.bytes() for part in issued.cert_chain_pems)
        _write(folder / names[0], chain, 0o644)


def _write(path: Path, octets: bytes, mode: int) -> None:
    # Aside and renamed: a broker that reloads never reads half of it.
    aside = path.with_name(path.name + ".new")
    aside.unlink(missing_ok=True)
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with open(descriptor, "wb") as file:
        file.write(octets)
    aside.replace(path)
