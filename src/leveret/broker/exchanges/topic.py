"""topic: binding keys of words and wildcards (spec §3.1.3.3).

`*` stands for exactly one word, which may be empty; `#` for any number of words. Adjacent `#` mean
the same as one, and `#.*` the same as `*.#`: they are kept so. A binding key is looked at where a
routing key has a certain word of it: the one by which the fewest others are found. One that has no
wildcard is looked up as a whole.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from mypy_extensions import mypyc_attr

from leveret.broker.seams import Binding, Destination, Exchange
from leveret.broker.topics.keys import BindingKey, shelve
from leveret.broker.topics.pieces import Pieces
from leveret.broker.topics.text import Text
from leveret.errors import SHORT_STRING_MAX, PreconditionFailed

if TYPE_CHECKING:
    from collections.abc import Callable

    from leveret.wire.properties import Properties
    from leveret.wire.table import Table


def check_hashes(binding_key: str, maximum: int) -> None:
    """Refuse, with 406, a binding key of more than so many `#`."""
    count = binding_key.split(".").count("#")
    if count > maximum:
        raise PreconditionFailed(
            f"Topic binding key '{binding_key}' uses {count} '#' wildcards, "
            f"at most {maximum} are allowed"
        )


@mypyc_attr(allow_interpreted_subclasses=True)
class TopicExchange(Exchange):
    type_name: ClassVar[str] = "topic"

    def __init__(
        self, name: str, durable: bool, auto_delete: bool, internal: bool, arguments: Table
    ) -> None:
        super().__init__(name, durable, auto_delete, internal, arguments)
        # Where binding keys without a wildcard lead, and those that have one.
        self._exact: dict[str, list[Destination]] = {}
        self._keys: dict[str, BindingKey] = {}
        self._pieces = Pieces()
        self._text = Text(self._pieces)

    def bind(self, binding: Binding) -> None:
        words = _words(binding.routing_key)
        if _is_exact(words):
            self._exact.setdefault(binding.routing_key, []).append(binding.destination)
            return
        name = ".".join(words)
        key = self._keys.get(name)
        if key is None:
            key = shelve(words, self._pieces)
            self._keys[name] = key
        key.bind(binding)

    def unbind(self, binding: Binding) -> None:
        words = _words(binding.routing_key)
        if _is_exact(words):
            destinations = self._exact[binding.routing_key]
            destinations.remove(binding.destination)
            if not destinations:
                del self._exact[binding.routing_key]
            return
        name = ".".join(words)
        key = self._keys[name]
        key.unbind(binding)
        if not key.bindings:
            del self._keys[name]
            key.shelf.remove(key, self._pieces)

    def route(self, routing_key: str, properties: Callable[[], Properties]) -> list[Destination]:
        """Where a routing key leads: nowhere, if it has more than 255 characters, as nobody can
        publish with it."""
        exact = self._exact.get(routing_key)
        destinations = [] if exact is None else exact[:]
        if not self._keys or len(routing_key) > SHORT_STRING_MAX:
            return destinations
        for shelf in self._text.read(routing_key.split(".") if routing_key else []):
            self._text.match(shelf, destinations)
        self._text.forget()
        return destinations


def _is_exact(words: list[str]) -> bool:
    return "#" not in words and "*" not in words


def _words(binding_key: str) -> list[str]:
    # An empty key has no words: it matches `#`, not `*`.
    words: list[str] = []
    for word in binding_key.split(".") if binding_key else []:
        if words and words[-1] == "#":
            if word == "#":
                continue
            if word == "*":
                words.insert(-1, word)
                continue
        words.append(word)
    return words
