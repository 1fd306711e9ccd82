"""Pages that follow from the code are not stale, no link is broken, and the site needs no network."""

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from docs.generate import HERE, PAGES

ROOT = HERE.parent
TEXTS = sorted({*ROOT.glob("*.md"), *ROOT.glob(".github/**/*.md"), *ROOT.glob("docs/**/*.md")})
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
