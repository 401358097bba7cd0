"""As much of PromQL as RabbitMQ's dashboard uses, evaluated on scrapes.

Selectors with matchers, `rate`, `irate` and `increase` over a range, `sum ... by`, `count`, joins
`* on(...) group_left(...)`, sums, differences and ratios of vectors with the same labels.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

Labels = dict[str, str]
# Values, each with whether it is to be this one.
Matchers = dict[str, tuple[str, bool]]
Vector = list[tuple[Labels, float]]

_TOKEN = re.compile(r"\s*([a-zA-Z_:][\w:]*|\"[^\"]*\"|\d+s|!=|[{}()\[\],=+*/-])")
_SAMPLE = re.compile(r"^([a-zA-Z_:][\w:]*)(\{.*\})? (\S+)$")
_LABEL = re.compile(r'([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"')


@dataclass
class Scrape:
    """What was scraped at a moment, in seconds, with the labels that Prometheus adds."""

    at: float
    samples: dict[str, Vector]

    @classmethod
    def of(cls, text: str, at: float, **target: str) -> "Scrape":
        samples: dict[str, Vector] = {}
        for line in text.splitlines():
            if line.startswith("#"):
                continue
            found = _SAMPLE.match(line)
            assert found is not None, line
            name, inside, number = found.groups()
            labels = {
                key: re.sub(r"\\(.)", lambda c: "\n" if c[1] == "n" else c[1], value)
                for key, value in _LABEL.findall(inside or "")
            }
            samples.setdefault(name, []).append((labels | target, float(number)))
        return cls(at, samples)


def evaluate(expression: str, before: Scrape, now: Scrape) -> Vector:
    """The vector that an expression has now; rates are since the scrape before."""
    parser = _Parser(expression, before, now)
    vector = parser.sum_of_terms()
    assert parser.peek() == "", f"{expression!r}: {parser.peek()!r} is not understood"
    return vector


class _Parser:
    def __init__(self, expression: str, before: Scrape, now: Scrape) -> None:
        self._tokens = _TOKEN.findall(expression)
        assert "".join(self._tokens) == re.sub(r"\s", "", expression), expression
        self._at = 0
        self._before = before
        self._now = now

    def peek(self) -> str:
        return self._tokens[self._at] if self._at < len(self._tokens) else ""

    def take(self, expected: str = "") -> str:
        token = self.peek()
        assert token, "there is more to come"
        assert expected in ("", token), f"{expected!r} expected, not {token!r}"
        self._at += 1
        return token

    def sum_of_terms(self) -> Vector:
        vector = self._ratio()
        while self.peek() in ("+", "-"):
            sign = 1 if self.take() == "+" else -1
            vector = [(labels, a + sign * b) for labels, a, b in _both(vector, self._ratio())]
        return vector

    def _ratio(self) -> Vector:
        vector = self._joined()
        while self.peek() == "/":
            self.take()
            vector = [(labels, a / b) for labels, a, b in _both(vector, self._joined())]
        return vector

    def _joined(self) -> Vector:
        vector = self._operand()
        while self.peek() == "*":
            self.take()
            self.take("on")
            on = self._names()
            self.take("group_left")
            added = self._names()
            vector = list(_join(vector, self._operand(), on, added))
        return vector

    def _operand(self) -> Vector:
        token = self.take()
        if token == "(":
            vector = self.sum_of_terms()
            self.take(")")
            return vector
        if token == "sum":
            self.take("(")
            vector = self.sum_of_terms()
            self.take(")")
            names = []
            if self.peek() == "by":
                self.take()
                names = self._names()
            return _summed(vector, names)
        if token == "count":
            self.take("(")
            count = float(len(self.sum_of_terms()))
            self.take(")")
            return [({}, count)] if count else []
        if token in ("rate", "irate", "increase"):
            self.take("(")
            vector = self._selected(self.take())
            self.take(")")
            if token == "increase":
                elapsed = self._now.at - self._before.at
                return [(labels, number * elapsed) for labels, number in vector]
            return vector
        return self._selected(token)

    def _selected(self, name: str) -> Vector:
        matchers: Matchers = {}
        if self.peek() == "{":
            self.take()
            while self.peek() != "}":
                label, sign = self.take(), self.take()
                assert sign in ("=", "!="), sign
                matchers[label] = self.take()[1:-1], sign == "="
                if self.peek() == ",":
                    self.take()
            self.take("}")
        now = _matching(self._now.samples.get(name, []), matchers)
        if self.peek() != "[":
            return now
        for expected in ("[", "", "]"):
            self.take(expected)
        earlier = {
            _key(labels): number
            for labels, number in _matching(self._before.samples.get(name, []), matchers)
        }
        elapsed = self._now.at - self._before.at
        return [
            (labels, (number - earlier[_key(labels)]) / elapsed)
            for labels, number in now
            if _key(labels) in earlier
        ]

    def _names(self) -> list[str]:
        self.take("(")
        names = []
        while self.peek() != ")":
            names.append(self.take())
            if self.peek() == ",":
                self.take()
        self.take(")")
        return names


def _key(labels: Labels) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(labels.items()))


def _both(vector: Vector, other: Vector) -> Iterator[tuple[Labels, float, float]]:
    numbers = {_key(labels): number for labels, number in other}
    for labels, number in vector:
        if _key(labels) in numbers:
            yield labels, number, numbers[_key(labels)]


def _matching(vector: Vector, matchers: Matchers) -> Vector:
    # A label that is not there is empty.
    return [
        (labels, number)
        for labels, number in vector
        if all(
            (labels.get(label, "") == value) == equal for label, (value, equal) in matchers.items()
        )
    ]


def _join(many: Vector, one: Vector, on: list[str], added: list[str]) -> Vector:
    by_key: dict[tuple[str, ...], tuple[Labels, float]] = {}
    for labels, number in one:
        key = tuple(labels.get(name, "") for name in on)
        assert key not in by_key, f"{key} is twice on the side of one"
        by_key[key] = labels, number
    joined: Vector = []
    for labels, number in many:
        found = by_key.get(tuple(labels.get(name, "") for name in on))
        if found is not None:
            more = {name: found[0][name] for name in added if name in found[0]}
            joined.append((labels | more, number * found[1]))
    return joined


def _summed(vector: Vector, names: list[str]) -> Vector:
    sums: dict[tuple[str, ...], float] = {}
    for labels, number in vector:
        key = tuple(labels.get(name, "") for name in names)
        sums[key] = sums.get(key, 0.0) + number
    return [(dict(zip(names, key, strict=True)), number) for key, number in sums.items()]
