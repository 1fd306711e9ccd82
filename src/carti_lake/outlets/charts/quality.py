"""Data quality at a glance: how many checks of each table pass, warn and block."""

from typing import TYPE_CHECKING

import polars as pl

from carti_lake.metrics.names import check_in_words, plain
from carti_lake.outlets.chart_rows import row_axis
from carti_lake.outlets.charts.shown import Shown, chart
from carti_lake.outlets.theme import MEANS, ROW, layered, one_of, said

if TYPE_CHECKING:
    import altair as alt

TITLE = "Data quality: checks by table"
#: Status to colour, from good to bad.
COLORS = {
    "ok": MEANS["passes"],
    "warn": MEANS["warns"],
    "block": MEANS["blocks"],
    "not applicable": MEANS["not applicable"],
}
#: Checks that are named.
MOST_NAMED = 8


@chart
def data_quality(release: Shown) -> "alt.LayerChart":
    """Each table's checks by their status, and the names of those that do not pass; no counts of rows.

    The thresholds are those of the release. With full counts the failing shares stand beside the names.
    """
    import altair as alt

    checks = release.checks
    if checks is None or checks.is_empty():
        return said(TITLE, "this release holds no checks", release.line)
    status = pl.col("status").cast(pl.String)
    called = {name: plain(name) for name in checks["table_name"].unique()}
    rows = (
        checks.group_by(label=pl.col("table_name").replace_strict(called, return_dtype=pl.String), status=status)
        .agg(checks=pl.len().cast(pl.Int64))
        .with_columns(order=pl.col("status").replace_strict({name: place for place, name in enumerate(COLORS)}))
        .sort("label", "order")
    )
    open_ = checks.filter(status.is_in(["warn", "block"]))
    share = pl.format(", {} % of rows", (pl.col("share") * 100).round(2)) if release.in_full else pl.lit("")
    worst = open_.head(MOST_NAMED).select("table_name", "rule", status, share.fill_null("").alias("share"))
    names = [f"{check_in_words(table, rule)} ({how}{of})" for table, rule, how, of in worst.rows()]
    more = f" and {open_.height - MOST_NAMED} more" if open_.height > MOST_NAMED else ""
    most = rows.group_by("label").agg(pl.col("checks").sum())["checks"].max()
    # A number stands in its part of the bar, or not at all.
    numbers = rows.with_columns(place=pl.col("checks").cum_sum().over("label") - pl.col("checks") / 2).filter(
        pl.col("checks") > 0.025 * pl.lit(most)
    )
    named = rows.unique("label", maintain_order=True)
    texts = alt.Chart(numbers).encode(y=row_axis(named))
    return layered(
        [
            alt.Chart(rows)
            .mark_bar(height=ROW * 0.62)
            .encode(
                x=alt.X("checks:Q", axis=alt.Axis(format="d", tickMinStep=1, tickCount=6), title=None),
                y=row_axis(named),
                color=one_of("status", list(COLORS), list(COLORS.values())),
                order=alt.Order("order:Q"),
            ),
            texts.mark_text().encode(x="place:Q", text="checks:Q"),
        ],
        TITLE,
        f"Not passed: {'; '.join(names)}{more}" if open_.height else "Every check passes",
        None if release.in_full else "Months of 1 to 10 rows that fail a check, or pass it, are left out",
        release.line,
    )
