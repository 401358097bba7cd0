"""Imports point downwards only.

A package may import those of lower layers, itself, and nothing else of Leveret's. The leaves import
nothing of Leveret's and may be imported by all. Imports for the type checker alone obey the same
rule: nothing needed an exception.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import leveret

ROOT = Path(leveret.__file__).parent

LAYERS = (
    {"__main__"},
    {"cli"},
    {"lab"},
    {"testing"},
    {"app"},
    {"obedience"},
    {"management"},
    {"net", "store", "access", "clock", "build_info", "lag", "monitor"},
    {"amqp"},
    {"broker"},
    {"wire", "errors"},
    {"allocation", "config", "logs", "names", "reloading", "sources", "system", "systemd", ""},
)
HEIGHT = {name: -number for number, layer in enumerate(LAYERS) for name in layer}
LEAVES = LAYERS[-1]


def imported(path: Path) -> Iterator[str]:
    """Leveret's modules that a file imports, wherever in it; `from leveret import x` is x."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            submodules = node.module == "leveret"
            for alias in node.names:
                is_module = submodules and not alias.name.startswith("__")
                yield f"leveret.{alias.name}" if is_module else str(node.module)


def package(module: str) -> str:
    """The part of a dotted name, or of a path below the root, that the layers name."""
    return [*module.split("."), ""][1]


def offences() -> Iterator[str]:
    for path in sorted(ROOT.rglob("*.py")):
        inside = path.relative_to(ROOT)
        importer = inside.parts[0].removesuffix(".py").replace("__init__", "")
        for module in imported(path):
            if module.split(".")[0] != "leveret":
                continue
            name = package(module)
            if name != importer and name not in LEAVES and HEIGHT[name] >= HEIGHT[importer]:
                yield f"{inside} imports {module}"


def test_imports_point_downwards() -> None:
    assert list(offences()) == []


def test_every_package_has_its_layer() -> None:
    there = {
        path.stem
        for path in ROOT.iterdir()
        if path.suffix == ".py" or (path / "__init__.py").exists()
    }
    assert there - {"__init__"} == set(HEIGHT) - {""}
