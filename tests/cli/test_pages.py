"""Whatever the README and the pages of docs/ tell readers to type works as written."""

import re
import shlex
from pathlib import Path
from typing import NamedTuple

import pytest

from .conftest import Type

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md")] + sorted(ROOT.glob("docs/**/*.md"))
FENCE = re.compile(r"^ *(```|~~~)", re.MULTILINE)
BLOCK = re.compile(r'^```(\w+)(?: title="(\S+)")?\n(.*?)^```$', re.DOTALL | re.MULTILINE)
#: Typed into a shell, or executed; a block with a title is the content of that file.
RUN = {"python", "sh"}
#: What cannot run here: output, services, other programs' files.
SHOWN = {"csv", "dockerfile", "ini", "json", "nginx", "text", "toml"}
#: Needs public data sets: its lines are run, and their results checked, by `test_source_maps.py`.
WITH_DATA = ROOT / "docs/sources/README.md"


class Block(NamedTuple):
    """A fenced block of a page."""

    language: str
    file: str
    text: str


def blocks(page: Path) -> list[Block]:
    return [Block(*found) for found in BLOCK.findall(page.read_text("utf-8"))]


def named(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_block_is_run_or_says_that_it_is_only_shown(page: Path) -> None:
    found = blocks(page)
    assert 2 * len(found) == len(FENCE.findall(page.read_text("utf-8"))), "a fence without a language, or indented"
    assert {block.language for block in found} <= RUN | SHOWN
    assert not [block.file for block in found if block.language in RUN and block.file]


# One lake of the demo for all pages; each starts from a copy.
@pytest.mark.slow
@pytest.mark.parametrize(
    "page",
    [page for page in PAGES if page != WITH_DATA and RUN & {block.language for block in blocks(page)}],
    ids=named,
)
def test_every_command_and_line_of_python_works(
    page: Path, here: Path, carti_lake: Type, monkeypatch: pytest.MonkeyPatch, s3: dict[str, str]
) -> None:
    for option, value in s3.items():
        monkeypatch.setenv(option.upper(), value)
    for language, file, text in blocks(page):
        if file:
            Path(file).write_text(text, "utf-8")
        elif language == "python":
            exec(compile(text, named(page), "exec"), {})
        elif language == "sh":
            for line in text.splitlines():
                program, *arguments = shlex.split(line, comments=True)
                assert program == "carti-lake"
                ended = carti_lake(*arguments)
                assert ended.code == 0, f"{line}\n{ended.err}"
    if page.name == "README.md":
        assert all(Path(made).exists() for made in ("board.xlsx", "charts/roi_by_provider.png", "monthly.parquet"))


def test_the_pages_that_readers_start_with_are_run() -> None:
    typed = {named(page): sum(block.language == "sh" for block in blocks(page)) for page in PAGES}
    assert typed["README.md"] > 8
    assert all(typed[f"docs/{name}.md"] for name in ("first-hour", "serve", "how-to/load", "how-to/upkeep"))
