"""Metrics of one release: their values, and what the release's sources delivered to make them from."""

from collections.abc import Callable, Collection, Iterable, Sequence

import polars as pl

from carti_lake.metrics import METRICS, Metric
from carti_lake.metrics.value import undelivered, values
from carti_lake.store.errors import LakeError

Scan = Callable[[str], pl.LazyFrame]


def measure(metric: Metric, by: Sequence[str], tables: Collection[str], scan: Scan) -> pl.LazyFrame:
    """The metric's values in a release, as :func:`carti_lake.metrics.value.values` gives them.

    Parameters
    ----------
    metric
        Which.
    by
        Columns of its mart to group by.
    tables
        Full names of the tables that the release holds.
    scan
        Rows of a table of the release.

    Raises
    ------
    LakeError
        Where the mart has no such column.
    """
    mart = metric.mart
    unknown = [name for name in by if name not in mart.columns()]
    if unknown:
        can = ", ".join(mart.key())
        raise LakeError(f"{mart.full_name()} has no column {', '.join(unknown)}; {metric.id} can be grouped by {can}.")
    missing = undelivered(metric, delivered(tables, scan, [metric]))
    rows = scan(mart.full_name()) if mart.full_name() in tables else pl.LazyFrame(schema=mart.dtypes())
    held = rows.collect_schema()
    if missing is None and (mart.full_name() not in tables or not held.keys() >= {*metric.inputs()}):
        missing = f"the release was made before {mart.full_name()} held {', '.join(metric.inputs())}"
    return values(metric, rows, by, missing)


def delivered(tables: Collection[str], scan: Scan, metrics: Iterable[Metric] = tuple(METRICS.values())) -> set[str]:
    """Silver tables behind the metrics that hold a row, and columns of them that hold a value.

    Each is looked for, not counted: the first value found ends the search.
    """
    sources = sorted({source for metric in metrics for source in metric.sources()})
    probes = {}
    for name in dict.fromkeys(source.partition(".")[0] for source in sources):
        if f"silver.{name}" not in tables:
            continue
        rows = scan(f"silver.{name}")
        held = rows.collect_schema().names()
        probes[name] = rows.select(held[:1])
        probes |= {f"{name}.{column}": rows.select(column) for column in held if f"{name}.{column}" in sources}
    found = pl.collect_all([values.drop_nulls().head(1) for values in probes.values()], engine="streaming")
    return {source for source, value in zip(probes, found, strict=True) if value.height}
