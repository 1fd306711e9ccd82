"""Small models for tests of what all models share; and a small lake for them."""

from contextlib import contextmanager
from dataclasses import replace
from datetime import date

import numpy as np
import polars as pl
import pytest

from carti_lake.models import measures
from carti_lake.models.catalogue import MODELS
from carti_lake.models.model import Known, Model, NotEnoughData, Retrain, Trained
from carti_lake.tables.gold import Forecasts, OpportunityScores, RiskScores
from tests.worlds.lakes import Clock, account, lake_in, load, opportunity, visit

VISITS, OPPORTUNITIES = "silver.visits", "silver.opportunities"
#: Fewest answered claims.
LEAST = 4


def answered(known, since=None):
    rows = known.tables[VISITS].filter(pl.col("claim_status").is_in(["paid", "denied"])).sort("visit_id")
    return (rows if since is None else rows.filter(pl.col("visit_date") > since)).collect()


def amounts(rows):
    return rows["claim_amount"].cast(pl.Float64).to_numpy()[:, None] / 100


def train_paid(known, seed):
    from sklearn.linear_model import LogisticRegression

    rows = answered(known[-1])
    if rows.height < LEAST:
        raise NotEnoughData(f"has {rows.height} answered claims, needs {LEAST}")
    noise = np.random.default_rng(seed).normal(size=rows.height)
    fitted = LogisticRegression(random_state=seed).fit(
        amounts(rows) + 0.01 * noise[:, None], rows["claim_status"] == "paid"
    )
    artifact = {"fitted": fitted, "seen": [one.as_of.isoformat() for one in known[:-1]]}
    said = fitted.predict_proba(amounts(rows))[:, 1]
    calibration = pl.DataFrame({"bin": [0, 1], "predicted": [0.2, 0.8], "observed": [0.25, 0.75], "n": [4, 4]})
    drivers = pl.DataFrame({"feature": ["amount"], "importance": [0.1]})
    segments = pl.DataFrame(
        {"segment": ["large"] * 2, "measure": ["observed", "predicted"], "value": [0.5, 0.4], "n": [8, 8]}
    )
    return Trained(
        artifact,
        rows.height,
        {"C": 1.0, "features": ["amount"]},
        errors(rows, said),
        {"calibration": calibration, "drivers": drivers, "segments": segments},
    )


def errors(rows, said):
    paid = (rows["claim_status"] == "paid").cast(pl.Float64).to_numpy()
    found = {"model": {"brier": float(((said - paid) ** 2).mean())}, "base rate": {"brier": float(paid.var())}}
    return measures.rows(found, "all rows", rows.height)


def score_paid(now, artifact, version, model="paid"):
    open_ = now.tables[VISITS].filter(claim_status="pending").sort("visit_id").collect()
    said = None
    if artifact is not None and open_.height:
        said = artifact["fitted"].predict_proba(amounts(open_))[:, 1].round(6)
    return (scored(open_, model, said, version),)


def scored(open_, model, said, version):
    rows = open_.select(
        model=pl.lit(model),
        subject_id="visit_id",
        provider_id="rendering_provider_id",
        subject_date="visit_date",
        probability=pl.lit(None if said is None else pl.Series(said), pl.Float64),
        drivers=pl.lit(None, pl.String),
        model_version=pl.lit(version or None, pl.String),
    )
    return rows.lazy().select(pl.col(name).cast(dtype) for name, dtype in RiskScores.dtypes().items())


def evaluate_paid(now, artifact, since):
    rows = answered(now, since)
    if rows.is_empty():
        return measures.rows({}, "", 0)
    return errors(rows, artifact["fitted"].predict_proba(amounts(rows))[:, 1])


#: Whether an open claim will be paid, by its amount.
PAID = Model(
    name="paid",
    title="Paid claims",
    purpose="The probability that a claim is paid; not for anything but tests.",
    needs=f"{LEAST} answered claims",
    inputs=(VISITS,),
    fills=(RiskScores,),
    train=train_paid,
    score=score_paid,
    evaluate=evaluate_paid,
    module=__name__,
)


def train_rate(known, seed):
    rows = answered(known[-1])
    rate = round(float((rows["claim_status"] == "denied").mean() or 0), 3)
    return Trained({"rate": rate}, rows.height, {}, measures.rows({}, "", 0))


