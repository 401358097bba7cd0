"""The environment as settings: our own variables, RabbitMQ's, and secrets in files.

`NAME_FILE` names a file that holds what `NAME` would, as Docker's secrets do; a variable that has
such a name itself is what it is.
"""

import socket
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Final

from leveret.sources import values
from leveret.sources.gathered import ConfigError, Gathered, Note, NotObeyedError

PREFIX: Final = "LEVERET_"
FILE: Final = "_FILE"
# Where the configuration file is, if no option says so; the first of them that is set.
CONFIG_FILES: Final = ("LEVERET_CONFIG_FILE", "RABBITMQ_CONFIG_FILE")
# What `leveret ctl` reads.
OTHERS: Final = {"LEVERET_CTL_URL"}
# A folder, or files by a pattern, read after that one.
MORE_CONFIG_FILES: Final = "RABBITMQ_CONFIG_FILES"


def _node(value: str) -> str:
    return value if "@" in value else f"{value}@{socket.gethostname()}"


def _long_name(value: str) -> str:
    if not values.truth(value):
        raise NotObeyedError("short names are used anyway")
    return f"leveret@{socket.getfqdn()}"


def _log_file(value: str) -> str:
    return "" if value in ("-", "-stderr") else value


def _in_folder(value: str) -> str:
    return str(Path(value) / "leveret.log")


# In the order in which they are read: of two for one setting the later wins.
RABBITMQ_VARIABLES: Final[dict[str, tuple[str, Callable[[str], object]]]] = {
    "RABBITMQ_DEFAULT_USER": ("default_user", values.text),
    "RABBITMQ_DEFAULT_PASS": ("default_pass", values.text),
    "RABBITMQ_DEFAULT_VHOST": ("default_vhost", values.text),
    "RABBITMQ_NODE_PORT": ("amqp_port", values.text),
    "RABBITMQ_NODE_IP_ADDRESS": ("amqp_host", values.text),
    "RABBITMQ_USE_LONGNAME": ("node_name", _long_name),
    "RABBITMQ_NODENAME": ("node_name", _node),
    "RABBITMQ_MNESIA_BASE": ("data_dir", values.text),
    "RABBITMQ_MNESIA_DIR": ("data_dir", values.text),
    "RABBITMQ_LOG_BASE": ("log_file", _in_folder),
    "RABBITMQ_LOGS": ("log_file", _log_file),
    "RABBITMQ_LOG": ("log_level", values.log_level_of_categories),
    "RABBITMQ_PID_FILE": ("pid_file", values.text),
}

_ERLANG: Final = "there is no Erlang"
_ONE_NODE: Final = "there is one node and no cluster"
_PLUGINS: Final = "there are no plugins; what is here is always there"
NOT_OBEYED: Final = {
    "RABBITMQ_ENABLED_PLUGINS_FILE": _PLUGINS,
    "RABBITMQ_ENABLED_PLUGINS": _PLUGINS,
    "RABBITMQ_PLUGINS_DIR": _PLUGINS,
    "RABBITMQ_PLUGINS_EXPAND_DIR": _PLUGINS,
    "RABBITMQ_ADVANCED_CONFIG_FILE": "it holds Erlang's terms; use rabbitmq.conf",
    "RABBITMQ_CONF_ENV_FILE": "give the variables themselves",
    "RABBITMQ_HOME": _ERLANG,
    "RABBITMQ_SERVER_ERL_ARGS": _ERLANG,
    "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": _ERLANG,
    "RABBITMQ_SERVER_START_ARGS": _ERLANG,
    "RABBITMQ_CTL_ERL_ARGS": _ERLANG,
    "RABBITMQ_ERLANG_COOKIE": _ERLANG,
    "RABBITMQ_IO_THREAD_POOL_SIZE": _ERLANG,
    "RABBITMQ_DISTRIBUTION_BUFFER_SIZE": _ERLANG,
    "RABBITMQ_MAX_NUMBER_OF_PROCESSES": _ERLANG,
    "RABBITMQ_MAX_NUMBER_OF_ATOMS": _ERLANG,
    "RABBITMQ_DIST_PORT": _ONE_NODE,
    "RABBITMQ_FEATURE_FLAGS": "every feature is on",
    "RABBITMQ_FORCED_FEATURE_FLAGS_ON_INIT": "every feature is on",
    "RABBITMQ_QUORUM_DIR": "all data is in data_dir",
    "RABBITMQ_STREAM_DIR": "all data is in data_dir",
    "RABBITMQ_MNESIA_DIR_BACKUP": "all data is in data_dir",
    "RABBITMQ_VM_MEMORY_HIGH_WATERMARK": "write vm_memory_high_watermark.relative, in a file, or "
    "set LEVERET_MEMORY_HIGH_WATERMARK_RATIO",
    "RABBITMQ_SSL_CERTFILE": "write ssl_options.certfile, in a file",
    "RABBITMQ_SSL_KEYFILE": "write ssl_options.keyfile, in a file",
    "RABBITMQ_SSL_CACERTFILE": "write ssl_options.cacertfile, in a file",
    "RABBITMQ_SSL_VERIFY": "write ssl_options.verify, in a file",
    "RABBITMQ_SSL_FAIL_IF_NO_PEER_CERT": "write ssl_options.fail_if_no_peer_cert, in a file",
    "RABBITMQ_MANAGEMENT_SSL_CERTFILE": "write management.ssl.certfile, in a file",
    "RABBITMQ_MANAGEMENT_SSL_KEYFILE": "write management.ssl.keyfile, in a file",
    "RABBITMQ_MANAGEMENT_SSL_CACERTFILE": "write management.ssl.cacertfile, in a file",
}


