"""Names of queues and exchanges, and how refusals print them."""

from leveret.errors import AccessRefused

RESERVED_PREFIX = "amq."


def queue_resource(vhost: str, name: str) -> str:
    """A queue in a reply text."""
    return f"queue '{name}' in vhost '{vhost}'"


def exchange_resource(vhost: str, name: str) -> str:
    """An exchange in a reply text."""
    return f"exchange '{name}' in vhost '{vhost}'"


def stripped(name: str) -> str:
    """The name without the line ends that RabbitMQ takes out of names in declares and binds."""
    if "\n" in name or "\r" in name:
        return name.replace("\r", "").replace("\n", "")
    return name


def refuse_reserved(kind: str, name: str) -> None:
    """Names that begin with `amq.` are the server's (spec, class queue, rule "reserved")."""
    if name.startswith(RESERVED_PREFIX):
        raise AccessRefused(
            f"{kind} name '{name}' contains reserved prefix 'amq.*'",
            remedy="choose a name that does not begin with 'amq.'",
        )


def erlang_binary(octets: bytes) -> str:
    """Octets of text as Erlang prints them, in refusals that RabbitMQ does not word for people."""
    return f'<<"{octets.decode(errors="replace")}">>' if octets else "<<>>"
