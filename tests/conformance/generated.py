"""What a server makes up, or says of itself, and what stands for it in a recording.

This is all that a replay does not compare, and nothing else may be added lightly:

- names that the server generates (`amq.gen-`, `amq.ctag-`, reply-to addresses): each becomes its
  number in the order of appearance, so that it still has to be the same name everywhere;
- the time of a death in `x-death`;
- who the server says it is in connection.start: its version, platform and texts, and names that
  RabbitMQ has not got; and the order of its mechanisms, new at every start of RabbitMQ;
- the order between channels, how bodies are cut into frames, how many confirms share one, and
  heartbeats where none is waited for (`replaying`): AMQP 0-9-1 promises none of these;
- the addresses, ports and process numbers in a connection's name;
- the name of the node in what the firehose tells.
"""

import re
from typing import Any

GENERATED = re.compile(
    r"amq\.(?:gen|ctag)-[A-Za-z0-9_-]{22}|amq\.rabbitmq\.reply-to\.[A-Za-z0-9+/=._-]+"
)
STANDING = re.compile(r"amq\.[a-z.-]+?[.-]#\d+")
CONNECTION = re.compile(r"\d+\.\d+\.\d+\.\d+:\d+ -> \d+\.\d+\.\d+\.\d+:\d+")
IDENTITY = ("cluster_name", "copyright", "information", "platform", "product", "version")
MORE_IDENTITY = ("product_name", "product_version")


# By key: what stands for its value, and in which tables: those that have another key, too.
MADE_UP = {"time": ({"T": 0}, "reason"), "node": ("<node>", "exchange_name")}


class Names:
    """The generated names of one conversation, in both directions."""

    def __init__(self) -> None:
        self.standing: dict[str, str] = {}
        self.actual: dict[str, str] = {}

    def received(self, notation: list[Any]) -> list[Any]:
        """What the server said, with what stands for its names."""
        if notation[0] == "Connection.Start":
            notation = _without_identity(notation)
        result: list[Any] = self._walk(notation, self._learn)
        return result

    def said(self, notation: list[Any]) -> list[Any]:
        """What a client says, as it is recorded: names it heard before are replaced."""
        result: list[Any] = self._walk(notation, lambda name: self.standing.get(name, name))
        return result

    def to_say(self, notation: list[Any]) -> list[Any]:
        """A recorded saying with the names of today's server."""
        result: list[Any] = self._walk(notation, lambda name: self.actual.get(name, name), STANDING)
        return result

    def _learn(self, name: str) -> str:
        if name not in self.standing:
            prefix = re.match(r"amq\.(?:gen|ctag)-|amq\.rabbitmq\.reply-to\.", name)
            assert prefix
            standing = f"{prefix.group()}#{len(self.standing) + 1}"
            self.standing[name] = standing
            self.actual[standing] = name
        return self.standing[name]

    def _walk(self, value: Any, replace: Any, pattern: re.Pattern[str] = GENERATED) -> Any:
        if isinstance(value, str):
            value = CONNECTION.sub("<connection>", value)
            return pattern.sub(lambda found: replace(found.group()), value)
        if isinstance(value, list):
            return [self._walk(each, replace, pattern) for each in value]
        if isinstance(value, dict):
            return {
                self._walk(key, replace, pattern): MADE_UP[key][0]
                if key in MADE_UP and MADE_UP[key][1] in value
                else self._walk(each, replace, pattern)
                for key, each in value.items()
            }
        return value


def _without_identity(notation: list[Any]) -> list[Any]:
    kind, channel, arguments = notation
    properties = {
        name: "<its own>" if name in IDENTITY else value
        for name, value in arguments["server_properties"].items()
        if name not in MORE_IDENTITY
    }
    mechanisms = " ".join(sorted(arguments["mechanisms"].split()))
    changed = {"server_properties": properties, "mechanisms": mechanisms}
    return [kind, channel, {**arguments, **changed}]
