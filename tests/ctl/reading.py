"""What a use of the command put out, with everything made by chance taken away."""

import json
import re
from itertools import pairwise
from typing import Any

# Erlang's process ids, and the names that stand for them here.
PID = r"#PID<[\d.]+>|<[\w@.]+\.\d+\.\d+\.\d+>"
NAME = r"[\d.]+:\d+ -> [\d.]+:\d+( \(\d+\))?"
IDS = re.compile(f"{PID}|{NAME}")
TITLE = re.compile(r"[A-Z][^:]*")
BOLD = re.compile(r"\x1b\[\d*m")


def read(arguments: list[str], stdout: str, node: str) -> dict[str, Any]:
    """The lines before the rows in their order, the rows sorted; or the value of JSON."""
    text = IDS.sub("ID", stdout).replace(node, "NODE")
    text = re.sub(r"(rabbitmqctl|leveret ctl) help", "PROGRAM help", text)
    listing = any(word.startswith("list_") for word in arguments)
    as_json = "json" in [word.lower() for word in arguments]
    if as_json and text.startswith(("[", "{")):
        value = json.loads(text)
        if "status" in arguments:
            return {"keys": sorted(value)}
        return {"json": sorted(value, key=json.dumps) if isinstance(value, list) else value}
    lines = text.split("\n")
    if "status" in arguments and text:
        lines = BOLD.sub("", text).split("\n")
        # The title of a section stands above an empty line.
        titles = [line for line, below in pairwise(lines) if TITLE.fullmatch(line) and not below]
        return {"first": lines[0], "sections": titles}
    if not listing or "pretty_table" in arguments:
        return {"lines": lines}
    fixed = _announced(arguments, as_json) + _header(arguments)
    return {"lines": lines[:fixed], "rows": sorted(lines[fixed:])}


def _announced(arguments: list[str], as_json: bool) -> int:
    quiet = any(word in ("-q", "-s", "-qs", "--quiet", "--silent") for word in arguments)
    if quiet or as_json or "csv" in arguments:
        return 0
    return 2 if "list_queues" in arguments else 1


def _header(arguments: list[str]) -> int:
    bare = any(word in ("-s", "-qs", "--silent", "--no-table-headers") for word in arguments)
    return 0 if bare and "csv" not in arguments else 1
