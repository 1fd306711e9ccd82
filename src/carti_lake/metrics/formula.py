"""A metric's formula as people and other programs write it: in words, in columns, in DAX."""

from collections.abc import Callable

from carti_lake.metrics.metric import Metric, Sum, Window

#: How DAX names a column of a gold table.
Named = Callable[[str, str], str]


def in_words(metric: Metric) -> str:
    """The formula in the words of its columns' descriptions; empty where the metric has no columns."""
    return _written(metric, lambda column: metric.mart.columns()[column].description or column)


def in_columns(metric: Metric) -> str:
    """The formula in columns of the mart: ``sum(denied_claims) / sum(visits)``."""
    return _written(metric, lambda column: f"sum({column})")


def as_in_gold(table: str, column: str) -> str:
    """Names of a model that calls tables and columns as gold does."""
    return f"'{table}'[{column}]"


def dax(metric: Metric, named: Named = as_in_gold) -> str:
    """The metric as a DAX expression, blank where the denominator is zero, at whatever grain a visual filters to.

    Rows that lack one of the columns count in neither sum, as in :meth:`Metric.terms`. What counts distinct things is
    blank unless the visual shows a single value of each column of the mart's key. A metric of reporting months is
    blank unless the visual shows a single month, as in :func:`carti_lake.metrics.window.windowed`.

    Parameters
    ----------
    metric
        Which.
    named
        How the model names a column of a gold table; ``dim_date`` is its date table.
    """
    if metric.missing:
        return "BLANK()"
    table = metric.mart.short_name
    columns = metric.mart.columns()
    gaps = [f"KEEPFILTERS(NOT ISBLANK({named(table, name)}))" for name in metric.summed() if columns[name].nullable]
    parts = [
        _sum(part, lambda column: f"SUM({named(table, column)})")
        for part in (metric.numerator, metric.denominator)
        if part
    ]
    if metric.window is not None:
        return _windowed(metric.window, parts, gaps, table, named)
    written = f"DIVIDE({', '.join(parts)})" if metric.denominator else parts[0]
    if gaps:
        written = f"CALCULATE({', '.join((written, *gaps))})"
    single = [name for name in metric.mart.key() if name not in metric.additive_over()]
    if single:
        shown = " && ".join(f"HASONEVALUE({named(table, name)})" for name in single)
        written = f"IF({shown}, {written})"
    return written


def _windowed(window: Window, parts: list[str], gaps: list[str], table: str, named: Named) -> str:
    """A ratio of sums over the window's months; none before the window begins within the mart, nor after its end."""
    date, month, own = named("dim_date", "date"), named("dim_date", "month"), named(table, window.month)
    spans = (window.numerator, window.denominator)
    above, below = (
        f"CALCULATE({', '.join((part, _between(date, *span), *gaps))})" for part, span in zip(parts, spans, strict=True)
    )
    lengths = [far - near + 1 for near, far in spans]
    scaled = below if lengths[0] == lengths[1] else f"{below} * {lengths[0]} / {lengths[1]}"
    return (
        f"VAR ReportedMonth = MAX({month}) "
        f"VAR FirstMonth = CALCULATE(MIN({own}), ALL('{_table(own)}')) "
        f"VAR LastMonth = CALCULATE(MAX({own}), ALL('{_table(own)}')) "
        f"RETURN IF(HASONEVALUE({month}) && ReportedMonth <= LastMonth && "
        f"ReportedMonth >= EDATE(FirstMonth, {max(far for _, far in spans)}), DIVIDE(COALESCE({above}, 0), {scaled}))"
    )


def _between(date: str, nearest: int, farthest: int) -> str:
    return f"DATESBETWEEN({date}, EDATE(ReportedMonth, {-farthest}), EOMONTH(ReportedMonth, {-nearest}))"


def _table(column: str) -> str:
    return column.split("'")[1]


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
