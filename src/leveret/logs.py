"""Log lines: readable in a terminal, or one JSON object each."""

import json
import logging
import sys
from datetime import UTC, datetime
from logging.handlers import WatchedFileHandler
from typing import Final, TextIO

LEVELS: Final = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
}


class TextFormatter(logging.Formatter):
    """Time, level, part of the program, sentence."""

    def format(self, record: logging.LogRecord) -> str:
        text = _one_line(record.getMessage())
        line = f"{self.formatTime(record, '%H:%M:%S')}.{record.msecs:03.0f} "
        line += f"[{record.levelname.lower()}] {text}"
        if record.exc_info:
            traceback = self.formatException(record.exc_info).splitlines()
            line += "".join(f"\n    {_one_line(part)}" for part in traceback)
        return line


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
        # Lone surrogates stand for octets that are no UTF-8.
        return json.dumps(line, ensure_ascii=False).encode(errors="backslashreplace").decode()


def set_up_logging(level: str, form: str, stream: TextIO | None = None, file: str = "") -> None:
    """Send what the program logs to standard error, to a stream, or to a file, which is begun anew
    when somebody has renamed it. Raises OSError, and then nothing has changed."""
    handler: logging.Handler = (
        WatchedFileHandler(file, encoding="utf-8", errors="backslashreplace")
        if file
        else logging.StreamHandler(stream or sys.stderr)
    )
    handler.setFormatter(JsonFormatter() if form == "json" else TextFormatter())
    for before in logging.getLogger("leveret").handlers:
        if isinstance(before, WatchedFileHandler):
            before.close()
    for name, least in (
        ("leveret", LEVELS[level]),
        ("asyncio", logging.ERROR),
        ("uvicorn", logging.ERROR),
    ):
        logger = logging.getLogger(name)
        logger.handlers = [handler]
        logger.propagate = False
        logger.setLevel(least)


def _one_line(text: str) -> str:
    # Names come from clients: a line end in one must not look like another log line.
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