def config_file(environment: Mapping[str, str]) -> tuple[str, str | None]:
    """The configuration file that a variable names, and what is read after it; empty and None are
    none."""
    file = next((environment[name] for name in CONFIG_FILES if environment.get(name)), "")
    # RabbitMQ takes it with and without its suffix.
    if file and not Path(file).exists() and Path(f"{file}.conf").exists():
        file += ".conf"
    return file, environment.get(MORE_CONFIG_FILES) or None


def read_environment(
    environment: Mapping[str, str],
    gathered: Gathered,
    convert: Callable[[str, str], object],
) -> None:
    """Read the variables; `convert` makes a setting's value of its name and the text of our own
    variable. Raises `ConfigError`."""
    for variable, (setting, conversion) in RABBITMQ_VARIABLES.items():
        found = _look_up(environment, variable, ())
        if found is None:
            continue
        text, origin = found
        try:
            gathered.give(setting, conversion(text), origin)
        except NotObeyedError as error:
            gathered.not_obeyed(variable, str(error), "the environment")
        except ValueError as error:
            raise ConfigError(f"{origin}: {error}") from error
    own = {PREFIX + name.upper(): name for name in gathered.known}
    for variable, name in own.items():
        found = _look_up(environment, variable, own)
        if found is not None:
            text, origin = found
            gathered.give(name, convert(name, text), origin)
    _note_others(environment, gathered, own)


def _look_up(
    environment: Mapping[str, str], variable: str, taken: Iterable[str]
) -> tuple[str, str] | None:
    file = variable + FILE
    path = None if file in taken else environment.get(file)
    if path is None:
        return (environment[variable], variable) if variable in environment else None
    if variable in environment:
        raise ConfigError(f"{variable} and {file} are both set; give one of them")
    try:
        # The line end is the editor's.
        return Path(path).read_text(encoding="utf-8").rstrip("\r\n"), f"{file} ({path})"
    except OSError as error:
        raise ConfigError(f"{file}: cannot read {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{file}: {path} is not UTF-8") from error


def _note_others(
    environment: Mapping[str, str], gathered: Gathered, own: Mapping[str, str]
) -> None:
    """What is set and means nothing; RabbitMQ's unknown ones in one sentence."""
    known = {*CONFIG_FILES, MORE_CONFIG_FILES, *RABBITMQ_VARIABLES, *own}
    known |= {name + FILE for name in known} | OTHERS
    unknown: list[str] = []
    for name in sorted(environment):
        if name in known:
            continue
        if name in NOT_OBEYED:
            gathered.not_obeyed(name, NOT_OBEYED[name], "the environment")
        elif name.startswith("RABBITMQ_"):
            unknown.append(name)
        elif name.startswith(PREFIX):
            gathered.unknown(name, "the environment", own)
    if unknown:
        verb = "is" if len(unknown) == 1 else "are"
        gathered.notes.append(Note(f"{', '.join(unknown)} {verb} unknown and not obeyed", False))
