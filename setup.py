"""Builds the compiled core where there is a C compiler, and does without it where there is none.

Everything else is in pyproject.toml. LEVERET_PURE=1 asks for plain Python.
"""

import os
import re
import sys
import tomllib
from pathlib import Path
from typing import Any

from setuptools import setup

ROOT = Path(__file__).parent
GROUP = "leveret_compiled"

# In what mypyc writes, an index of a vec is compared with the length, and then it is asked whether
# it counts from the end. The C compiler takes that for as likely and jumps over it each time.
BELOW_LENGTH = re.compile(r"(= \(uint64_t\)\w+ < \(uint64_t\)\w+;\s+if \()(\w+)(\) goto)")


def extensions() -> list[Any]:
    """The one mypyc group of the modules that pyproject.toml lists; empty for plain Python."""
    if os.environ.get("LEVERET_PURE"):
        return []
    try:
        from mypyc.build import mypycify
    except ImportError:
        print("mypyc is not installed: plain Python", file=sys.stderr)
        return []
    with open(ROOT / "pyproject.toml", "rb") as file:
        modules = tomllib.load(file)["tool"]["leveret"]["compiled"]
    built: list[Any] = mypycify(
        [f"src/leveret/{module}" for module in modules],
        group_name=GROUP,
        opt_level="3",
        strip_asserts=False,
    )
    for extension in built:
        for source in map(Path, extension.sources):
            code = source.read_text("utf-8")
            # `likely` is mypyc's. Without it `make bench-topic` takes an eighth longer.
            source.write_text(BELOW_LENGTH.sub(r"\1likely(\2)\3", code), "utf-8")
        # A machine without a C compiler installs the same sources, uncompiled.
        extension.optional = True
    return built


# A folder for each kind of build: a stale compiled module left in a shared one would be installed
# with a plain build.
BUILD_BASE = "build/pure" if os.environ.get("LEVERET_PURE") else "build/compiled"

setup(ext_modules=extensions(), options={"build": {"build_base": BUILD_BASE}})
