"""What a forecast and its bands are worth: what it was made by, and how many months the bands held when tested."""

from collections.abc import Mapping

import polars as pl

#: The bands, and the measures of how many known months lay in them and how sure that is.
COVERAGES = {"80": "coverage_80", "95": "coverage_95"}
ENDS = ("", "_lower", "_upper")


def in_words(tables: Mapping[str, pl.DataFrame], level: str) -> str:
    """What may be said of a level's bands: what was measured, and never what was only meant.

    Parameters
    ----------
    tables
        Published tables; ``model_metrics`` and ``forecasts`` among them.
    level
        ``network``, ``service_line``, ``provider``.
    """
    return f"bands meant to hold 80 and 95 of 100 months; {_tested(tables, level)}{_in_place(tables, level)}"


def _tested(tables: Mapping[str, pl.DataFrame], level: str) -> str:
    measures = [f"{measure}{end}" for measure in COVERAGES.values() for end in ENDS]
    found = {} if "model_metrics" not in tables else _newest(tables["model_metrics"], level, measures)
    if not {*COVERAGES.values()} <= found.keys():
        return "how many they hold was not tested here"
    told = []
    for measure in COVERAGES.values():
        share, *ends = (found.get(f"{measure}{end}", (None, 0))[0] for end in ENDS)
        between = "" if None in ends else " ({:.0f} to {:.0f})".format(*(100 * end for end in ends if end is not None))
        told.append(f"{100 * (share or 0):.0f}{between}")
    return f"tested on {found['coverage_80'][1]:,} forecasts of months held out, they held {' and '.join(told)}"


def _newest(metrics: pl.DataFrame, level: str, measures: list[str]) -> dict[str, tuple[float, int]]:
    """Value and number of forecasts by measure, by the newest evaluation."""
    rows = metrics.filter(pl.col("metric").is_in(measures), pl.col("split").str.ends_with(f", {level}"))
    newest = rows.sort("data_release", nulls_last=False).unique("metric", keep="last", maintain_order=True)
    return {name: (value, n) for name, value, n in newest.drop_nulls("value").select("metric", "value", "n").rows()}


def _in_place(tables: Mapping[str, pl.DataFrame], level: str) -> str:
    """That a baseline stands in the model's place, where it does."""
    from carti_lake.models.forecast.methods import BASELINES

    if "forecasts" not in tables or "method" not in tables["forecasts"].columns:
        return ""
    rows = tables["forecasts"].filter(level=level).drop_nulls("method").sort("origin")
    method = rows["method"].to_list()[-1:]
    return f". The forecast is the {method[0]}: the model was no better" if method and method[0] in BASELINES else ""
