"""What can be wrong with bytes that came in, or with values that are to go out."""


class WireError(Exception):
    """Any failure to turn bytes into values or values into bytes."""


class MalformedFrame(WireError):
    """Bytes that are not what AMQP 0-9-1 prescribes; the text can serve as reply-text."""


class MalformedString(MalformedFrame):
    """A short string that is not UTF-8."""


class UnknownMethod(WireError):
    """A class and method id that nobody defined."""

    def __init__(self, class_id: int, method_id: int) -> None:
        super().__init__(f"unknown method: class id {class_id}, method id {method_id}")
        self.class_id = class_id
        self.method_id = method_id


class Unencodable(WireError, ValueError):
    """A value that its wire type cannot carry; nothing is ever cut to fit."""
