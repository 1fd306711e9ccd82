"""What a forecast's bands are worth: how many months they held when tested, beside how many they are meant to hold."""

from collections.abc import Mapping

import polars as pl

#: The bands, and the measure of how many known months lay in them.
COVERAGES = {"80": "coverage_80", "95": "coverage_95"}


def held(tables: Mapping[str, pl.DataFrame], level: str) -> dict[str, float]:
    """The share of held-out months that each band of a level held, by the newest evaluation; empty where there is none.

    Parameters
    ----------
    tables
        Published tables; ``model_metrics`` among them.
    level
        ``network``, ``service_line``, ``provider``.
    """
    if "model_metrics" not in tables:
        return {}
    rows = tables["model_metrics"].filter(
        pl.col("metric").is_in([*COVERAGES.values()]), pl.col("split").str.ends_with(f", {level}")
    )
    newest = rows.sort("data_release", nulls_last=False).unique("metric", keep="last", maintain_order=True)
    found = dict(newest.select("metric", "value").drop_nulls().iter_rows())
    return {name: found[measure] for name, measure in COVERAGES.items() if measure in found}


def in_words(shares: Mapping[str, float]) -> str:
    """What may be said of the bands: what was measured, and never what was only meant."""
    meant = "bands meant to hold 80 and 95 of 100 months"
    if len(shares) < len(COVERAGES):
        return f"{meant}; how many they hold was not tested here"
    told = " and ".join(f"{100 * share:.0f}" for share in shares.values())
    return f"{meant}; tested on months held out, they held {told}"
