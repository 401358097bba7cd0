"""topic: binding keys of words and wildcards (spec §3.1.3.3).

`*` stands for exactly one word, which may be empty; `#` for any number of words. The binding keys
form a tree of words; a routing key walks it as a set of nodes, so a key is matched in time
proportional to its words times the nodes alive, however many `#` the binding keys hold. Adjacent
`#` mean the same as one and are kept as one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from mypy_extensions import mypyc_attr

from leveret.broker.seams import Binding, Destination, Exchange

if TYPE_CHECKING:
    from collections.abc import Callable

    from leveret.wire.properties import Properties
    from leveret.wire.table import Table


class _Node:
    """A place in the tree; `bindings` end here. At a `#`, further words lead nowhere else."""

    __slots__ = ("any_words", "bindings", "one_word", "stays", "words")

    def __init__(self, stays: bool) -> None:
        self.stays = stays
        self.words: dict[str, _Node] = {}
        self.one_word: _Node | None = None
        self.any_words: _Node | None = None
        self.bindings: list[Binding] = []

    def empty(self) -> bool:
        return not (self.bindings or self.words or self.one_word or self.any_words)


@mypyc_attr(allow_interpreted_subclasses=True)
class TopicExchange(Exchange):
    type_name: ClassVar[str] = "topic"

    def __init__(
        self, name: str, durable: bool, auto_delete: bool, internal: bool, arguments: Table
    ) -> None:
        super().__init__(name, durable, auto_delete, internal, arguments)
        self._root = _Node(False)

    def bind(self, binding: Binding) -> None:
        node = self._root
        for word in _words(binding.routing_key):
            following = _child(node, word)
            if following is None:
                following = _Node(word == "#")
                _set_child(node, word, following)
            node = following
        node.bindings.append(binding)

    def unbind(self, binding: Binding) -> None:
        words = _words(binding.routing_key)
        path = [self._root]
        for word in words:
            following = _child(path[-1], word)
            assert following is not None
            path.append(following)
        path[-1].bindings.remove(binding)
        while words and path[-1].empty():
            path.pop()
            _set_child(path[-1], words.pop(), None)

    def route(self, routing_key: str, properties: Callable[[], Properties]) -> list[Destination]:
        alive: dict[_Node, None] = {}
        _enter(self._root, alive)
        for word in routing_key.split(".") if routing_key else []:
            following: dict[_Node, None] = {}
            for node in alive:
                child = node.words.get(word)
                if child is not None:
                    _enter(child, following)
                if node.one_word is not None:
                    _enter(node.one_word, following)
                if node.stays:
                    _enter(node, following)
            alive = following
        return [binding.destination for node in alive for binding in node.bindings]


def _words(binding_key: str) -> list[str]:
    # An empty key has no words: it matches `#`, not `*`.
    words: list[str] = []
    for word in binding_key.split(".") if binding_key else []:
        if word == "#" and words and words[-1] == "#":
            continue
        words.append(word)
    return words


def _child(node: _Node, word: str) -> _Node | None:
    if word == "*":
        return node.one_word
    if word == "#":
        return node.any_words
    return node.words.get(word)


def _set_child(node: _Node, word: str, child: _Node | None) -> None:
    if word == "*":
        node.one_word = child
    elif word == "#":
        node.any_words = child
    elif child is None:
        del node.words[word]
    else:
        node.words[word] = child


def _enter(node: _Node, alive: dict[_Node, None]) -> None:
    """Be at this node; `#` below it may also stand for no word at all."""
    alive[node] = None
    below = node.any_words
    if below is not None:
        alive[below] = None
