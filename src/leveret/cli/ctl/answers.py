"""What a verb answers, before a formatter makes text of it."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Rows:
    """A listing. rabbitmqctl prints an empty one differently when it did not stream it."""

    columns: tuple[str, ...]
    rows: list[list[object]]
    streamed: bool = True


@dataclass(frozen=True)
class Said:
    """A sentence, and what stands for it in JSON."""

    text: str
    value: dict[str, object] = field(default_factory=dict)


class Done:
    """It is done, and that is all there is to say."""


Answer = Rows | Said | Done
