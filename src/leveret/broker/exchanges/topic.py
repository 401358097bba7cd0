"""topic: binding keys of words and wildcards (spec §3.1.3.3).

`*` stands for exactly one word, which may be empty; `#` for any number of words. The binding keys
form a tree of words. A routing key walks it node by node, and carries along at which places of its
own it can be there; so it comes to a node once at most, however many words it has and however many
`#` led there. Below `#` only the first such place counts. It does not go where more or fewer words
lead on than it has left. Adjacent `#` mean the same as one, and `#.*` the same as `*.#`: they are
kept so.
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
    """A place in the tree; `bindings` end here, or `rest` further on: the words that all of them
    have, of which those after the first `gone` are still to come, and become nodes when others go
    another way. From `least` to `most` words lead from here to a
    binding, as wide as it ever was: one that goes does not narrow it."""

    __slots__ = ("any_words", "bindings", "gone", "least", "most", "one_word", "rest", "words")

    def __init__(self) -> None:
        self.least: i64 = _ANY_NUMBER
        self.most: i64 = 0
        self.words: dict[str, _Node] = {}
        self.one_word: _Node | None = None
        self.any_words: _Node | None = None
        self.bindings: list[Binding] = []
        self.rest: list[str] | None = None
        self.gone: i64 = 0

    def grow(self) -> None:
        """Make the first word of `rest` a node."""
        rest = self.rest
        if rest is None:
            return
        word = rest[int(self.gone)]
        left: i64 = len(rest) - self.gone - 1
        child = _Node()
        child.bindings = self.bindings
        if left > 0:
            child.rest = rest
            child.gone = self.gone + 1
        if word == "#":
            child.least = self.least
            # `_enter_below` asks no more of it.
            child.most = left if left <= 1 else _ANY_NUMBER
        else:
            child.least = self.least - 1
            child.most = self.most if self.most == _ANY_NUMBER else self.most - 1
        self.bindings = []
        self.rest = None
        _set_child(self, word, child)

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
        for gone, word in enumerate(words, 1):
            node.grow()
            if word == "#":
                hashes -= 1
            else:
                left -= 1
            following = _child(node, word)
            if following is None:
                following = _Node()
                _set_child(node, word, following)
                if gone < len(words):
                    following.rest = words
                    following.gone = gone
            node = following
            node.widen(left, hashes)
            if node.rest is not None and node.rest[int(node.gone) :] == words[gone:]:
                break
        else:
            node.grow()
        node.bindings.append(binding)

    def unbind(self, binding: Binding) -> None:
        words = _words(binding.routing_key)
        path = [self._root]
        for word in words:
            if path[-1].rest is not None:
                break
            following = _child(path[-1], word)
            assert following is not None
            path.append(following)
        path[-1].bindings.remove(binding)
        while len(path) > 1 and path[-1].empty():
            path.pop()
            _set_child(path[-1], words[len(path) - 1], None)

    def route(self, routing_key: str, properties: Callable[[], Properties]) -> list[Destination]:
        walk = _Walk(routing_key.split(".") if routing_key else [])
        walk.enter(self._root, 0)
        return [binding.destination for node in walk.matched for binding in node.bindings]


class _Walk:
    """A routing key on its way through the tree. A place is the number of words gone; a node is
    entered at one place, at a set of them, or (below `#`) at all from one on, and only once."""

    __slots__ = ("_after", "_all", "_length", "_places", "_words", "matched")

    def __init__(self, words: list[str]) -> None:
        self.matched: list[_Node] = []
        self._words = words
        self._length: i64 = len(words)
        self._all = 0
        # For each word: a bit for each place after it; for each place, the next that is after it.
        self._places: dict[str, int] = {}
        self._after: dict[str, list[int]] = {}

    def enter(self, node: _Node, place: i64) -> None:
        """Be at this node, at one place."""
        if node.rest is not None:
            self._finish_from(node, place)
            return
        left = self._length - place
        if left == 0:
            if node.bindings:
                self.matched.append(node)
        else:
            left -= 1
            child = node.words.get(self._words[place])
            if child is not None and child.least <= left <= child.most:
                self.enter(child, place + 1)
            child = node.one_word
            if child is not None and child.least <= left <= child.most:
                self.enter(child, place + 1)
            left += 1
        below = node.any_words
        if below is not None and below.least <= left:
            self._enter_below(below, place)

    def _enter_below(self, node: _Node, place: i64) -> None:
        """Be at this node, which a `#` leads to: at all places from this one on."""
        if node.rest is not None:
            if not self._after:
                self._find_words()
            gone = int(place)
            self._finish(node, self._all >> gone << gone)
            return
        if node.bindings:
            self.matched.append(node)
        if place == self._length or not node.words:
            return
        if node.most <= 1:
            child = node.words.get(self._words[self._length - 1])
            if child is not None and child.bindings:
                self.matched.append(child)
            return
        if not self._after:
            self._find_words()
        if len(node.words) <= len(self._after):
            for word, child in node.words.items():
                after = self._after.get(word)
                if after is not None:
                    self._follow(word, child, place, after[place])
        else:
            for word, after in self._after.items():
                following = node.words.get(word)
                if following is not None:
                    self._follow(word, following, place, after[place])

    def _follow(self, word: str, node: _Node, place: i64, first: i64) -> None:
        """Be at this node after the word, from this place on, which first is so at `first`."""
        if first + node.least > self._length:
            return
        rest = node.rest
        if rest is not None and node.gone + 1 == len(rest) and rest[-1] == "#":
            self.matched.append(node)
            return
        if rest is not None or node.words or node.one_word is not None:
            # Not from `place` on: the word that the `#` came after may have been the same.
            gone = int(first)
            self._enter_at(node, self._places[word] >> gone << gone)
            return
        if node.bindings and self._words[self._length - 1] == word:
            self.matched.append(node)
        below = node.any_words
        if below is not None and first + below.least <= self._length:
            self._enter_below(below, first)

    def _enter_at(self, node: _Node, places: int) -> None:
        """Be at this node, at these places."""
        if node.rest is not None:
            self._finish(node, places)
            return
        end = int(self._length)
        if node.most < self._length:
            gone = end - int(node.most)
            places = places >> gone << gone
        if places == 0:
            return
        if node.bindings and places >> end:
            self.matched.append(node)
        for word, child in node.words.items():
            found = self._places.get(word)
            if found is not None:
                found &= places << 1
                if found:
                    self._enter_at(child, found)
        if node.one_word is not None:
            self._enter_at(node.one_word, places << 1 & self._all)
        below = node.any_words
        if below is not None:
            first: i64 = (places & -places).bit_length() - 1
            if first + below.least <= self._length:
                self._enter_below(below, first)

    def _finish_from(self, node: _Node, place: i64) -> None:
        """Be at this node, at one place, where one way leads on: word by word to a `#`."""
        rest = node.rest
        assert rest is not None
        at = node.gone
        while at < len(rest):
            word = rest[int(at)]
            if word == "#":
                break
            if place == self._length or word not in ("*", self._words[int(place)]):
                return
            at += 1
            place += 1
        if at == len(rest):
            if place == self._length:
                self.matched.append(node)
        elif at + 1 == len(rest):
            self.matched.append(node)
        else:
            if not self._after:
                self._find_words()
            self._finish(node, 1 << int(place), at)

    def _finish(self, node: _Node, places: int, at: i64 = -1) -> None:
        """Be at this node, or this far in what is to come of it, at these places, where one way
        leads on."""
        rest = node.rest
        assert rest is not None
        if rest[-1] not in ("#", "*", self._words[self._length - 1]):
            return
        if at < 0:
            at = node.gone
        while at < len(rest) and places != 0:
            word = rest[int(at)]
            at += 1
            if word == "#":
                first: i64 = (places & -places).bit_length() - 1
                # A word, then: `_words` leaves no wildcard after a `#`. The first of it will do
                # where another `#` follows, as it mostly does.
                while at < len(rest):
                    word = rest[int(at)]
                    after = self._after.get(word)
                    if after is None:
                        return
                    first = after[first]
                    if first > self._length:
                        return
                    at += 1
                    if at == len(rest) or rest[int(at)] != "#":
                        places = self._places[word] >> int(first) << int(first)
                        break
                    at += 1
                else:
                    self.matched.append(node)
                    return
            elif word == "*":
                places = places << 1 & self._all
            else:
                places = places << 1 & self._places.get(word, 0)
        if places >> int(self._length):
            self.matched.append(node)

    def _find_words(self) -> None:
        self._all = (1 << len(self._words) + 1) - 1
        for place, word in enumerate(self._words, 1):
            self._places[word] = self._places.get(word, 0) | 1 << place
            after = self._after.setdefault(word, [])
            after.extend([place] * (place - len(after)))
        for after in self._after.values():
            after.extend([_ANY_NUMBER] * (self._length + 1 - len(after)))


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
