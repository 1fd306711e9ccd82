"""No published value is computed from a hidden one: whoever solves for the inputs finds none, whatever the column."""

from collections.abc import Callable, Mapping
from datetime import date
from itertools import permutations

import numpy as np
import polars as pl
import polars.selectors as cs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from carti_lake.disclosure import Publication, of_people, publication
from carti_lake.disclosure.lineage import may_leave
from carti_lake.pipeline.gold.opportunity_predictions import FEATURES, metrics, predictions
from carti_lake.pipeline.gold.provider_summary import provider_summary
from carti_lake.tables import Table
from carti_lake.tables.gold import (
    GOLD,
    DimProvider,
    OpportunityPredictions,
    OpportunityScores,
    ProviderMonthly,
    ProviderSummary,
)
from carti_lake.tables.gold.events import AXES, SUMMED
from carti_lake.tables.silver import CrmAccounts, Encounters, Opportunities

Frames = dict[str, pl.DataFrame]
#: Providers, and how many visits one has: most of their denied claims are few, or nearly all counts are.
LAKES = {"thin": (14, 20), "wide": (80, 150), "as the demo": (150, 600)}
#: Ways to make one number of two.
TOGETHER: Mapping[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    "times": np.multiply,
    "by": np.divide,
    "less": np.subtract,
}
#: Cells that a relation must give, to be no chance.
LEAST = 5


def held(table: type[Table], rows: int, **columns: object) -> pl.DataFrame:
    """Rows of a table: the given columns, zero for other numbers that must be there, else null."""
    zeros = [name for name, one in table.columns().items() if not one.nullable and table.dtypes()[name].is_numeric()]
    filled = {name: pl.lit(0 if name in zeros else None) for name in table.columns()}
    frame = pl.DataFrame({"at": range(rows)}).with_columns(**filled).drop("at")
    return frame.with_columns(**{name: pl.Series(name, value) for name, value in columns.items()}).cast(
        table.dtypes()  # type: ignore[arg-type]
    )


def lake(providers: int, visits: int, seed: int = 0) -> Frames:
    """Gold tables of a network with many small counts, and all that is computed from them."""
    draw = np.random.default_rng(seed)
    ids = [f"P{place:03}" for place in range(providers)]
    seen = draw.poisson(visits, providers) + 1
    claims = draw.binomial(seen, draw.choice([0.7, 1, 1, 1], providers))
    denied = draw.binomial(claims, draw.choice([0.02, 0.2, 0.3], providers))
    pending = draw.binomial(claims - denied, draw.choice([0, 0, 0, 0.05], providers))
    stays = draw.poisson(visits / 3, providers)
    charges = draw.integers(100, 900, providers) * claims
    monthly = held(
        ProviderMonthly,
        providers,
        provider_id=ids,
        month=[date(2026, 1 + place % 3, 1) for place in range(providers)],
        service_line=[("breast", "lung", "colon")[place % 3] for place in range(providers)],
        visits=seen,
        claims=claims,
        denied_claims=denied,
        pending_claims=pending,
        paid_claims=claims - denied - pending,
        gross_charges=charges,
        payments_as_delivered=charges * 0.6,
        stays=stays,
        length_of_stay_count=stays,
        length_of_stay_days=stays * 3 + draw.integers(0, 9, providers),
        satisfaction_count=draw.binomial(stays, draw.choice([0.5, 1], providers)),
        satisfaction_sum=stays * 60.0,
        treatment_cost_count=stays,
        treatment_cost=stays * 4000.0,
        referrals_made=draw.poisson(visits / 8, providers),
        appointments=draw.poisson(visits, providers),
        no_shows=draw.poisson(visits / 20, providers),
    )
    patients = draw.binomial(stays, draw.choice([0.5, 1, 1], providers))
    encounters = held(
        Encounters,
        int(stays.sum()),
        referring_provider_id=np.repeat(ids, stays),
        patient_key=np.concatenate([np.arange(n) % max(few, 1) for n, few in zip(stays, patients, strict=True)]),
        withdrawn=[False] * int(stays.sum()),
    )
    accounts = held(
        CrmAccounts,
        providers,
        provider_id=ids,
        contact_count=draw.integers(1, 40, providers),
        deals_value=draw.integers(1, 900, providers) * 1000,
        opportunity_value=draw.integers(1, 900, providers) * 1000,
        marketing_cost=draw.integers(1, 90, providers) * 1000,
        withdrawn=[False] * providers,
    )
    directory = held(DimProvider, providers, provider_id=ids, provider_name=ids, in_directory=[True] * providers)
    scores = held(OpportunityScores, providers, opportunity_id=ids, provider_id=ids, expected_value=denied * 10.0)
    nothing = pl.LazyFrame(schema=Opportunities.dtypes())
    sources = (monthly.lazy(), encounters.lazy(), accounts.lazy(), nothing, directory.lazy(), scores.lazy())
    summary = provider_summary(*sources).collect()
    made = {
        "provider_monthly": monthly,
        "provider_summary": summary,
        "opportunity_predictions": predictions(summary.lazy()).collect(),
        "model_metrics": metrics(summary.lazy()).collect(),
        "opportunity_scores": scores,
        "dim_provider": directory,
    }
    return {name: made.get(name, pl.DataFrame(schema=table.dtypes())) for name, table in GOLD.items()}


