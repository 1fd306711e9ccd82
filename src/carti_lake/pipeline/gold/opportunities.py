"""Opportunities added up, by provider or by campaign."""

import polars as pl


def opportunity_sums() -> dict[str, pl.Expr]:
    """Counts by outcome, value won, and what the open ones are worth; won and closed by the source's own flags."""
    won, closed = pl.col("is_won").fill_null(False), pl.col("is_closed").fill_null(False)
    amount = pl.col("amount")
    expected = (amount.cast(pl.Float64) * pl.col("probability").cast(pl.Float64) / 100).round(4)
    return {
        "open_opportunities": (~closed).sum(),
        "won_opportunities": won.sum(),
        "lost_opportunities": (closed & ~won).sum(),
        "valued_opportunities": (~closed & expected.is_not_null()).sum(),
        "won_value": amount.filter(won).sum(),
        "weighted_pipeline": expected.filter(~closed).cast(pl.Decimal(18, 4)).sum(),
    }
