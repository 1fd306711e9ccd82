"""The whole workbook as one file."""

from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING

from carti_lake.disclosure import Publication
from carti_lake.metrics import METRICS
from carti_lake.metrics.value import undelivered
from carti_lake.outlets.headline import headlines, over, usual_period
from carti_lake.outlets.history import history
from carti_lake.outlets.kpis import kpis
from carti_lake.outlets.workbook import charts
from carti_lake.outlets.workbook import kpis as kpi_sheet
from carti_lake.outlets.workbook.cover import add_cover
from carti_lake.outlets.workbook.dictionary import add_dictionary, formats, headers
from carti_lake.outlets.workbook.look import add_frame, mark_provisional
from carti_lake.outlets.workbook.notes import notes
from carti_lake.outlets.workbook.sheets import PROVISIONAL, PURPOSES, SHEETS, sheets, too_large, why_empty
from carti_lake.store.files import put_in_place

if TYPE_CHECKING:
    from carti_lake.releases.release import Release

#: Text stays text, whatever it begins with; text columns have Excel's text format, so that editing a cell keeps it so.
SAFE = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
#: What the sheets hold that are no published table.
OTHERS = {
    kpi_sheet.NAME: "The network's rates and sums over the newest period, against the one before, and their trend",
    charts.NAME: "Trends, payers, leakage, providers and campaigns as charts",
    kpi_sheet.HISTORY: "The same numbers month by month, as far as they are published by month",
    charts.PAYERS: f"The first {charts.MOST} payers by claims, in words",
    charts.LINES: f"The first {charts.MOST} service lines by referrals that leak, in words",
    charts.PROVIDERS: f"The first {charts.MOST} providers by visits",
    charts.CAMPAIGNS: f"The first {charts.MOST} campaigns by closed-won ROI",
    "Dictionary": "Every column: table, name, unit, description",
}


def write_workbook(
    published: Publication, release: "Release", path: Path, delivered: Collection[str] | None = None
) -> Path:
    """Write one release as an Excel workbook; the same release gives the same bytes.

    Parameters
    ----------
    published
        The release as it may be shown.
    release
        The release that they come from.
    path
        The file to write; it appears only when it is whole.
    delivered
        What the release's sources delivered, as :func:`carti_lake.measure.delivered` finds it; else everything.

    Raises
    ------
    WorkbookError
        Where a text has more letters than an Excel cell can hold.
    """
    import xlsxwriter

    tables = sheets(published.tables, release.data_as_of)
    months = history(published, release.data_as_of)
    every = {kpi_sheet.HISTORY: kpi_sheet.by_month(months), **tables, **charts.rankings(tables)}
    large = {name: why for name, frame in every.items() if (why := too_large(name, frame))}
    shown = {name: frame for name, frame in every.items() if frame.height and name not in large}
    empty = {
        name: f"it has no row, since {why_empty(name, delivered)}" for name, frame in every.items() if frame.is_empty()
    }
    order = [kpi_sheet.NAME, charts.NAME, *shown, "Dictionary"]
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.part")
    try:
        with xlsxwriter.Workbook(unfinished, SAFE) as book:
            book.set_properties({"title": f"carti_lake {release.caption}", "created": release.at.replace(tzinfo=None)})
            purposes = {name: OTHERS.get(name) or PURPOSES[name] for name in order}
            add_cover(book, release, notes(published), purposes, shown, large | empty)
            period = usual_period(over(published, release.data_as_of))
            told = [one for one in METRICS.values() if delivered is None or undelivered(one, delivered) is None]
            heads = headlines(published, release.data_as_of, period, told)
            kpi_sheet.add_kpis(book, kpis(published, delivered), heads, shown)
            charts.add_charts(book, shown, months, release.caption)
            if kpi_sheet.HISTORY in shown:
                kpi_sheet.add_history(book, shown[kpi_sheet.HISTORY])
            for name, frame in shown.items():
                if name == kpi_sheet.HISTORY:
                    continue
                key = [column for column in SHEETS[name].key() if column in frame.columns] if name in SHEETS else []
                named = frame.columns.index("provider_name") + 1 if "provider_name" in frame.columns else 0
                freeze = min(3, max(named, len(key), 1))
                sheet = add_frame(book, name, frame, formats(name, frame), headers(frame), freeze=freeze)
                if PROVISIONAL in frame.columns and "month" in frame.columns:
                    mark_provisional(book, sheet, frame)
            add_dictionary(book, shown)
            for worksheet in book.worksheets():
                worksheet.set_landscape()
                worksheet.set_footer(f"&L{release.caption}&C&A&R&P of &N")
        put_in_place(unfinished, path)
    finally:
        unfinished.unlink(missing_ok=True)
    return path
