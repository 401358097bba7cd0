"""Values as Erlang terms, and with their wire types in JSON."""

import pytest

from leveret.cli.ctl.answers import Rows
from leveret.cli.ctl.formatters import FORMATTERS
from leveret.cli.ctl.terms import Cell, host, json_of, names, printable, table, text_of

ARGUMENTS = {
    "text": 'quote " and \\',
    "empty": "",
    "small": 5,
    "large": 2**40,
    "flag": True,
    "half": 0.5,
    "nothing": None,
    "list": [1, "a", {"k": []}],
    "table": {"a": {"b": 1}},
}


def test_a_field_table_is_a_property_list() -> None:
    assert text_of(table(ARGUMENTS)) == (
        r'[{"text","quote \" and \\"},{"empty",""},{"small",5},{"large",1099511627776},'
        r'{"flag",true},{"half",0.5},{"nothing",undefined},{"list",[1,"a",[{"k",[]}]]},'
        r'{"table",[{"a",[{"b",1}]}]}]'
    )


def test_a_field_table_in_json_names_the_wire_types() -> None:
    assert json_of(table(ARGUMENTS)) == [
        ["text", "longstr", 'quote " and \\'],
        ["empty", "longstr", ""],
        ["small", "signedint", 5],
        ["large", "long", 2**40],
        ["flag", "bool", True],
        ["half", "double", 0.5],
        ["nothing", "void", "undefined"],
        ["list", "array", [["signedint", 1], ["longstr", "a"], ["table", [["k", "array", []]]]]],
        ["table", "table", [["a", "table", [["b", "signedint", 1]]]]],
    ]


@pytest.mark.parametrize(
    ("address", "numbers"),
    [
        ("127.0.0.1", [127, 0, 0, 1]),
        ("::1", [0, 0, 0, 0, 0, 0, 0, 1]),
        ("fe80::2:1", [0xFE80, 0, 0, 0, 0, 0, 2, 1]),
        ("a name", "a name"),
    ],
)
def test_an_address_is_numbers_in_json(address: str, numbers: object) -> None:
    assert host(address) == Cell(address, numbers)


def test_names_stand_between_brackets() -> None:
    assert text_of(names(["a", "b"])) == "[a, b]"
    assert json_of(names([])) == []


def test_what_there_is_none_of_is_empty() -> None:
    assert (text_of(None), json_of(None)) == ("", "")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain ž \U0001f407", "plain ž \U0001f407"),
        ("a\tb\nc\rd\x00e", r"a\tb\nc\rd\x00e"),
        ("\x1b[0m\x7f\x9b", r"\x1b[0m\x7f\x9b"),
        ("\u2028\u202e\u2066", r"\u2028\u202e\u2066"),
        ("fa\u200dmi\u200dly", "fa\u200dmi\u200dly"),
    ],
)
def test_control_characters_are_escaped(text: str, shown: str) -> None:
    assert printable(text) == shown


def test_a_pretty_table_is_as_wide_as_its_text() -> None:
    rows = Rows(("name",), [["日本"], ["ab"], ["e\u0301"]])
    lines = FORMATTERS["pretty_table"].rows(rows, headers=True).splitlines()
    plain = [line.replace("\x1b(0", "").replace("\x1b(B", "") for line in lines]
    assert plain == [
        "lqqqqqqk",
        "x \x1b[1mname\x1b[0m x",
        "tqqqqqqu",
        "x 日本 x",
        "tqqqqqqu",
        "x ab   x",
        "tqqqqqqu",
        "x e\u0301    x",
        "mqqqqqqj",
    ]
