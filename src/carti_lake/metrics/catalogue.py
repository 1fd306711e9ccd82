"""The catalogue of metrics: what each declaration says, in plain values for the command line and the docs."""

from typing import Any

from carti_lake.metrics.formula import dax, in_columns, in_words
from carti_lake.metrics.metric import Metric
from carti_lake.tables.gold import GOLD


def describe_metric(metric: Metric) -> dict[str, Any]:
    """Everything that is declared of a metric.

    Returns
    -------
    dict
        ``id``, ``title``, ``definition``, ``formula`` (in words), ``columns`` (the formula in them), ``dax``,
        ``source``, ``unit``, ``format``, ``good``, ``mart``, ``additive_over`` (columns over which its sums add),
        ``cases`` (columns whose sum is n), ``made_from`` (silver columns), ``used_in``, ``missing`` (why no feed
        delivers it, or None).
    """
    return {
        "id": metric.id,
        "title": metric.title,
        "definition": metric.meaning,
        "formula": in_words(metric),
        "columns": in_columns(metric),
        "dax": dax(metric),
        "source": metric.source,
        "unit": metric.unit,
        "format": metric.number_format,
        "good": metric.good,
        "mart": None if metric.missing else metric.mart.full_name(),
        "additive_over": [] if metric.missing else list(metric.additive_over()),
        "cases": list(metric.cases),
        "made_from": [f"silver.{source}" for source in metric.sources()],
        "used_in": used_in(metric),
        "missing": metric.missing,
    }


def used_in(metric: Metric) -> list[str]:
    """Where people meet it: columns of gold that hold it or, for one column's sum, its roll-ups; and the workbook."""
    alone = f"{metric.mart.short_name}.{metric.id}"
    columns = [
        f"{table.full_name()}.{column}"
        for table in GOLD.values()
        for column in table.columns()
        if column == metric.id or table.meta(column).get("of") == (alone,)
    ]
    return [*columns, "workbook: sheet KPIs"]
