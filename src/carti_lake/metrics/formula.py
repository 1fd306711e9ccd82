"""A metric's formula as people and other programs write it: in words, in columns, in DAX."""

from collections.abc import Callable

from carti_lake.metrics.metric import Metric, Sum


def in_words(metric: Metric) -> str:
    """The formula in the words of its columns' descriptions; empty where the metric has no columns."""
    return _written(metric, lambda column: metric.mart.columns()[column].description or column)


def in_columns(metric: Metric) -> str:
    """The formula in columns of the mart: ``sum(denied_claims) / sum(visits)``."""
    return _written(metric, lambda column: f"sum({column})")


def dax(metric: Metric) -> str:
    """The metric as a DAX expression, blank where the denominator is zero, at whatever grain a visual filters to.

    Rows that lack one of the columns count in neither sum, as in :meth:`Metric.terms`. What counts distinct things is
    blank unless the visual shows a single value of each column of the mart's key.
    """
    if metric.missing:
        return "BLANK()"
    table = metric.mart.short_name
    parts = [part for part in (metric.numerator, metric.denominator) if part]
    sums = [_sum(part, lambda column: f"SUM('{table}'[{column}])") for part in parts]
    written = f"DIVIDE({', '.join(sums)})" if metric.denominator else sums[0]
    columns = metric.mart.columns()
    gaps = [name for name in metric.summed() if columns[name].nullable]
    if gaps:
        whole = ", ".join(f"KEEPFILTERS(NOT ISBLANK('{table}'[{name}]))" for name in gaps)
        written = f"CALCULATE({written}, {whole})"
    single = [name for name in metric.mart.key() if name not in metric.additive_over()]
    if single:
        shown = " && ".join(f"HASONEVALUE('{table}'[{name}])" for name in single)
        written = f"IF({shown}, {written})"
    return written


def _written(metric: Metric, name: Callable[[str], str]) -> str:
    above = _sum(metric.numerator, name)
    if metric.denominator is None:
        return above
    parts = (metric.numerator, metric.denominator)
    top, below = (f"({_sum(part, name)})" if len(part.inputs()) > 1 else _sum(part, name) for part in parts)
    return f"{top} / {below}"


def _sum(part: Sum, name: Callable[[str], str]) -> str:
    plus = " + ".join(name(column) for column in part.columns)
    return plus + "".join(f" - {name(column)}" for column in part.minus)
