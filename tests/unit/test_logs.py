"""Log lines, whatever clients put into names."""

import io
import json
import logging
from collections.abc import Iterator

import pytest

from leveret.logs import JsonFormatter, TextFormatter, set_up_logging

HOSTILE = "a\nb\r\nc\td\x1b[31m\x00\x7f\x85\u2028\u202e"


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    logger = logging.getLogger("leveret")
    before = logger.handlers, logger.propagate, logger.level
    yield io.StringIO()
    logger.handlers, logger.propagate = before[:2]
    logger.setLevel(before[2])


def lines(stream: io.StringIO) -> list[str]:
    return stream.getvalue().splitlines()


def test_a_text_line_has_time_level_and_sentence(stream: io.StringIO) -> None:
    set_up_logging("info", "text", stream)
    logging.getLogger("leveret.connection").warning("queue '%s' is %d", "q", 1)
    (line,) = lines(stream)
    time, level, sentence = line.split(" ", 2)
    assert (level, sentence) == ("[warning]", "queue 'q' is 1")
    assert time.count(":") == 2


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_record_is_one_line_whatever_is_in_it(stream: io.StringIO, form: str) -> None:
    set_up_logging("info", form, stream)
    logging.getLogger("leveret").info("name %s", HOSTILE)
    (line, end) = stream.getvalue().split("\n")
    assert end == ""
    assert all(character >= " " for character in line)


def test_control_characters_are_escaped_in_text(stream: io.StringIO) -> None:
    set_up_logging("info", "text", stream)
    logging.getLogger("leveret").info("name %s", HOSTILE)
    (line,) = lines(stream)
    assert line.endswith("name a\\nb\\r\\nc\\td\\x1b[31m\\x00\\x7f\\x85\\u2028\\u202e")


def test_text_of_any_script_stays_as_it_is(stream: io.StringIO) -> None:
    set_up_logging("info", "text", stream)
    logging.getLogger("leveret").info("Größe 世界 \U0001f407")
    assert lines(stream)[0].endswith("Größe 世界 \U0001f407")


def test_a_json_line_holds_the_record(stream: io.StringIO) -> None:
    set_up_logging("debug", "json", stream)
    logging.getLogger("leveret.access").debug("name %s", HOSTILE)
    found = json.loads(stream.getvalue())
    assert found.pop("time").endswith("+00:00")
    assert found == {"level": "debug", "logger": "leveret.access", "message": f"name {HOSTILE}"}


def test_names_that_are_not_utf_8_are_logged_too(stream: io.StringIO) -> None:
    for form in ("text", "json"):
        set_up_logging("info", form, stream)
        logging.getLogger("leveret").info("user %s", b"\xff".decode(errors="surrogateescape"))
    text, line = stream.getvalue().splitlines()
    assert text.endswith("user \\udcff")
    assert json.loads(line)["message"] == "user \udcff"


def fail(sentence: str, *arguments: object) -> None:
    try:
        raise KeyError("missing")
    except KeyError:
        logging.getLogger("leveret").exception(sentence, *arguments)


def test_an_exception_is_part_of_its_json_line(stream: io.StringIO) -> None:
    set_up_logging("info", "json", stream)
    fail("broken")
    found = json.loads(stream.getvalue())
    assert "KeyError: 'missing'" in found["exception"]
    assert found["message"] == "broken"


def test_an_exception_follows_its_text_line(stream: io.StringIO) -> None:
    set_up_logging("info", "text", stream)
    fail("broken")
    first, *rest = lines(stream)
    assert first.endswith("[error] broken")
    assert rest[-1] == "    KeyError: 'missing'"


def test_a_name_cannot_forge_a_line_by_way_of_an_exception(stream: io.StringIO) -> None:
    set_up_logging("info", "text", stream)
    fail("connection '%s'", "x\n12:00:00.000 [info] all is well")
    assert not any(line.startswith("12:00") for line in lines(stream)[1:])


def test_what_is_below_the_level_is_not_logged(stream: io.StringIO) -> None:
    set_up_logging("warning", "text", stream)
    logging.getLogger("leveret.connection").info("opened")
    assert stream.getvalue() == ""


@pytest.mark.parametrize("formatter", [TextFormatter(), JsonFormatter()])
def test_formatting_leaves_the_record_alone(formatter: logging.Formatter) -> None:
    record = logging.makeLogRecord({"msg": "x", "levelname": "INFO", "levelno": logging.INFO})
    formatter.format(record)
    assert record.levelname == "INFO"


def test_a_file_is_begun_anew_when_somebody_has_renamed_it(stream: io.StringIO, tmp_path) -> None:
    file, renamed = tmp_path / "log", tmp_path / "log.1"
    set_up_logging("info", "text", file=str(file))
    logging.getLogger("leveret").info("one")
    file.rename(renamed)
    logging.getLogger("leveret").info("two")
    # Back to the stream: the file is closed.
    set_up_logging("info", "text", stream)
    logging.getLogger("leveret").info("three")
    texts = (renamed.read_text(), file.read_text(), stream.getvalue())
    assert [text.split()[-1] for text in texts] == ["one", "two", "three"]
    assert [text.count("\n") for text in texts] == [1, 1, 1]
