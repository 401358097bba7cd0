"""Global parameters: values that concern no vhost, kept for operators and their tools.

The broker reads one of them, the name of the cluster.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from leveret.broker.seams import Pending

if TYPE_CHECKING:
    from leveret.broker.events import Events
    from leveret.broker.seams import DefinitionStore

GLOBAL_PARAMETER: Final = "global_parameter"
CLUSTER_NAME: Final = "cluster_name"


class GlobalParameters:
    """Values of any JSON by name; a change holds once it is committed."""

    def __init__(self, definitions: DefinitionStore, events: Events) -> None:
        self.values: dict[str, object] = {}
        self._events = events
        self._definitions = definitions

    def load(self, name: str, value: object) -> None:
        """One that was stored; its value is in a list of one, so that null is none of damage."""
        if isinstance(value, list) and len(value) == 1:
            self.values[name] = value[0]

    def put(self, name: str, value: object) -> Pending:
        """Set; answers with whether it was there before."""
        answer = Pending()
        told = self._events.prepared(
            ("parameter.set", {"value": value, "name": name, "component": "global"})
        )

        def committed(_revision: object) -> None:
            known = name in self.values
            self.values[name] = value
            told()
            answer.complete(known)

        self._definitions.put(GLOBAL_PARAMETER, name, [value]).then(committed, answer.fail)
        return answer

    def clear(self, name: str) -> Pending:
        """Forget; answers with whether it was there."""
        answer = Pending()
        # As in RabbitMQ, where that is set to nothing.
        told = self._events.prepared(("parameter.set", {"name": name, "component": "global"}))

        def committed(_known: object) -> None:
            known = self.values.pop(name, self) is not self
            if known:
                told()
            answer.complete(known)

        self._definitions.delete(GLOBAL_PARAMETER, name).then(committed, answer.fail)
        return answer

    def cluster_name(self, node: str) -> str:
        """The name of the cluster: its node's unless somebody has given it another."""
        return str(self.values.get(CLUSTER_NAME, node))
