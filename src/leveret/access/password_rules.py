"""What a new password has to be like."""

from leveret.broker.patterns import Pattern, check_pattern


class PasswordError(ValueError):
    """A password that is not taken; the text is RabbitMQ's and does not hold it."""


class PasswordRules:
    """`min_length` octets at least, and `pattern` found in it if there is one. Raises
    `PatternError` for what is no pattern."""

    def __init__(self, min_length: int = 0, pattern: str = "") -> None:
        check_pattern(pattern)
        self._min_length = min_length
        self._pattern = Pattern(pattern, "password", "refuses everything") if pattern else None

    def check(self, password: str) -> None:
        """Raise `PasswordError` for a password that breaks a rule."""
        if len(password.encode()) < self._min_length:
            raise PasswordError(f"minimum required password length is {self._min_length}")
        if self._pattern is not None and not self._pattern.matches(password):
            raise PasswordError("provided password does not match the validator regular expression")
