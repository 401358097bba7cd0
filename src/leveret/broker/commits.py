"""The changes of a vhost's durable things that the definition store has not committed yet.

What is declared or bound is there for everybody once it is committed, and for nobody before. Who
wants the same in the meantime waits, and is then judged as usual. What is deleted is gone at once;
only the answer waits.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from leveret.broker.durable import is_durable, key_of, value_of
from leveret.broker.seams import Binding, DefinitionStore, Pending
from leveret.errors import NotFound

if TYPE_CHECKING:
    from collections.abc import Callable

    from leveret.broker.durable import DefinitionKey, Thing

log = logging.getLogger("leveret.vhost")


class _Waiting:
    """Somebody who asks `again` once a commit is done."""

    def __init__(self, owner: object, again: Callable[[], Pending]) -> None:
        self.owner = owner
        self.again = again
        self.answer = Pending()


class _UnderWay:
    """A thing whose definition is being committed, and those who wait for that."""

    def __init__(self, thing: Thing) -> None:
        self.thing = thing
        self.answer = Pending()
        self.waiting: list[_Waiting] = []


class Commits:
    """Of the vhost of this name; `under_way` by kind and name, of bindings by kind and key."""

    def __init__(self, vhost: str, definitions: DefinitionStore) -> None:
        self.under_way: dict[tuple[str, str], _UnderWay] = {}
        self._vhost = vhost
        self._definitions = definitions

    def put(
        self,
        what: tuple[str, str],
        thing: Thing,
        committed: Callable[[], Pending],
        dropped: Callable[[], object],
    ) -> Pending:
        """Store a new thing; `committed` then makes it visible and has the answer. `dropped` is
        called instead if there will be no such thing."""
        started = _UnderWay(thing)
        stored = self._definitions.put(*key_of(self._vhost, thing), value_of(thing))
        self.under_way[what] = started

        def done(_revision: object) -> None:
            if self.under_way.get(what) is not started:
                dropped()
                return
            del self.under_way[what]
            _pass_on(committed, started.answer)
            _let_go_on(started)

        def refused(error: Exception) -> None:
            dropped()
            if self.under_way.get(what) is started:
                del self.under_way[what]
                started.answer.fail(error)
                _let_go_on(started)

        stored.then(done, refused)
        return started.answer

    def after(self, what: tuple[str, str], owner: object, again: Callable[[], Pending]) -> Pending:
        """Ask again once what is under way is committed, unless `owner` is gone by then."""
        waiting = _Waiting(owner, again)
        self.under_way[what].waiting.append(waiting)
        return waiting.answer

    def delete(self, things: list[Thing], value: object) -> Pending:
        """Forget the definitions of things that are gone, all in one; answers with `value`."""
        keys = self._keys([*things, *self._coming_bindings(things)])
        if not keys:
            return Pending.of(value)
        answer = Pending()

        def failed(error: Exception) -> None:
            # Not everybody who deletes waits for the answer: a closed connection does not.
            log.error(
                "vhost '%s': what was deleted will be back after a restart: %s", self._vhost, error
            )
            answer.fail(error)

        self._definitions.delete_all(keys).then(lambda _: answer.complete(value), failed)
        return answer

    def forget(self, owner: object) -> None:
        """A connection is gone: nothing is declared in its name any more."""
        for started in self.under_way.values():
            started.waiting = [each for each in started.waiting if each.owner is not owner]

    def close(self, things: list[Thing]) -> list[DefinitionKey]:
        """The vhost goes with all these things: the definitions to be forgotten with it. Whoever
        waits is refused."""
        started = list(self.under_way.values())
        self.under_way.clear()
        keys = self._keys([*things, *(each.thing for each in started)])
        error = NotFound(f"vhost '{self._vhost}' is deleted")
        for each in started:
            each.answer.fail(error)
            for waiting in each.waiting:
                waiting.answer.fail(error)
        return keys

    def _keys(self, things: list[Thing]) -> list[DefinitionKey]:
        return [key_of(self._vhost, thing) for thing in things if is_durable(thing)]

    def _coming_bindings(self, ends: list[Thing]) -> list[Thing]:
        """The bindings under way of which an end is among these."""
        return [
            started.thing
            for started in self.under_way.values()
            if isinstance(started.thing, Binding)
            and (started.thing.source in ends or started.thing.destination in ends)
        ]


def _let_go_on(started: _UnderWay) -> None:
    for waiting in started.waiting:
        _pass_on(waiting.again, waiting.answer)


def _pass_on(step: Callable[[], Pending], answer: Pending) -> None:
    try:
        outcome = step()
    except Exception as error:
        # Whatever it is: it is the asker's, and those who come next go on.
        answer.fail(error)
        return
    outcome.then(answer.complete, answer.fail)
