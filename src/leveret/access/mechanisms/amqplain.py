"""AMQPLAIN: LOGIN and PASSWORD in a field table, without the table's length."""

from typing import ClassVar

from leveret.broker.seams import Credentials, Mechanism
from leveret.errors import MalformedArguments
from leveret.wire.errors import WireError
from leveret.wire.table import decode_table


class AmqPlain(Mechanism):
    name: ClassVar[str] = "AMQPLAIN"

    def respond(self, response: bytes) -> Credentials | bytes:
        try:
            table = decode_table(response, 0, len(response))
        except WireError as error:
            raise MalformedArguments("response invalid") from error
        login, password = table.get("LOGIN"), table.get("PASSWORD")
        if login is None or password is None:
            raise MalformedArguments("AMQPLAIN auth info has no LOGIN or PASSWORD")
        user = login.value if isinstance(login.value, bytes) else b""
        # A password of another type is merely wrong, as in RabbitMQ.
        secret = password.value if isinstance(password.value, bytes) else b""
        return Credentials(user.decode(errors="surrogateescape"), secret)
