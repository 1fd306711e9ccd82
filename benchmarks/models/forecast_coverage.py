"""What forecasts' intervals hold on generated networks, from many origins each, without a lake in between.

``python -m benchmarks.models.forecast_coverage --seeds 201 202`` prints JSON: by level, the share of what came that the
80 and 95 % intervals held, the mean absolute scaled error of the model and of its baselines, and by which method the
forecasts were made. A network's visits and referrals are summed to months as they ended up; the last half year, whose
claims are not yet all paid, is left out. So claims are mature at every origin, as they are not in a lake.
"""

import argparse
import json
from collections import Counter
from collections.abc import Sequence
from datetime import date
from typing import Any

import numpy as np
import polars as pl

from carti_lake.generate import Network, extracts
from carti_lake.models.forecast.backtest import Backtest, backtest
from carti_lake.models.forecast.choice import choose, chosen
from carti_lake.models.forecast.coherence import coherent
from carti_lake.models.forecast.judge import intervals
from carti_lake.models.forecast.measures import coverage
from carti_lake.models.forecast.methods import BASELINES
from carti_lake.models.forecast.model import read
from carti_lake.models.forecast.panel import Panel
from carti_lake.models.model import Known
from carti_lake.tables import TABLES

FIRST, LAST, MATURE = date(2021, 1, 1), date(2025, 3, 31), date(2024, 9, 30)
#: Months before the last one at which a model is trained, and origins that it looks back to.
TRAINED, LOOKS_BACK = (27, 24, 21, 18, 12, 6), 18
KEYS = {"ehr_visits": "visit_id", "salesforce_referrals": "referral_id"}
VISITS_PER_DAY = (60, 100, 150)


def panel(seed: int) -> Panel:
    """Four years and a half of a network's series."""
    network = Network(
        seed=seed,
        start=FIRST,
        days=(LAST - FIRST).days + 1,
        visits_per_day=VISITS_PER_DAY[seed % len(VISITS_PER_DAY)],
        dirt=0.0,
    )
    parts: dict[str, list[pl.DataFrame]] = {feed: [] for feed in KEYS}
    for feed, _, _, rows in extracts(network, feeds=list(KEYS)):
        parts[feed].append(rows)
    visits, referrals = (
        pl.concat(parts[feed]).unique(key, keep="last", maintain_order=True).filter(~pl.col("is_deleted"))
        for feed, key in KEYS.items()
    )
    slug = pl.col("service_line", "visit_type").str.to_lowercase().str.replace_all("[ -]+", "_")
    visits = visits.with_columns(slug, provider_id="provider_npi", month=pl.col("visit_date").dt.truncate("1mo"))
    referrals = referrals.with_columns(
        pl.col("service_line").str.to_lowercase().str.replace_all("[ -]+", "_"),
        provider_id="referring_provider_npi",
        month=pl.col("referral_date").dt.truncate("1mo"),
    )
    cell = ["provider_id", "service_line", "month"]
    money = (
        pl.col("claim_amount", "claim_paid")
        .cast(pl.Float64)
        .sum()
        .name.map({"claim_amount": "gross_charges", "claim_paid": "payments"}.__getitem__)
    )
    sums = visits.drop_nulls(cell).group_by(cell).agg(money, visits=pl.len())
    made = referrals.drop_nulls(cell).group_by(cell).agg(referrals_made=pl.len())
    cells = sums.join(made, on=cell, how="full", coalesce=True).fill_null(0).filter(pl.col("month") <= MATURE)
    seen = visits.filter(pl.col("visit_date") <= MATURE).with_columns(
        visit_month="month", rendering_provider_id="provider_id"
    )
    tables = {
        "gold.provider_monthly": cells,
        "gold.claims_maturity": pl.DataFrame({"month": [MATURE.replace(day=1)], "maturity": [1.0]}),
        "gold.reconciliation": pl.DataFrame({"feed": list(KEYS), "extract_date": [MATURE] * len(KEYS)}),
        "silver.visits": seen,
    }
    return read(Known(MATURE, 1, {name: _shaped(name, rows) for name, rows in tables.items()}))


def _shaped(table: str, rows: pl.DataFrame) -> pl.LazyFrame:
    """The rows with all of a table's columns, null where nothing is known of them."""
    dtypes = TABLES[table].dtypes()
    return rows.lazy().select(
        (pl.col(name) if name in rows.columns else pl.lit(None)).cast(dtype).alias(name)
        for name, dtype in dtypes.items()
    )


def trainings(known: Panel) -> list[dict[str, Any]]:
    """What was forecast at each training, by level: errors, what the intervals held, and the method."""
    every = backtest(known, 0, origins=range(1, TRAINED[0] + LOOKS_BACK + 1))
    level, actual = known.keys["level"].to_numpy(), every.actual()
    found = []
    for months in TRAINED:
        before = [place for place, ago in enumerate(every.ago) if months < ago <= months + LOOKS_BACK]
        test = Backtest(
            known.until(months),
            tuple(every.ago[place] - months for place in before),
            {name: made[before] for name, made in every.made.items()},
            every.scale[before],
        )
        choice, now = choose(test), every.ago.index(months)
        made = {name: values[now] for name, values in every.made.items()}
        points = coherent(test.panel, chosen(level, made, choice), choice.errors).points
        ends = intervals(points, test.panel.scale, level, choice)
        for name in dict.fromkeys(level.tolist()):
            rows = level == name
            came, scale = actual[now][rows], test.panel.scale[rows][:, None]
            held = {share: coverage(came, low[rows], high[rows]) for share, (low, high) in ends.items()}
            errors = {"model": points, **{one: made[one] for one in BASELINES}}
            mase = {one: float(np.nanmean(np.abs(came - values[rows]) / scale)) for one, values in errors.items()}
            count = int((~np.isnan(came) & ~np.isnan(ends["80"][0][rows])).sum())
            found.append({"level": name, "method": choice.methods[name], "n": count, "mase": mase, "held": held})
    return found


def summary(found: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """By level, over all networks and trainings."""
    out = {}
    for level in dict.fromkeys(one["level"] for one in found):
        own = [one for one in found if one["level"] == level]
        total = sum(one["n"] for one in own)
        out[level] = {
            "forecasts": total,
            "methods": Counter(one["method"] for one in own),
            "mase": {name: round(float(np.mean([one["mase"][name] for one in own])), 3) for name in own[0]["mase"]},
            **{
                f"coverage_{share}": round(sum(one["n"] * one["held"][share][0] for one in own) / total, 3)
                for share in own[0]["held"]
            },
        }
    return out


def main() -> None:
    """Print the summary."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=list(range(201, 209)))
    print(json.dumps(summary([one for seed in parser.parse_args().seeds for one in trainings(panel(seed))]), indent=1))


if __name__ == "__main__":
    main()
