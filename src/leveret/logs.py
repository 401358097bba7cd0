"""Log lines: readable in a terminal, or one JSON object each."""

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Final, TextIO

LEVELS: Final = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
}


class TextFormatter(logging.Formatter):
    """Time, level, part of the program, sentence."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s.%(msecs)03d [%(levelname)s] %(message)s", "%H:%M:%S")

    def format(self, record: logging.LogRecord) -> str:
        record.levelname = record.levelname.lower()
        return _one_line(super().format(record)) if not record.exc_info else super().format(record)


class JsonFormatter(logging.Formatter):
    """`time`, `level`, `logger`, `message`, and `exception` where there is one."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


def set_up_logging(level: str, form: str, stream: TextIO | None = None) -> None:
    """Send what the program logs to standard error, or to a stream."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonFormatter() if form == "json" else TextFormatter())
    logger = logging.getLogger("leveret")
    logger.handlers = [handler]
    logger.propagate = False
    logger.setLevel(LEVELS[level])


def _one_line(text: str) -> str:
    # Names come from clients: a line end in one must not look like another log line.
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
