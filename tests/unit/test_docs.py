"""The documentation is true: links resolve, generated tables are fresh, programs run, names exist.

A fenced block of Python that begins with an import is a program. It is run as it stands, with
`pika.ConnectionParameters("localhost")` standing for the test's broker; one with tests in it is
given to pytest. Every other block is compiled only.
"""

import importlib
import importlib.util
import pkgutil
import re
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

import leveret

ROOT = Path(__file__).parents[2]
ROOT_PAGES = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md"]
PAGES = [*(ROOT / name for name in ROOT_PAGES), *sorted((ROOT / "docs").rglob("*.md"))]
LOCALHOST = 'pika.ConnectionParameters("localhost")'


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


def prose(page: Path) -> str:
    """A page without its fenced blocks."""
    text = page.read_text(encoding="utf-8")
    return re.sub(r"^( *)```.*?^\1```$", "", text, flags=re.DOTALL | re.MULTILINE)


# --- generated tables ---


def load_generator() -> ModuleType:
    path = ROOT / "tools" / "generate_docs.py"
    spec = importlib.util.spec_from_file_location("generate_docs", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


generate_docs = load_generator()


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_generated_tables_are_fresh(page):
    text = page.read_text(encoding="utf-8")
    assert text == generate_docs.generated(text), "run `make docs`"


def test_every_generated_table_is_on_a_page():
    pages = "".join(page.read_text(encoding="utf-8") for page in PAGES)
    used = [name for _, name, _ in generate_docs.BLOCK.findall(pages)]
    assert sorted(used) == sorted(generate_docs.BLOCKS)


# --- links ---


def links(page: Path) -> list[str]:
    targets = re.findall(r"\[[^\]]*\]\(([^)\s]+)\)", prose(page))
    return [target for target in targets if "://" not in target]


def anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", prose(page), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_links_lead_somewhere(page):
    for link in links(page):
        file, _, anchor = link.partition("#")
        target = (page.parent / file).resolve() if file else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


def test_every_page_can_be_reached():
    reached, waiting = {ROOT / "README.md"}, [ROOT / "README.md"]
    for page in waiting:
        for link in links(page):
            target = (page.parent / link.partition("#")[0]).resolve()
            if target.suffix == ".md" and target not in reached:
                reached.add(target)
                waiting.append(target)
    assert reached >= set(PAGES)


# --- programs ---


def blocks() -> Iterator[tuple[str, str]]:
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        fenced = re.compile(r"^( *)```python\n(.*?)^\1```$", re.DOTALL | re.MULTILINE)
        for block in fenced.finditer(text):
            line = text.count("\n", 0, block.start()) + 1
            yield f"{named(page)}:{line}", textwrap.dedent(block.group(2))


BLOCKS = dict(blocks())
COMPLETE = {place: code for place, code in BLOCKS.items() if re.match(r"import |from ", code)}
TESTS = {place: code for place, code in COMPLETE.items() if "\ndef test_" in code}
PROGRAMS = {place: code for place, code in COMPLETE.items() if place not in TESTS}


@pytest.mark.parametrize("place", BLOCKS)
def test_python_is_python(place):
    compile(BLOCKS[place], place, "exec")


@pytest.mark.parametrize("place", PROGRAMS)
def test_programs_run(place, broker):
    here = f'pika.ConnectionParameters("{broker.host}", {broker.port})'
    program = PROGRAMS[place].replace(LOCALHOST, here)
    assert "localhost" not in program, "there is nobody but the test's broker to connect to"
    exec(compile(program, place, "exec"), {"__name__": "__main__"})


@pytest.mark.parametrize("place", TESTS)
def test_tests_pass(place, tmp_path):
    file = tmp_path / "test_block.py"
    file.write_text(TESTS[place], encoding="utf-8")
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(file)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr


# --- names in ARCHITECTURE.md ---


def modules() -> dict[str, list[ModuleType]]:
    """The modules of the package by the last part of their names."""
    found: dict[str, list[ModuleType]] = {}
    for info in pkgutil.walk_packages(leveret.__path__, "leveret."):
        if not info.name.endswith("__main__"):
            module = importlib.import_module(info.name)
            found.setdefault(info.name.rpartition(".")[2], []).append(module)
    return found


MODULES = modules()
ALL_MODULES = [module for same in MODULES.values() for module in same]
ARCHITECTURE = prose(ROOT / "ARCHITECTURE.md")
# Class.method, module.Class, module.function; a file's name has a suffix instead.
DOTTED = set(re.findall(r"`([\w.]+\.(?!py|md|toml\b)\w+)`", ARCHITECTURE))
CONSTANTS = set(re.findall(r"`([A-Z]+(?:_[A-Z]+)+)`", ARCHITECTURE))


def exists(dotted: str) -> bool:
    owner, name = dotted.split(".")[-2:]
    classes = [vars(module)[owner] for module in ALL_MODULES if owner in vars(module)]
    return any(hasattr(place, name) for place in [*classes, *MODULES.get(owner, [])])


def test_the_life_of_a_message_is_told_with_names():
    life = ARCHITECTURE.partition("## Life of a message")[2].partition("\n## ")[0]
    assert len(DOTTED & set(re.findall(r"`([\w.]+)`", life))) > 30


@pytest.mark.parametrize("dotted", sorted(DOTTED))
def test_a_name_in_the_architecture_exists(dotted):
    assert exists(dotted)


@pytest.mark.parametrize("constant", sorted(CONSTANTS))
def test_a_constant_in_the_architecture_exists(constant):
    assert any(hasattr(module, constant) for module in ALL_MODULES)


def files_told_of() -> list[str]:
    """The paths in the tree of files: a name in the first column, or below the folder it is in."""
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    tree = text.partition("\nsrc/leveret/\n")[2].partition("```")[0]
    paths, folder = [], ""
    for indent, name in re.findall(r"^(  |    )(\w[\w.]*/?) ", tree, flags=re.MULTILINE):
        if len(indent) == 2:
            folder = name if name.endswith("/") else ""
            paths.append(name)
        else:
            paths.append(folder + name)
    return paths


@pytest.mark.parametrize("path", files_told_of())
def test_a_file_in_the_architecture_exists(path):
    assert (ROOT / "src" / "leveret" / path).exists()
