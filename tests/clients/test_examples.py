"""The examples of docs/clients.md run as they are, but for the address.

They begin with a comment that says what to install, and where one has its name, the file's name.
"""

import re
import shutil
import sys
from pathlib import Path

import pytest

from .conftest import AMQPLIB

PAGE = Path(__file__).parents[2] / "docs" / "clients.md"
EXAMPLE = r"^## (\S+)\n(?:(?!^##).)*?^```(?:python|javascript)\n(.*?)^```"
SECTIONS = dict(re.findall(EXAMPLE, PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE))
START_SECONDS = 30

pytestmark = pytest.mark.timeout(60)


@pytest.fixture
def save(server, tmp_path):
    """Saves the example of a section, with the test's server as address."""

    def save_example(section, file):
        code = SECTIONS[section]
        assert "localhost" in code
        path = tmp_path / file
        code = code.replace("amqp://localhost", server.url)
        code = code.replace('"localhost"', f'"{server.address}", virtual_host="{server.vhost}"')
        path.write_text(code, encoding="utf-8")
        return path

    return save_example


def test_every_section_with_an_example_has_a_test():
    assert set(SECTIONS) == {
        *("py-amqp", "kombu", "Celery", "FastStream", "Dramatiq", "aio-pika", "amqplib")
    }


@pytest.mark.parametrize(
    ("section", "says"),
    [
        ("py-amqp", "Hello World!"),
        ("kombu", "3 carrots"),
        ("FastStream", "7 \\* 7 = 49"),
        ("aio-pika", "Hello World!"),
    ],
)
def test_a_program_says_what_it_shall(save, start, section, says):
    program = start(sys.executable, str(save(section, "program.py")))
    program.says(says)
    assert program.wait() == 0


def test_celery_adds(save, start):
    file = save("Celery", "tasks.py")
    folder = {"PYTHONPATH": str(file.parent)}
    worker = start(
        *(sys.executable, "-m", "celery", "--app", "tasks", "worker", "--loglevel", "INFO"),
        **folder,
    )
    worker.says("ready", within_seconds=START_SECONDS)
    program = start(sys.executable, str(file), **folder)
    program.says(r"1 \+ 2 = 3")
    assert program.wait() == 0


def test_dramatiq_greets(save, start):
    file = save("Dramatiq", "actors.py")
    worker = start(sys.executable, "-m", "dramatiq", "--path", str(file.parent), "--", "actors")
    worker.says("ready for action", within_seconds=START_SECONDS)
    assert start(sys.executable, str(file)).wait() == 0
    worker.says("Hello World")
    worker.says("Hello later World")


if AMQPLIB.is_dir():

    def test_amqplib_gets_its_message(save, start):
        assert shutil.which("node")
        program = start("node", str(save("amqplib", "hello.js")), NODE_PATH=str(AMQPLIB.parent))
        program.says("Hello World!")
        assert program.wait() == 0
