"""What policies do to a queue or an exchange: the one place where it hears of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from leveret.broker.rules import rules_of

if TYPE_CHECKING:
    from leveret.broker.queues.classic import ClassicQueue

Definition = Mapping[str, object]


def obey(queue: ClassicQueue, policy: Definition, operator_policy: Definition) -> None:
    """Have a queue obey its arguments and the definitions of its policies from now on; a
    definition is empty where there is no policy."""
    queue.obey(rules_of(queue.arguments, policy, operator_policy))
