"""The formatters of --formatter: a class each."""

import json
import unicodedata
from typing import Any, Final

from leveret.cli.ctl.answers import Done, Rows, Said
from leveret.cli.ctl.terms import json_of, text_of


class Formatter:
    """Makes text of answers. A verb that is merely done says so in JSON only."""

    # Whether a line before the answer says what is being done.
    announces = True
    # Whether the text holds colours for readers who are no terminal, too.
    coloured = False

    def rows(self, answer: Rows, headers: bool) -> str:
        raise NotImplementedError

    def said(self, answer: Said) -> str:
        return answer.text + "\n"

    def done(self, answer: Done, node: str) -> str:
        return ""

    def failed(self, sentence: str, node: str) -> str:
        return f"Error: {sentence}\n"


class TableFormatter(Formatter):
    """Columns between tabs."""

    def rows(self, answer: Rows, headers: bool) -> str:
        if not answer.rows:
            return "" if answer.streamed else "\n"
        lines = ["\t".join(answer.columns)] if headers else []
        lines += ["\t".join(text_of(value) for value in row) for row in answer.rows]
        return "".join(line + "\n" for line in lines)


class CsvFormatter(Formatter):
    """Every value in quotes."""

    announces = False

    def rows(self, answer: Rows, headers: bool) -> str:
        if not answer.rows:
            return "" if answer.streamed else "\r\n\r\n\n"
        rows = [list(answer.columns), *([text_of(value) for value in row] for row in answer.rows)]
        return "".join(",".join(_quoted(text) for text in row) + "\n" for row in rows)

    def said(self, answer: Said) -> str:
        return _quoted(answer.text) + "\n"


class JsonFormatter(Formatter):
    """A JSON object, or an array of one for each row."""

    announces = False

    def rows(self, answer: Rows, headers: bool) -> str:
        if not answer.rows and not answer.streamed:
            return "[]\n"
        objects = [
            _json({name: json_of(each) for name, each in zip(answer.columns, row, strict=True)})
            for row in answer.rows
        ]
        return "[\n" + "\n,".join(objects) + ("\n]\n" if objects else "]\n")

    def said(self, answer: Said) -> str:
        return _json(answer.value or {"message": answer.text}) + "\n"

    def done(self, answer: Done, node: str) -> str:
        return _json({"node": node, "result": "ok"}) + "\n"

    def failed(self, sentence: str, node: str) -> str:
        return _json({"message": sentence, "node": node, "result": "error"}) + "\n"


class PrettyTableFormatter(Formatter):
    """A box around every value, drawn in the line characters that terminals have."""

    coloured = True

    def rows(self, answer: Rows, headers: bool) -> str:
        if not answer.rows:
            return "" if answer.streamed else _box([["Output"], ["[]"]])
        rows = [list(answer.columns), *([text_of(value) for value in row] for row in answer.rows)]
        return _box(rows)

    def said(self, answer: Said) -> str:
        return _box([["Output"], [answer.text]])


FORMATTERS: Final[dict[str, Formatter]] = {
    "table": TableFormatter(),
    "json": JsonFormatter(),
    "csv": CsvFormatter(),
    "pretty_table": PrettyTableFormatter(),
}


def _json(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    if text.isprintable():
        return text
    # JSON escapes the control characters of ASCII; a terminal obeys more of them.
    return "".join(
        f"\\u{ord(character):04x}" if unicodedata.category(character) == "Cc" else character
        for character in text
    )


def _quoted(text: str) -> str:
    doubled = text.replace('"', '""')
    return f'"{doubled}"'


def _box(rows: list[list[str]]) -> str:
    widths = [max(_width(text) for text in column) for column in zip(*rows, strict=True)]

    def ruled(left: str, middle: str, right: str) -> str:
        bars = middle.join("q" * (width + 2) for width in widths)
        return f"{_lines(left + bars + right)}\n"

    def filled(row: list[str], bold: bool) -> str:
        bar = _lines("x")
        cells = [
            f" \x1b[1m{text}\x1b[0m{' ' * (width - _width(text))} "
            if bold
            else f" {text}{' ' * (width - _width(text))} "
            for text, width in zip(row, widths, strict=True)
        ]
        return bar + bar.join(cells) + bar + "\n"

    between = ruled("t", "n", "u")
    body = between.join(filled(row, bold=number == 0) for number, row in enumerate(rows))
    return ruled("l", "w", "k") + body + ruled("m", "v", "j")


def _lines(drawing: str) -> str:
    return f"\x1b(0{drawing}\x1b(B"


def _width(text: str) -> int:
    """How many columns of a terminal a text takes."""
    return sum(
        0 if unicodedata.combining(character) else 1 + (_is_wide(character)) for character in text
    )


def _is_wide(character: str) -> bool:
    return unicodedata.east_asian_width(character) in "WF"
