"""What can be read under ``/v1``, declared once: its rows, its columns with their descriptions, and its key."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, partial

import dataframely as dy
import polars as pl

from carti_lake.metrics import METRICS, PROVIDER_RATES
from carti_lake.metrics.catalogue import describe_metric
from carti_lake.releases.quality import checks_then
from carti_lake.serve.problems import Problem
from carti_lake.serve.request import RequestContext
from carti_lake.tables.gold import GOLD, DataQuality, Gold
from carti_lake.tables.gold.events import AXES, FAMILIES, Axis


@dataclass(frozen=True)
class Column:
    """A column of a resource, for its reader."""

    dtype: pl.DataType
    description: str


@dataclass(frozen=True)
class Resource:
    """Something to read.

    Attributes
    ----------
    path
        Below ``/v1/``.
    title
        What its rows are.
    columns, key
        Its columns, and those that together tell its rows apart.
    read
        Its rows, as the viewer of a request may see them.
    """

    path: str
    title: str
    columns: Mapping[str, Column]
    key: tuple[str, ...]
    read: Callable[[RequestContext], pl.LazyFrame]


def absent(context: RequestContext) -> Problem:
    """There is nothing here: the same words whether the release has none, or none that this viewer may see."""
    return Problem(404, f"Release {context.release.number} has nothing here that you may see.")


def scanned(table: str, context: RequestContext) -> pl.LazyFrame:
    """Rows of a table that the viewer may see."""
    if table not in context.opened.tables():
        raise absent(context)
    return context.opened.scan(table)


def declared(table: type[Gold]) -> dict[str, Column]:
    """The columns of a mart, as its declaration says."""
    return {name: _column(one) for name, one in table.columns().items()}


def _column(one: dy.Column, description: str | None = None) -> Column:
    unit = (one.metadata or {}).get("unit")
    said = description or one.description or ""
    return Column(one.dtype, f"{said} ({unit})" if unit in ("USD", "days", "points", "years") else said)


def _mart(path: str, table: type[Gold]) -> Resource:
    return Resource(path, table.purpose(), declared(table), tuple(table.key()), partial(scanned, table.full_name()))


def _axis(path: str, axis: Axis) -> Resource:
    """The network's sums along an axis, as disclosure control publishes them: the same for whoever sees all of it."""
    mart = axis.mart.columns()
    along = [family for family in FAMILIES if family.axes is None or axis.key in family.axes]
    sums = [name for family in along for name in family.shows if name in mart]
    rates = [rate for rate in PROVIDER_RATES if {*rate.summed()} <= {*sums}]
    columns = {
        axis.key: _column(mart[axis.key]),
        **{name: _column(mart[name]) for name in sums},
        **{rate.id: Column(pl.Float64(), rate.title) for rate in rates},
    }

    def read(context: RequestContext) -> pl.LazyFrame:
        tables = context.opened.publication().tables
        if axis.table not in tables:
            raise absent(context)
        return tables[axis.table].lazy()

    return Resource(path, axis.title, columns, (axis.key,), read)


_TEXT, _TEXTS = pl.String(), pl.List(pl.String())
_DEFINITION = {
    "id": Column(_TEXT, "Name of the metric"),
    "title": Column(_TEXT, "Label"),
    "definition": Column(_TEXT, "What it measures and what it leaves out"),
    "formula": Column(_TEXT, "In words"),
    "columns": Column(_TEXT, "The formula in columns of its mart"),
    "dax": Column(_TEXT, "The formula as a DAX measure"),
    "source": Column(_TEXT, "Where the definition comes from"),
    "unit": Column(_TEXT, "ratio, USD, days, points, years or count"),
    "format": Column(_TEXT, "Number format, as Excel and Power BI read it"),
    "good": Column(_TEXT, "up, down, or none where neither direction is good by itself"),
    "mart": Column(_TEXT, "Gold table whose columns it sums; null where no feed delivers it"),
    "additive_over": Column(_TEXTS, "Columns over which its sums add"),
    "cases": Column(_TEXTS, "Columns whose sum is n"),
    "made_from": Column(_TEXTS, "Silver columns"),
    "used_in": Column(_TEXTS, "Where people meet it"),
    "missing": Column(_TEXT, "Why no feed delivers it; null where one does"),
}


