"""Spreadsheets: the sheet and header row that fit the feed, wherever they stand."""

from pathlib import Path

import polars as pl

from carti_lake.sources.delimited import TITLE_ROWS
from carti_lake.sources.extract import Content, ExtractError
from carti_lake.sources.headers import column_names, match_headers, matches
from carti_lake.sources.mapping import SourceMap
from carti_lake.tables.feeds import Feed


def read_workbook(path: Path, feed: type[Feed], mapping: SourceMap, name: str) -> Content:
    """Rows of the sheet whose header names the most columns of the feed, with the types that its cells have."""
    import fastexcel

    try:
        workbook = fastexcel.read_excel(path)
    except fastexcel.FastExcelError:
        raise ExtractError(
            f"{name}: an archive or Office file, but no workbook that can be read (damaged, encrypted, or a ZIP of "
            "other files). Unpack it, or save it as .xlsx without a password."
        ) from None
    candidates = []
    for sheet in workbook.sheet_names:
        top = workbook.load_sheet(sheet, header_row=None, skip_rows=0, n_rows=TITLE_ROWS, dtypes="string").to_polars()
        for place, row in enumerate(top.iter_rows()):
            header = [cell or "" for cell in row]
            candidates.append((len(matches(header, feed, mapping)), sheet, place, header))
    found, sheet, place, header = max(candidates, key=lambda one: one[0], default=(0, "", 0, []))
    if not found:
        raise ExtractError(
            f"{name}: no sheet has a column of the feed {feed.short_name} in its first {TITLE_ROWS} rows. Is this the "
            "right feed? Map foreign headers with --map FILE."
        )
    others = [other for score, other, _, _ in candidates if score == found and other != sheet]
    if others:
        raise ExtractError(
            f'{name}: the sheets "{sheet}" and "{others[0]}" both hold the feed {feed.short_name}. Save each as a '
            "file of its own."
        )
    matched = match_headers(header, feed, mapping, f'{name}, sheet "{sheet}", line {place + 1}')
    columns = column_names(header, matched)
    rows = workbook.load_sheet(
        sheet, header_row=None, skip_rows=place + 1, column_names=columns, schema_sample_rows=None
    ).to_polars()
    return Content(rows.lazy().filter(pl.any_horizontal(pl.all().is_not_null())))
