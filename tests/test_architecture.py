"""The house: who imports whom, and how large a room may be."""

import re
from pathlib import Path

import pytest
from importlinter.cli import lint_imports

import carti_lake

PACKAGE = Path(carti_lake.__file__).parent
LARGEST = 400


def test_arrows_point_one_way_and_no_circle_is_left():
    """The contracts stand in pyproject.toml, under importlinter."""
    assert lint_imports(config_filename=str(PACKAGE.parents[1] / "pyproject.toml"), no_cache=True) == 0


def test_a_file_is_no_longer_than_a_reader_takes_in():
    sizes = {
        path: len(path.read_text("utf-8").splitlines()) for path in PACKAGE.rglob("*") if path.suffix in (".py", ".js")
    }
    assert {str(path.relative_to(PACKAGE)): size for path, size in sizes.items() if size > LARGEST} == {}


def test_the_root_holds_the_facade_and_folders():
    assert {path.name for path in PACKAGE.glob("*.py")} == {"__init__.py", "__main__.py", "lake.py"}


@pytest.mark.parametrize("room", ["comparison", "metrics", "pipeline", "tables"])
def test_pure_logic_asks_no_clock(room):
    asking = [
        path
        for path in (PACKAGE / room).rglob("*.py")
        if any(word in path.read_text() for word in (".now(", ".today("))
    ]
    assert asking == []


def test_colours_are_declared_in_one_place():
    """Elsewhere they are named: a chart, a page and a sheet that say the same have the same colours."""
    theme = PACKAGE / "outlets/theme.py"
    own = [path for path in PACKAGE.rglob("*") if path.suffix in (".py", ".css", ".js", ".html", ".typ")]
    written = re.compile(r"""["': ]#(?:[0-9A-Fa-f]{3,4}|[0-9A-Fa-f]{6}|[0-9A-Fa-f]{8})\b""")
    found = {str(path.relative_to(PACKAGE)): written.findall(path.read_text("utf-8")) for path in own if path != theme}
    assert {path: colours for path, colours in found.items() if colours} == {}
    assert written.search(theme.read_text("utf-8"))
