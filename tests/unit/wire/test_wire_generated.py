"""The committed constants and methods are what the table of facts gives, and it gives the truth."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from pamqp import commands, exceptions

from leveret.wire import constants, methods

TOOLS = Path(__file__).parents[3] / "tools"


def load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, TOOLS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules.setdefault(name, module)
    spec.loader.exec_module(module)
    return module


specification = load("specification")
generate_wire = load("generate_wire")
WIRE = TOOLS.parent / "src" / "leveret" / "wire"


def test_generating_again_gives_the_committed_constants() -> None:
    assert generate_wire.constants() == (WIRE / "constants.py").read_text(encoding="utf-8")


def test_generating_again_gives_the_committed_methods() -> None:
    assert generate_wire.methods() == (WIRE / "methods.py").read_text(encoding="utf-8")


# pamqp knows no access.request: RabbitMQ keeps it for clients of version 0-8.
KNOWN_TO_PAMQP = [m for m in specification.METHODS if m.class_name != "access"]
# Names that pamqp spells otherwise.
PAMQP_NAMES = {"failing_class_id": "class_id", "failing_method_id": "method_id"}


@pytest.mark.parametrize("method", KNOWN_TO_PAMQP, ids=lambda method: method.full_name)
def test_a_method_has_the_id_the_fields_and_the_replies_that_pamqp_knows(
    method: Any,
) -> None:
    known: Any = commands.INDEX_MAPPING[method.class_id << 16 | method.method_id]
    assert known.name.replace(".", "").lower() == method.full_name.replace("-", "").replace(".", "")
    names = [PAMQP_NAMES.get(field.name, field.name) for field in method.fields]
    assert names == [name.removeprefix("exchange_") for name in known.attributes()]
    assert [f.type for f in method.fields] == [known.amqp_type(a) for a in known.attributes()]
    if known.synchronous:
        replies = {reply.replace("-", "").replace(".", "") for reply in method.replies}
        assert replies == {reply.lower().replace(".", "") for reply in known.valid_responses}


def test_pamqp_knows_no_method_that_is_missing_here() -> None:
    assert set(commands.INDEX_MAPPING) <= set(methods.METHODS)


def test_reply_codes_have_the_severity_that_pamqp_gives_them() -> None:
    for code, name in constants.REPLY_NAMES.items():
        known = exceptions.CLASS_MAPPING[code]
        hard = issubclass(known, exceptions.AMQPHardError)
        assert getattr(constants, name) == code
        assert (code in constants.HARD_ERRORS) == hard, name


def test_frame_constants_are_those_of_the_specification() -> None:
    assert constants.FRAME_METHOD == 1
    assert constants.FRAME_HEADER == 2
    assert constants.FRAME_BODY == 3
    assert constants.FRAME_HEARTBEAT == 8
    assert constants.FRAME_END == 206
    assert constants.FRAME_MIN_SIZE == 4096
    assert constants.PROTOCOL_HEADER == b"AMQP\x00\x00\x09\x01"


def test_property_flags_are_those_that_pamqp_knows() -> None:
    for name, flag in commands.Basic.Properties.flags.items():
        ours = name.removeprefix("message_") if name == "message_type" else name
        assert getattr(constants, f"FLAG_{ours.upper()}") == flag
