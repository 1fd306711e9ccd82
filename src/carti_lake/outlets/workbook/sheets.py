"""The sheets that hold a table: which ones, and their rows as Excel can hold them."""

from collections.abc import Collection, Mapping
from datetime import date

import polars as pl
import polars.selectors as cs

from carti_lake.metrics import METRICS
from carti_lake.metrics.metric import silver_sources
from carti_lake.outlets.history import BY_MONTH
from carti_lake.outlets.months import provisional
from carti_lake.store.errors import LakeError
from carti_lake.tables.gold import GOLD, Gold
from carti_lake.tables.gold.events import AXES

#: Cells of a sheet with which a workbook still opens in seconds and can be mailed; Excel itself takes more.
MOST_CELLS = 1_000_000
MOST_LETTERS = 32_767
EARLIEST = date(1900, 1, 1)
#: Column that the sheet of months has beside those of its table.
PROVISIONAL = "provisional"

#: Every table that may be published, in the order of the sheets, with the declaration of its columns.
SHEETS: dict[str, type[Gold]] = {
    **{name: table for name, table in GOLD.items() if name == AXES[0].table},
    **{axis.table: axis.mart for axis in AXES[1:]},
    **{name: table for name, table in GOLD.items() if name != AXES[0].table},
}
PURPOSES = {name: table.purpose() for name, table in SHEETS.items()} | {axis.table: axis.title for axis in AXES}


class WorkbookError(LakeError):
    """A table that a workbook cannot hold."""


def sheets(tables: Mapping[str, pl.DataFrame], data_as_of: date | None) -> dict[str, pl.DataFrame]:
    """The rows of each sheet, by its name, in the order of the sheets.

    Parameters
    ----------
    tables
        Published tables by name.
    data_as_of
        Newest extract date of the release.

    Raises
    ------
    WorkbookError
        Where a text has more letters than an Excel cell can hold.
    """
    made = {name: _sheet(name, tables[name]) for name in SHEETS if name in tables}
    if BY_MONTH in made:
        months = provisional(made[BY_MONTH], tables, data_as_of).drop("unfinished")
        made[BY_MONTH] = months.select("month", PROVISIONAL, pl.exclude("month", PROVISIONAL))
    return made


def too_large(name: str, frame: pl.DataFrame) -> str | None:
    """Why a table has no sheet though it has rows: it is too large, and stands elsewhere; None where it has one."""
    if frame.height * frame.width <= MOST_CELLS:
        return None
    return (
        f"its {frame.height:,} rows of {frame.width} columns would make the workbook slow. Whole: {_as_parquet(name)}"
    )


def why_empty(name: str, delivered: Collection[str] | None) -> str:
    """Why a table has no row, after "it has no row, since": not delivered, filled by no model, or nothing applies.

    Parameters
    ----------
    name
        Of the table.
    delivered
        What the release's sources delivered; None where everything was.
    """
    mart = SHEETS.get(name)
    sources = [] if mart is None else [one for column in mart.columns() for one in silver_sources(mart, column)]
    if mart is not None and not sources and {"model", "model_version"} & {*mart.columns()}:
        return "no model has filled it; carti-lake model train says whether the data are enough"
    asked = {one.partition(".")[0] for metric in METRICS.values() for one in metric.sources()}
    lacking = sorted({one.partition(".")[0] for one in sources} & asked - {*(delivered or ())})
    if delivered is not None and lacking:
        return f"nothing was delivered of {', '.join(lacking)}"
    return "no delivered row is a case of it, or none may be shown"


def _sheet(name: str, frame: pl.DataFrame) -> pl.DataFrame:
    """The declared columns and rates, in rows of the key's order, with what Excel has no cell for made null."""
    table = SHEETS[name]
    longest = frame.select(cs.string().str.len_chars().max().fill_null(0)).rows(named=True)[:1]
    for column, letters in (longest[0] if longest else {}).items():
        if letters > MOST_LETTERS:
            raise WorkbookError(
                f"{name} has {letters:,} letters in {column}; an Excel cell holds {MOST_LETTERS:,}. Write it as "
                f"Parquet instead: {_as_parquet(name)}; a workbook for the public leaves it out."
            )
    return (
        frame.select(column for column in dict.fromkeys((*table.columns(), *METRICS)) if column in frame.columns)
        .sort([column for column in table.key() if column in frame.columns])
        .with_columns(
            pl.when(cs.string() != "").then(cs.string()),
            pl.when(cs.float().is_finite()).then(cs.float()),
            pl.when(cs.date() >= EARLIEST).then(cs.date()),
        )
    )


def _as_parquet(name: str) -> str:
    return f'carti-lake query "SELECT * FROM {name}" --format parquet -o {name}.parquet'
