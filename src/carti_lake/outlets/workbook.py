"""The workbook: one release as Excel sheets, with a cover, the network's numbers and a dictionary."""

import os
from collections.abc import Collection, Mapping
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl
import polars.selectors as cs

from carti_lake.disclosure import Publication
from carti_lake.metrics import FORMATS, METRICS
from carti_lake.metrics.formula import in_columns, in_words
from carti_lake.outlets.kpis import Kpi, kpis
from carti_lake.storage import LakeError
from carti_lake.tables.gold import GOLD, Gold
from carti_lake.tables.gold.events import AXES

if TYPE_CHECKING:
    from carti_lake.release import Release

MOST_ROWS = 1_048_575
MOST_LETTERS = 32_767
EARLIEST = date(1900, 1, 1)
TABLE_STYLE = "Table Style Medium 2"
DATE, TEXT, PLAIN_INTEGER, PLAIN_FLOAT = "yyyy-mm-dd", "@", "0", "#,##0.00"

#: Text stays text, whatever it begins with; text columns have Excel's text format, so that editing a cell keeps it so.
SAFE = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}

READING = (
    "Every sheet shows the same audited release; `carti-lake query --release N` shows the same numbers.",
    "KPIs: the network as a whole. Rates are sum over sum, never a mean of rates; both sums stand beside them.",
    "The other sheets are one table each, with a name that formulas and pivot tables can use; Dictionary explains "
    "each column.",
    'Columns "as in the seed" repeat the definitions of the original reports; the standard ones stand beside them.',
    "Blank means: not delivered by any source, hidden by a rule that stands below, or a date before 1900, which Excel "
    "does not know.",
)
#: Every table that may be published, in the order of the sheets, with the declaration of its columns.
SHEETS: dict[str, type[Gold]] = {
    **{name: table for name, table in GOLD.items() if name == AXES[0].table},
    **{axis.table: axis.mart for axis in AXES[1:]},
    **{name: table for name, table in GOLD.items() if name != AXES[0].table},
}
PURPOSES = {name: table.purpose() for name, table in SHEETS.items()} | {axis.table: axis.title for axis in AXES}


class WorkbookError(LakeError):
    """A table that a workbook cannot hold."""


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
        Where a table has more rows, or a text more letters, than an Excel sheet can hold.
    """
    import xlsxwriter

    tables = published.tables
    sheets = {name: _sheet(name, tables[name]) for name in SHEETS if name in tables}
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.part")
    try:
        with xlsxwriter.Workbook(unfinished, SAFE) as book:
            book.set_properties({"title": f"carti_lake {release.caption}", "created": release.at.replace(tzinfo=None)})
            _cover(book, published, sheets, release)
            _kpis(book, kpis(published, delivered))
            for name, frame in sheets.items():
                _table(book, name, frame)
            _dictionary(book, sheets)
            for worksheet in book.worksheets():
                worksheet.set_landscape()
                worksheet.fit_to_pages(1, 0)
                worksheet.set_footer(f"&L{release.caption}&C&A&R&P of &N")
        os.replace(unfinished, path)
    finally:
        unfinished.unlink(missing_ok=True)
    return path


def _sheet(name: str, frame: pl.DataFrame) -> pl.DataFrame:
    """The declared columns and rates, in rows of the key's order, with what Excel has no cell for made null."""
    table = SHEETS[name]
    if frame.height > MOST_ROWS:
        raise _too_big(name, f"has {frame.height:,} rows; an Excel sheet holds {MOST_ROWS:,} below its header")
    longest = frame.select(cs.string().str.len_chars().max().fill_null(0)).rows(named=True)[:1]
    for column, letters in (longest[0] if longest else {}).items():
        if letters > MOST_LETTERS:
            raise _too_big(name, f"has {letters:,} letters in {column}; an Excel cell holds {MOST_LETTERS:,}")
    return (
        frame.select(column for column in dict.fromkeys((*table.columns(), *METRICS)) if column in frame.columns)
        .sort([column for column in table.key() if column in frame.columns])
        .with_columns(
            pl.when(cs.float().is_finite()).then(cs.float()),
            pl.when(cs.date() >= EARLIEST).then(cs.date()),
        )
    )


def _too_big(name: str, what: str) -> WorkbookError:
    remedy = f'carti-lake query "SELECT * FROM {name}" --format parquet -o {name}.parquet'
    return WorkbookError(f"{name} {what}. Write it as Parquet instead: {remedy}")


def _cover(book: Any, published: Publication, sheets: Mapping[str, pl.DataFrame], release: "Release") -> None:
    cover = book.add_worksheet("Cover")
    cover.hide_gridlines(2)
    cover.set_column(0, 0, 28)
    cover.set_column(1, 1, 96)
    cover.set_column(2, 3, 14)
    title, head = book.add_format({"bold": True, "font_size": 20}), book.add_format({"bold": True, "bottom": 1})
    wrapped = book.add_format({"text_wrap": True, "valign": "top"})
    number = book.add_format({"num_format": FORMATS["count"], "valign": "top"})
    link = book.add_format({"font_color": "#0072B2", "underline": 1, "valign": "top"})
    facts = {
        "Release": str(release.number),
        "Released": f"{release.at:%Y-%m-%d %H:%M} UTC",
        "Data as of": str(release.data_as_of or "unknown"),
        "Audits": _audits(release),
    }
    cover.write_string(0, 0, "The network's referrals, care, claims and marketing", title)
    row = 2
    for label, value in facts.items():
        cover.write_string(row, 0, label)
        cover.write_string(row, 1, value, wrapped)
        row += 1
    row += 1
    cover.write_string(row, 0, "How to read it", head)
    cover.write_blank(row, 1, None, head)
    for text in (*READING, *published.notes, *_warnings(published.tables)):
        row += 1
        cover.write_string(row, 1, text, wrapped)
    row += 2
    for column, label in enumerate(("Sheet", "What it holds", "Rows", "Version")):
        cover.write_string(row, column, label, head)
    purposes = {"KPIs": "The network's rates and sums", **{name: PURPOSES[name] for name in sheets}}
    for name, purpose in {**purposes, "Dictionary": "Every column: table, name, unit, description"}.items():
        row += 1
        cover.write_url(row, 0, f"internal:'{name}'!A1", link, name)
        cover.write_string(row, 1, purpose, wrapped)
        if name in sheets:
            cover.write_number(row, 2, sheets[name].height, number)
            if (version := release.versions.get(SHEETS[name].full_name())) is not None:
                cover.write_number(row, 3, version, number)


