"""Metrics that are a column's sum, and the sources that several definitions share."""

from typing import Any

from carti_lake.metrics.metric import Metric, Sum
from carti_lake.tables.gold import Gold

SEED = "the original CARTI BI project's own ETL; kept so that its table reproduces"
CONVENTION = "convention; no authoritative text found"


def sum_of(mart: type[Gold], column: str, **said: Any) -> Metric:
    """The sum of a mart's column; unless said otherwise, title, definition and unit are the column's own."""
    description = mart.columns()[column].description or ""
    own = {
        "title": description,
        "source": "ours: a plain sum",
        "unit": mart.meta(column)["unit"],
        "definition": f"{description}.",
    }
    return Metric(column, mart=mart, numerator=Sum.of(column), denominator=None, **{**own, **said})
