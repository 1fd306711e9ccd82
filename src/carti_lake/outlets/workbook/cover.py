"""The cover: which release it is, how to read it, and where everything stands."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import polars as pl

from carti_lake.metrics import FORMATS
from carti_lake.outlets.theme import BLUE, INK
from carti_lake.outlets.workbook.sheets import SHEETS

if TYPE_CHECKING:
    from carti_lake.releases.release import Release

#: Letters of a line of the column that holds the sentences.
LETTERS = 96


def add_cover(
    book: Any,
    release: "Release",
    notes: Sequence[str],
    purposes: Mapping[str, str],
    sheets: Mapping[str, pl.DataFrame],
    without: Mapping[str, str],
) -> None:
    """Fill the first sheet.

    Parameters
    ----------
    book
        The workbook.
    release
        The release that it shows.
    notes
        Sentences on how to read it.
    purposes
        What each sheet holds, in the order of the sheets.
    sheets
        Rows of those that hold a table.
    without
        Tables that have no sheet, and why.
    """
    cover = book.add_worksheet("Cover")
    cover.hide_gridlines(2)
    cover.set_column(0, 0, 28)
    cover.set_column(1, 1, LETTERS)
    cover.set_column(2, 3, 14)
    title = book.add_format({"bold": True, "font_size": 20, "font_color": INK})
    head = book.add_format({"bold": True, "bottom": 1, "font_color": INK})
    right = book.add_format({"bold": True, "bottom": 1, "font_color": INK, "align": "right"})
    label = book.add_format({"valign": "top", "font_color": INK})
    wrapped = book.add_format({"text_wrap": True, "valign": "top"})
    number = book.add_format({"num_format": FORMATS["count"], "valign": "top"})
    link = book.add_format({"font_color": BLUE, "underline": 1, "valign": "top"})
    facts = {
        "Release": str(release.number),
        "Released": f"{release.at:%Y-%m-%d %H:%M} UTC",
        "Data as of": str(release.data_as_of or "unknown"),
        "Audits": _audits(release),
    }
    cover.write_string(0, 0, "The network's referrals, care, claims and marketing", title)
    row = 2
    for name, value in facts.items():
        cover.write_string(row, 0, name, label)
        _sentence(cover, row, value, wrapped)
        row += 1
    row += 1
    cover.write_string(row, 0, "How to read it", head)
    cover.write_blank(row, 1, None, head)
    for text in notes:
        row += 1
        _sentence(cover, row, text, wrapped)
    row += 2
    for column, (name, style) in enumerate(
        (("Sheet", head), ("What it holds", head), ("Rows", right), ("Version", right))
    ):
        cover.write_string(row, column, name, style)
    cover.fit_to_pages(1, 1)
    for name, purpose in purposes.items():
        row += 1
        cover.write_url(row, 0, f"internal:'{name}'!A1", link, name)
        _sentence(cover, row, purpose, wrapped)
        if name in sheets:
            cover.write_number(row, 2, sheets[name].height, number)
        if name in SHEETS and (version := release.versions.get(SHEETS[name].full_name())) is not None:
            cover.write_number(row, 3, version, number)
    for name, why in without.items():
        row += 1
        cover.write_string(row, 0, name, label)
        _sentence(cover, row, f"No sheet: {why}.", wrapped)


def _sentence(cover: Any, row: int, text: str, style: Any) -> None:
    """Text over as many lines as it takes; not every program finds out by itself."""
    cover.write_string(row, 1, text, style)
    cover.set_row(row, 15 * max(1, -(-len(text) // (LETTERS + 14))))


def _audits(release: "Release") -> str:
    passed = [audit.name for audit in release.audits if audit.passed]
    failed = [f"{audit.name}: {audit.detail}" for audit in release.audits if not audit.passed]
    accepted = f"; failed and accepted by a person: {'; '.join(failed)}" if failed else ""
    return f"passed: {', '.join(passed) or 'none'}{accepted}"