def score_rate(now, artifact, version):
    open_ = now.tables[VISITS].filter(claim_status="pending").sort("visit_id").collect()
    said = None if artifact is None else [artifact["rate"]] * open_.height
    return (scored(open_, "rate", said, version),)


#: The share of denied claims, for every open one: fills the table that `PAID` fills.
RATE = replace(PAID, name="rate", title="Denied claims", train=train_rate, score=score_rate)


def train_won(known, seed):
    return Trained({"win": 0.5 + seed / 100}, 1, {}, measures.rows({}, "", 0))


def score_won(now, artifact, version):
    said = None if artifact is None else artifact["win"]
    amount = pl.col("amount").cast(pl.Float64)
    rows = (
        now.tables[OPPORTUNITIES]
        .filter(~pl.col("is_closed"))
        .select(
            "opportunity_id",
            "provider_id",
            win_probability=pl.lit(said, pl.Float64),
            predicted_value=amount,
            expected_value=amount * pl.lit(said, pl.Float64),
            drivers=pl.lit(None, pl.String),
            model_version=pl.lit(version or None, pl.String),
        )
    )
    return (rows.select(pl.col(name).cast(dtype) for name, dtype in OpportunityScores.dtypes().items()),)


def evaluate_none(now, artifact, since):
    return measures.rows({}, "", 0)


#: Half of every open opportunity's amount (and a hundredth for each seed).
WON = Model(
    name="won",
    title="Won opportunities",
    purpose="Half the amount; not for anything but tests.",
    needs="nothing",
    inputs=(OPPORTUNITIES,),
    fills=(OpportunityScores,),
    train=train_won,
    score=score_won,
    evaluate=evaluate_none,
    module=__name__,
)


def train_last(known, seed):
    return Trained({"times": 1.0 + seed}, 1, {}, measures.rows({}, "", 0))


def score_last(now, artifact, version):
    """The next month's visits are as many as there are, times a factor; nothing untrained."""
    visits = now.tables[VISITS].select(pl.len()).collect().item()
    origin = now.as_of.replace(day=1)
    row = {
        **dict.fromkeys(Forecasts.dtypes()),
        **{"level": "network", "member": "network", "metric": "visits"},
        "origin": origin,
        "model_version": version,
        "month": date(origin.year, origin.month + 1, 1),
        "forecast": visits * artifact["times"] if artifact else None,
    }
    return (pl.LazyFrame([row] if artifact else [], schema=Forecasts.dtypes()),)


#: Forecasts, kept as they were made.
LAST = Model(
    name="last",
    title="Visits of the next month",
    purpose="As many as ever; not for anything but tests.",
    needs="nothing",
    inputs=(VISITS,),
    fills=(Forecasts,),
    train=train_last,
    score=score_last,
    evaluate=evaluate_none,
    retrain=Retrain(days=60, growth=1.0),
    keeps=True,
    module=__name__,
)

TOYS = (WON, PAID, RATE, LAST)


@contextmanager
def only(*models):
    """The catalogue with these models alone."""
    with pytest.MonkeyPatch.context() as patch:
        for name in list(MODELS):
            patch.delitem(MODELS, name)
        for model in models:
            patch.setitem(MODELS, model.name, model)
        yield


def small_lake(folder):
    """Eight answered claims and two open ones, two open opportunities; one release, nothing trained."""
    lake = lake_in(folder, Clock())
    answers = [visit(number, claim_amount=f"{number}00", claim_status="Paid") for number in range(1, 5)]
    answers += [
        visit(number, claim_amount=f"{number}00", claim_paid="0", claim_status="Denied") for number in range(5, 9)
    ]
    waiting = [
        visit(number, claim_amount=f"{number}00", claim_paid=None, claim_status="Pending") for number in (10, 11)
    ]
    load(lake, "ehr_visits", [*answers, *waiting])
    load(lake, "salesforce_opportunities", [opportunity(1), opportunity(2, amount="500.50")])
    load(lake, "salesforce_crm", [account("Dr. Bo Chan")])
    assert not lake.run().failed
    return lake


def known_of(visits, as_of=date(2026, 3, 9)):
    """A lake in memory with these visits."""
    return Known(as_of, 1, {VISITS: visits.lazy()})
