"""topic: binding keys of words and wildcards (spec §3.1.3.3).

`*` stands for exactly one word, which may be empty; `#` for any number of words. The binding keys
form a tree of words; a routing key walks it as a set of nodes, so a key is matched in time
proportional to its words times the nodes it is at, however many `#` the binding keys hold. It is
not at nodes that more or fewer words lead from than are left of it, nor at a `#` whose every way on
has been gone. Adjacent `#` mean the same as one and are kept as one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from mypy_extensions import i64, mypyc_attr

from leveret.broker.seams import Binding, Destination, Exchange
from leveret.errors import PreconditionFailed

if TYPE_CHECKING:
    from collections.abc import Callable

    from leveret.wire.properties import Properties
    from leveret.wire.table import Table


# More words than a routing key has.
_ANY_NUMBER: Final = 1 << 30


class _Node:
    """A place in the tree; `bindings` end here. From `least` to `most` words lead from here to a
    binding; both are as wide as they ever were, since a binding that goes does not narrow them."""

    __slots__ = ("any_words", "bindings", "least", "most", "one_word", "words")

    def __init__(self) -> None:
        self.least: i64 = _ANY_NUMBER
        self.most: i64 = 0
        self.words: dict[str, _Node] = {}
        self.one_word: _Node | None = None
        self.any_words: _Node | None = None
        self.bindings: list[Binding] = []

    def widen(self, words: i64, hashes: i64) -> None:
        """A binding is this many words further on, and this many `#`."""
        self.least = min(self.least, words)
        self.most = _ANY_NUMBER if hashes else max(self.most, words)

    def empty(self) -> bool:
        return not (self.bindings or self.words or self.one_word or self.any_words)


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
        self._root = _Node()

    def bind(self, binding: Binding) -> None:
        words = _words(binding.routing_key)
        hashes: i64 = words.count("#")
        left: i64 = len(words) - hashes
        node = self._root
        node.widen(left, hashes)
        for word in words:
            following = _child(node, word)
            if following is None:
                following = _Node()
                _set_child(node, word, following)
            node = following
            if word != "#":
                left -= 1
                node.widen(left, hashes)
            else:
                node.widen(left, 1)
                hashes -= 1
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
        words = routing_key.split(".") if routing_key else []
        walk = _Walk()
        remaining: i64 = len(words)
        walk.enter(self._root, None, remaining)
        for word in words:
            remaining -= 1
            walk.step(word, remaining)
        return [binding.destination for node in walk.matched for binding in node.bindings]


class _Walk:
    """A routing key on its way through the tree: `places` are the nodes after the words so far,
    `staying` the `#` nodes among them with the number of their children still worth a look."""

    def __init__(self) -> None:
        self.matched: list[_Node] = []
        self.places: list[_Node] = []
        self.staying: dict[_Node, int] = {}
        self._met: set[_Node] = set()

    def step(self, word: str, remaining: i64) -> None:
        """Go on by one word; `remaining` come after it."""
        # Those of before this word: a `#` that is met with it stands for what comes after.
        nodes = [*self.places, *self.staying]
        self.places = []
        for node in nodes:
            self._follow(node, word, remaining)

    def _follow(self, node: _Node, word: str, remaining: i64) -> None:
        child = node.words.get(word)
        if child is not None and child.least <= remaining <= child.most:
            self.enter(child, node, remaining)
        child = node.one_word
        if child is not None and child.least <= remaining <= child.most:
            self.enter(child, node, remaining)

    def enter(self, node: _Node, parent: _Node | None, remaining: i64) -> None:
        """Be at this node; `#` below it may also stand for no word at all."""
        if remaining == 0 and node.bindings:
            self.matched.append(node)
        goes_on = node.words or node.one_word is not None
        if goes_on and remaining > 0:
            self.places.append(node)
        below = node.any_words
        if below is None or below in self._met or below.least > remaining:
            return
        self._met.add(below)
        if below.bindings:
            self.matched.append(below)
        children = len(below.words) + (below.one_word is not None)
        if children != 0:
            self.staying[below] = children
        if parent is not None and not goes_on and not node.bindings and parent in self.staying:
            # A `#` is best met early: whatever later words could lead here is led to already.
            self.staying[parent] -= 1
            if self.staying[parent] == 0:
                del self.staying[parent]


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