def by_provider(shown: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """Every number that is published of a provider, in one row."""
    predicted = shown["opportunity_predictions"].drop("model", "opportunity_value")
    return shown["provider_summary"].join(predicted, on="provider_id", maintain_order="left")


def by_least_squares(shown: Mapping[str, pl.DataFrame], frames: Frames) -> list[str]:
    """Providers whose hidden denied claims follow from a column that is linear in the features."""
    rows = by_provider(shown).sort("provider_id")
    truth = frames["provider_summary"].sort("provider_id")["denied_claims"].to_numpy()
    features = rows.select(cs.by_name(FEATURES).cast(pl.Float64)).to_numpy()
    visits = frames["provider_summary"].sort("provider_id")["total_visits"].to_numpy()
    place = FEATURES.index("denial_rate")
    others = np.delete(features, place, axis=1)
    full, hidden = ~np.isnan(features).any(axis=1), np.isnan(features[:, place]) & ~np.isnan(others).any(axis=1)
    found: list[str] = []
    if full.sum() <= len(FEATURES) + 1:
        return found
    for column in OpportunityPredictions.columns():
        if column not in rows.columns or not rows[column].dtype.is_numeric() or rows[column].null_count():
            continue
        values = rows[column].cast(pl.Float64).to_numpy()
        mean, spread = features[full].mean(axis=0), features[full].std(axis=0) + 1e-12
        design = np.column_stack([np.ones(full.sum()), (features[full] - mean) / spread])
        weights, *_ = np.linalg.lstsq(design, values[full], rcond=1e-9)
        if np.abs(design @ weights - values[full]).max() > 0.02:
            continue
        known = np.delete(weights[1:], place) * ((others - np.delete(mean, place)) / np.delete(spread, place))
        rest = values - weights[0] - known.sum(axis=1)
        guessed = (rest / weights[1 + place] * spread[place] + mean[place]) * visits
        right = hidden & (truth >= 1) & (truth <= 10) & (np.abs(guessed - truth) < 0.02)
        found += rows["provider_id"].filter(pl.Series(right)).to_list()
    return found


def by_pairs(shown: Mapping[str, pl.DataFrame], frames: Frames) -> list[str]:
    """Hidden columns that two shown ones always give together."""
    rows, real = by_provider(shown).sort("provider_id"), frames["provider_summary"].sort("provider_id")
    numbers = rows.select(cs.numeric().cast(pl.Float64))
    values, names = numbers.to_numpy(), numbers.columns
    found = []
    for name in [one for one in ProviderSummary.columns() if ProviderSummary.meta(one).get("unit") == "count"]:
        truth = real[name].cast(pl.Float64).to_numpy()
        hidden = rows[name].is_null().to_numpy() & (truth >= 1) & (truth <= 10)
        for one, other in permutations(range(len(names)), 2):
            a, b = values[hidden, one], values[hidden, other]
            known = ~np.isnan(a) & ~np.isnan(b)
            if known.sum() < LEAST:
                continue
            for word, put in TOGETHER.items():
                with np.errstate(all="ignore"):
                    if np.allclose(put(a[known], b[known]), truth[hidden][known], rtol=1e-6, atol=1e-6):
                        found.append(f"{name} is {names[one]} {word} {names[other]}")
    return found


@pytest.mark.parametrize("size", LAKES.values(), ids=LAKES)
def test_no_hidden_count_is_solved_for(size: tuple[int, int]) -> None:
    frames = lake(*size)
    shown = publication(frames).tables
    assert by_least_squares(shown, frames) == []
    assert by_pairs(shown, frames) == []


def test_the_attacks_succeed_where_stored_predictions_and_rates_are_published() -> None:
    frames = lake(*LAKES["wide"])
    shown = dict(publication(frames).tables)
    leaked = shown | {"opportunity_predictions": frames["opportunity_predictions"]}
    assert len(by_least_squares(leaked, frames)) > 20
    rates = frames["provider_summary"].select("provider_id", "denial_rate")
    summary = shown["provider_summary"].drop("denial_rate").join(rates, on="provider_id", maintain_order="left")
    assert "denied_claims is total_visits times denial_rate" in by_pairs(shown | {"provider_summary": summary}, frames)


def test_what_is_predicted_follows_from_what_is_published() -> None:
    frames = lake(*LAKES["wide"])
    shown = publication(frames).tables
    again = predictions(shown["provider_summary"].lazy()).collect()
    assert_frame_equal(shown["opportunity_predictions"], again)
    assert shown["opportunity_predictions"]["predicted"].null_count() == 0
    assert shown["model_metrics"]["model"].unique().to_list() == ["opportunity_value"]
    assert shown["provider_summary"]["predicted_opportunity_value"].null_count() == 80


def others(rows: pl.DataFrame, name: str, draw: np.random.Generator) -> pl.DataFrame:
    """The table with other values wherever it is neither summed along an axis, nor about business, nor a key."""
    mart = GOLD[name]
    summed = {column for one in SUMMED for column in one.columns()} if mart in SUMMED else set()
    if rows.is_empty() and mart not in SUMMED and not may_leave(mart):
        rows = held(mart, 3, **{key: _values(mart.dtypes()[key], 3, draw) for key in mart.key()})
    derived = [
        column
        for column in mart.columns()
        if column not in mart.key()
        and of_people(mart, column)
        and (column not in summed or column == "predicted_opportunity_value")
    ]
    return rows.with_columns(pl.Series(one, _values(mart.dtypes()[one], rows.height, draw)) for one in derived).cast(
        mart.dtypes()  # type: ignore[arg-type]
    )


def _values(dtype: pl.DataType, rows: int, draw: np.random.Generator) -> list[object]:
    numbers = draw.integers(1, 11, rows).tolist()
    if dtype == pl.Date:
        return [date(2026, one, 1) for one in numbers]
    if dtype == pl.Boolean:
        return [one % 2 == 0 for one in numbers]
    return [str(one) for one in numbers] if dtype == pl.String else numbers


def assert_same(one: Publication, other: Publication) -> None:
    assert_frame_equal(one.network, other.network)
    assert one.tables.keys() == other.tables.keys()
    for name, rows in one.tables.items():
        assert_frame_equal(rows, other.tables[name])


@settings(max_examples=10)
@given(seed=st.integers(0, 10**6), providers=st.integers(2, 20), visits=st.integers(1, 60))
def test_nothing_is_read_but_what_is_summed_and_what_is_business(seed: int, providers: int, visits: int) -> None:
    frames, draw = lake(providers, visits, seed), np.random.default_rng(seed)
    changed = {name: others(rows, name, draw) for name, rows in frames.items()}
    assert_same(publication(frames), publication(changed))


@settings(max_examples=10)
@given(seed=st.integers(0, 10**6), providers=st.integers(2, 20), visits=st.integers(1, 60))
def test_rows_stand_in_the_order_of_their_key_however_they_are_stored(seed: int, providers: int, visits: int) -> None:
    frames, draw = lake(providers, visits, seed), np.random.default_rng(seed)
    turned = {name: rows[draw.permutation(rows.height).tolist()] for name, rows in frames.items()}
    one = publication(frames)
    assert_same(one, publication(turned))
    keys = {axis.table: [axis.key] for axis in AXES}
    for name, rows in one.tables.items():
        key = keys.get(name) or GOLD[name].key()
        assert_frame_equal(rows, rows.sort(key))


@settings(max_examples=10)
@given(seed=st.integers(0, 10**6), providers=st.integers(4, 20), visits=st.integers(1, 60))
def test_what_hidden_counts_are_changes_nothing_as_long_as_they_are_hidden(
    seed: int, providers: int, visits: int
) -> None:
    frames = lake(providers, visits, seed)
    shown = publication(frames).tables["provider_summary"].sort("provider_id")
    hidden = shown.filter(pl.col("no_shows").is_null(), pl.col("appointments").is_not_null())["provider_id"].to_list()
    if len(hidden) < 2:
        return
    # One no-show of one hidden provider becomes another hidden one's, of the same month and service line.
    monthly = frames["provider_monthly"].sort("provider_id")
    alike = monthly.filter(pl.col("provider_id").is_in(hidden), pl.col("no_shows").is_between(2, 9))
    pairs = [
        (one, other)
        for one, other in permutations(alike.select("provider_id", "month").rows(), 2)
        if one[1] == other[1]
    ]
    for (giver, _), (taker, _) in pairs[:1]:
        moved = pl.when(provider_id=giver).then(-1).when(provider_id=taker).then(1).otherwise(0)

        def change(rows: pl.DataFrame, moved: pl.Expr = moved) -> pl.DataFrame:
            return rows.with_columns(pl.col("no_shows") + moved)

        other = frames | {"provider_monthly": change(monthly)}
        other["provider_summary"] = change(frames["provider_summary"])
        assert_same(publication(frames), publication(other))
