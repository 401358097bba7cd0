"""SASL mechanisms. A new one is a file and a line here. Which of them are offered, and in which
order, is the setting `auth_mechanisms`."""

from typing import Final

from leveret.access.mechanisms.amqplain import AmqPlain
from leveret.access.mechanisms.external import External
from leveret.access.mechanisms.plain import Plain
from leveret.broker.seams import Mechanism

MECHANISMS: Final[dict[str, type[Mechanism]]] = {
    mechanism.name: mechanism for mechanism in (AmqPlain, Plain, External)
}
