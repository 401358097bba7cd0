"""SASL mechanisms, in the order in which connection.start offers them. A new one is a file and a
line here."""

from typing import Final

from leveret.access.mechanisms.amqplain import AmqPlain
from leveret.access.mechanisms.plain import Plain
from leveret.broker.seams import Mechanism

MECHANISMS: Final[dict[str, type[Mechanism]]] = {
    mechanism.name: mechanism for mechanism in (AmqPlain, Plain)
}
