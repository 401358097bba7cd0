"""What the tests of this folder have to say at the end of a run."""

sections: dict[str, list[str]] = {}


def say(section: str, line: str) -> None:
    sections.setdefault(section, []).append(line)