def _audits(release: "Release") -> str:
    passed = [audit.name for audit in release.audits if audit.passed]
    failed = [f"{audit.name}: {audit.detail}" for audit in release.audits if not audit.passed]
    accepted = f"; failed and accepted by a person: {'; '.join(failed)}" if failed else ""
    return f"passed: {', '.join(passed) or 'none'}{accepted}"


def _warnings(frames: Mapping[str, pl.DataFrame]) -> list[str]:
    """What the models say of themselves."""
    if "model_metrics" not in frames:
        return []
    notes = frames["model_metrics"].select("model", "note").drop_nulls().unique().sort("model", "note")
    return [f"Model {model}: {note}." for model, note in notes.iter_rows()]


def _kpis(book: Any, rows: list[Kpi]) -> None:
    sheet = book.add_worksheet("KPIs")
    headers = (
        "metric",
        "title",
        "value",
        "numerator",
        "denominator",
        "n",
        "unit",
        "definition",
        "source",
        "blank because",
    )
    columns = [{"header": header} for header in headers]
    sheet.add_table(0, 0, len(rows), len(headers) - 1, {"name": "kpis", "columns": columns, "style": TABLE_STYLE})
    formats = {unit: book.add_format({"num_format": code}) for unit, code in FORMATS.items()}
    plain = book.add_format({"num_format": FORMATS["count"]})
    for row, kpi in enumerate(rows, start=1):
        metric = kpi.metric
        texts: dict[int, str | None] = dict(enumerate((metric.id, metric.title)))
        texts |= dict(enumerate((metric.unit, metric.definition, metric.source, kpi.reason), start=6))
        numbers = {2: (kpi.value, formats[metric.unit])}
        numbers |= {place: (number, plain) for place, number in enumerate((kpi.numerator, kpi.denominator, kpi.n), 3)}
        for column, text in texts.items():
            if text is not None:
                sheet.write_string(row, column, text)
        for column, (value, number_format) in numbers.items():
            if value is not None:
                sheet.write_number(row, column, value, number_format)
    for column, width in enumerate((30, 62, 20, 20, 20, 12, 10, 90, 40, 60)):
        sheet.set_column(column, column, width)
    sheet.freeze_panes(1, 1)


def _table(book: Any, name: str, frame: pl.DataFrame) -> None:
    key = [column for column in SHEETS[name].key() if column in frame.columns]
    named = frame.columns.index("provider_name") + 1 if "provider_name" in frame.columns else 0
    frame.write_excel(
        book,
        worksheet=name,
        table_name=name,
        table_style=TABLE_STYLE,
        column_formats={column: _format(name, column) for column in frame.columns},
        column_widths={column: _pixels(frame[column]) for column in frame.columns},
        freeze_panes=(1, min(3, max(named, len(key)))),
    )


def _dictionary(book: Any, sheets: Mapping[str, pl.DataFrame]) -> None:
    rows = [
        {
            "table": name,
            "column": column,
            **_explained(name, column),
        }
        for name, frame in sheets.items()
        for column in frame.columns
    ]
    schema = dict.fromkeys(("table", "column", "title", "unit", "description", "formula", "source"), pl.String())
    frame = pl.DataFrame(rows, schema=schema)
    frame.write_excel(
        book,
        worksheet="Dictionary",
        table_name="dictionary",
        table_style=TABLE_STYLE,
        column_formats=dict.fromkeys(schema, TEXT),
        column_widths={name: _pixels(frame[name]) for name in schema},
        freeze_panes=(1, 2),
    )


def _explained(name: str, column: str) -> dict[str, str | None]:
    """What a column holds: a metric as the registry defines it, another as its table declares it."""
    table, metric = SHEETS[name], METRICS.get(column)
    if metric is None or metric.denominator is None:
        return {"unit": table.meta(column).get("unit"), "description": table.columns()[column].description}
    return {
        "title": metric.title,
        "unit": metric.unit,
        "description": metric.definition,
        "formula": f"{in_words(metric)}: {in_columns(metric)} of {metric.mart.short_name}",
        "source": metric.source,
    }


def _format(name: str, column: str) -> str:
    unit = _explained(name, column)["unit"]
    if unit is not None:
        return FORMATS[unit]
    dtype = SHEETS[name].dtypes()[column]
    by_type = {pl.String: TEXT, pl.Date: DATE, pl.Float64: PLAIN_FLOAT, pl.Int64: PLAIN_INTEGER}
    return by_type.get(dtype.base_type(), "General")


def _pixels(values: pl.Series) -> int:
    """Wide enough for the header with its filter button, and for the values up to 90 letters."""
    numbers = 16 if values.dtype.is_numeric() else 12
    letters = values.str.len_chars().max() if values.dtype == pl.String else numbers
    return 7 * min(90, max(len(values.name) + 4, int(str(letters or 0)))) + 10
