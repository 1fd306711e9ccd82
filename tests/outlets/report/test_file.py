"""The board pack as a PDF: the same bytes, the release's words, its own fonts, tags for who cannot see it."""

import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from carti_lake.metrics import METRICS
from carti_lake.outlets.report.contents import contents
from carti_lake.outlets.report.figures import PAGES, figures
from carti_lake.outlets.report.file import typeset
from tests.outlets.dashboard.conftest import release_frames, shown

AT = datetime(2026, 3, 21, 6, 30, 5, 123, tzinfo=UTC)
MARKUP = '*bold* #panic("x") $x$ @ref \\ `raw` <tag>'


def made(name: str) -> bytes:
    frames = release_frames(3, ("lung",), 26)
    rows = frames["provider_summary"].with_columns(
        provider_name=pl.when(provider_id="P000").then(pl.lit(name)).otherwise("provider_name")
    )
    release = shown(frames | {"provider_summary": rows})
    had = {one for metric in METRICS.values() for one in metric.sources()}
    pack = contents(release, had, [], "release 12 · 2026-03-21")
    pack["notes"].append(name)
    return typeset(pack, list(figures(release)), AT)


@pytest.fixture(scope="module")
def pdf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("report") / "report.pdf"
    file.write_bytes(made(MARKUP))
    return file


def said_by(program: str, pdf: Path, *arguments: str) -> str:
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed")
    command = [program, str(pdf), *arguments]
    return subprocess.run(command, check=True, timeout=60, capture_output=True).stdout.decode("utf-8")


def test_the_same_release_gives_the_same_bytes(pdf: Path) -> None:
    assert made(MARKUP) == pdf.read_bytes()
    assert made("another") != pdf.read_bytes()


def test_a_name_is_text_and_never_markup(pdf: Path) -> None:
    text = said_by("pdftotext", pdf, "-")
    assert MARKUP in text


def test_every_page_is_there_with_its_release(pdf: Path) -> None:
    pages = said_by("pdftotext", pdf, "-").rstrip("\f").split("\f")
    assert len(pages) == len(PAGES) + 2
    assert all("release 12 · 2026-03-21" in page and "For the inside: not for the public" in page for page in pages)
    assert [page.lstrip().splitlines()[0] for page in pages[1:-1]] == [*PAGES]
    assert "No headline number changed more than chance" in pages[0]


def test_fonts_are_in_the_file_and_it_is_tagged(pdf: Path) -> None:
    about = said_by("pdfinfo", pdf)
    assert "Tagged:          yes" in about and "Title:           Network performance: release 12" in about
    fonts = said_by("pdffonts", pdf).splitlines()[2:]
    assert fonts and all(line.split()[-5] == "yes" for line in fonts)
    assert {line.split("+")[1].split("-")[0].split()[0] for line in fonts} == {"LibertinusSerif", "LiberationSans"}


def test_pictures_are_told_in_words() -> None:
    told = {one.name: one.words for one in figures(shown(release_frames(3, ("lung",), 26)))}
    assert len(told) == sum(map(len, PAGES.values()))
    assert told["denial_trend.pdf"].startswith("Denial rate by month. Remittance denial rate.")
    assert all(told.values())