def _definitions(context: RequestContext) -> pl.LazyFrame:
    return _defined()


@cache
def _defined() -> pl.LazyFrame:
    schema = {name: column.dtype for name, column in _DEFINITION.items()}
    return pl.LazyFrame([describe_metric(metric) for metric in METRICS.values()], schema=schema)


_RELEASE = {
    "number": Column(pl.Int64(), "Number of the release"),
    "at": Column(pl.Datetime("us", "UTC"), "When it was published"),
    "data_as_of": Column(pl.Date(), "Newest extract date in it"),
    "locks": Column(_TEXTS, "Names under which it is kept"),
    "readable": Column(pl.Boolean(), "False where its files are gone"),
}


def _releases(context: RequestContext) -> pl.LazyFrame:
    assert context.known is not None
    rows = [(one.number, one.at, one.data_as_of, list(one.locks), not one.expired) for one in context.known.releases]
    schema = {name: column.dtype for name, column in _RELEASE.items()}
    return pl.LazyFrame(rows, schema=schema, orient="row")


_CHECK = {
    **{name: declared(DataQuality)[name] for name in ("table_name", "rule", "category", "severity", "description")},
    "status": Column(_TEXT, "ok, warn, block or not applicable, by the thresholds that stood at the release"),
    **{name: declared(DataQuality)[name] for name in ("checked", "passed", "failed", "not_applicable")},
    "share": Column(pl.Float64(), "Failing share of the rows checked"),
    "failed_amount": declared(DataQuality)["failed_amount"],
    "worst_month": Column(pl.Date(), "Month with the worst status; null where no row failed"),
    "worst_share": Column(pl.Float64(), "Failing share of that month"),
    "warn": Column(pl.Float64(), "Failing share of a month from which the check warns"),
    "block": Column(pl.Float64(), "Failing share of a month from which the check blocks a release"),
    "fewest": Column(pl.Int64(), "Failing rows without which it does not block"),
}


def _checks(context: RequestContext) -> pl.LazyFrame:
    counts = scanned(DataQuality.full_name(), context).collect()
    checks = checks_then(context.opened.storage, counts, context.release)
    return checks.lazy().select(pl.col(name).cast(column.dtype) for name, column in _CHECK.items())


#: Marts by the path that they are read at. Rows of single patients, and what only other marts need, are not here.
MARTS: dict[str, type[Gold]] = {
    path: GOLD[name]
    for path, name in {
        "providers": "dim_provider",
        "service-lines": "dim_service_line",
        "summary": "provider_summary",
        "monthly": "provider_monthly",
        "comparison": "provider_comparison",
        "referral-flow": "referral_flow",
        "claims": "claims_monthly",
        "claims/denials": "denials_monthly",
        "claims/aged": "claims_aged",
        "claims/maturity": "claims_maturity",
        "marketing": "marketing_roi",
        "readmissions": "readmissions",
        "forecasts": "forecasts",
        "forecasts/accuracy": "forecast_accuracy",
        "predictions/opportunity": "opportunity_predictions",
        "predictions/opportunities": "opportunity_scores",
        "models": "model_metrics",
    }.items()
}

#: Everything that has rows. A line is a route, its filters, its formats, and its place in the OpenAPI document.
RESOURCES: tuple[Resource, ...] = (
    *(_mart(path, table) for path, table in MARTS.items()),
    *(
        _axis(f"network/{one.table.removeprefix('network_by_').replace('_', '-')}", one)
        for one in AXES
        if one.key != "provider_id"
    ),
    Resource("metrics", "The definition of every metric.", _DEFINITION, ("id",), _definitions),
    Resource("releases", "Every release, and whether it can be read.", _RELEASE, ("number",), _releases),
    Resource(
        "data-quality", "Every data-quality check with its counts and status.", _CHECK, ("table_name", "rule"), _checks
    ),
)
