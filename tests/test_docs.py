"""Pages that follow from the code are not stale, no link is broken, and the site needs no network."""

import ast
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import carti_lake
from docs.generate import HERE, PAGES

ROOT = HERE.parent
TEXTS = sorted({*ROOT.glob("*.md"), *ROOT.glob(".github/**/*.md"), *ROOT.glob("docs/**/*.md")})
#: A docstring's section, up to the next one.
PARAMETERS = re.compile(r"^Parameters\n-+\n(.+?)(?:\n\n\w+\n-+\n|\Z)", re.DOTALL | re.MULTILINE)
FENCED = re.compile(r"^```.*?^```$", re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize(("file", "page"), PAGES.items())
def test_the_page_is_what_the_code_says(file: str, page: Callable[[], str]) -> None:
    assert (HERE / file).read_text("utf-8") == page(), f"docs/{file} is stale: make docs"


def anchors(page: Path) -> set[str]:
    """The names that headings have on the code's host and in the site alike."""
    headings = re.findall(r"^#+ (.+)$", FENCED.sub("", page.read_text("utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading).strip().lower().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", TEXTS, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_and_pictures_are_there(page: Path) -> None:
    for target, anchor in re.findall(r"\]\(([^)#\s]*)(?:#([^)\s]*))?\)", FENCED.sub("", page.read_text("utf-8"))):
        if "://" in target:
            continue
        place = page.parent / target if target else page
        assert place.exists(), target
        assert not anchor or anchor in anchors(place), f"{target}#{anchor}"


def functions_with_parameters() -> Iterator[tuple[str, set[str], set[str]]]:
    """Of each public function that describes its parameters: where it is, those that it takes, and those described."""
    package = Path(carti_lake.__file__).parent
    for path in sorted(package.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not isinstance(node, ast.FunctionDef) or node.name.startswith("_"):
                continue
            section = PARAMETERS.search(ast.get_docstring(node) or "")
            if section is None:
                continue
            arguments = node.args
            taken = {one.arg for one in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)}
            taken |= {one.arg for one in (arguments.vararg, arguments.kwarg) if one is not None}
            lines = re.findall(r"^(\S.*)\n    ", section[1], re.MULTILINE)
            described = {name.strip("* ") for line in lines for name in line.split(",")}
            yield f"{path.relative_to(package)}: {node.name}", taken - {"self", "cls"}, described


def test_a_docstring_describes_the_parameters_that_there_are() -> None:
    found = list(functions_with_parameters())
    assert len(found) > 100
    assert [(where, taken ^ described) for where, taken, described in found if taken != described] == []


@pytest.mark.slow
def test_the_site_is_whole_and_loads_nothing_from_elsewhere(tmp_path: Path) -> None:
    built = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert built.returncode == 0, built.stderr
    pages = list(tmp_path.rglob("*.html"))
    assert len(pages) > len(PAGES)
    loads = re.compile(r"""<(?:script|img|iframe)[^>]*\bsrc=["']?https?:|<link[^>]*\bhref=["']?https?:""")
    assert not [page.name for page in pages if loads.search(page.read_text("utf-8"))]
    styles = [style.read_text("utf-8") for style in tmp_path.rglob("*.css")]
    assert not [style for style in styles if re.search(r"""(?:url\(|@import )["']?https?:""", style)]
