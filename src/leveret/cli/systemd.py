"""`leveret systemd`: a unit that runs the broker as a service."""

import shutil
import sys
from pathlib import Path
from typing import Final

import click

UNIT: Final = """\
[Unit]
Description=Leveret message broker
After=network-online.target
Wants=network-online.target

[Service]
Type=notify
NotifyAccess=main
User={user}
Group={user}
StateDirectory=leveret
StateDirectoryMode=0700
UMask=0077
ExecStart={command}
ExecReload=/bin/kill -HUP $MAINPID
Restart=on-failure
RestartSec=2
# A long log takes its time to be recovered, and clients theirs to say goodbye.
TimeoutStartSec=10min
TimeoutStopSec=1min
WatchdogSec=30
LimitNOFILE=65536

NoNewPrivileges=yes
CapabilityBoundingSet=
ProtectSystem=strict
ProtectHome=read-only
PrivateTmp=yes
PrivateDevices=yes
ProtectClock=yes
ProtectControlGroups=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectProc=invisible
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
MemoryDenyWriteExecute=yes
RemoveIPC=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallErrorNumber=EPERM

[Install]
WantedBy=multi-user.target
"""


@click.command()
@click.option("--config", "config_file", metavar="FILE", help="The service's settings.")
@click.option("--user", default="leveret", show_default=True, help="Whose process it is.")
def systemd(config_file: str | None, user: str) -> None:
    """Print a unit for systemd, with this program and its data in /var/lib/leveret.

    \b
    useradd --system --home-dir /var/lib/leveret leveret
    leveret systemd > /etc/systemd/system/leveret.service
    systemctl daemon-reload && systemctl enable --now leveret
    """
    command = [*_program(), "serve", "--data", "%S/leveret"]
    if config_file is not None:
        command += ["--config", _quoted(str(Path(config_file).absolute()))]
    click.echo(UNIT.format(user=user, command=" ".join(command)), nl=False)


def _program() -> list[str]:
    beside = Path(sys.executable).with_name("leveret")
    program = str(beside) if beside.exists() else shutil.which("leveret")
    return [_quoted(program)] if program else [_quoted(sys.executable), "-m", "leveret"]


def _quoted(path: str) -> str:
    """A word of a command in a unit: % begins a specifier there, and $ a variable."""
    escaped = path.replace("%", "%%").replace("$", "$$").replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"' if " " in path else escaped
