"""Whether an open opportunity will be won, and what it is worth if it is."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl

from carti_lake.models import classifier, estimators, measures, verdict
from carti_lake.models.design import Feature, encoded, fitted_levels, log_dollars
from carti_lake.models.estimators import BASE, DECIDED, GROUP, INSTANT, SUBJECT, TARGET
from carti_lake.models.estimators import MODEL as FITTED
from carti_lake.models.history import DATE, before, share
from carti_lake.models.model import Known, Model, Tables, Trained
from carti_lake.tables.gold import OpportunityScores

OPPORTUNITIES, REFERRALS, CAMPAIGNS = "silver.opportunities", "silver.referrals", "silver.campaigns"
#: Fewest won opportunities whose value is fitted.
LEAST_VALUES = 30
#: Baseline: the CRM's own probability, as it stood then.
CRM = "CRM probability"
#: Baseline of the value.
OF_LINE = "mean of the service line"

FEATURES = (
    Feature("stage_name", "category", "stage {}"),
    Feature("age", "number", "open for {} days"),
    Feature("log_amount", "number", "amount of ${}", log=True),
    Feature("sourced", "category", "sourced by a campaign: {}"),
    Feature("campaign_type", "category", "campaign {}"),
    Feature("service_line", "category", "service line {}"),
    Feature("referrals", "number", "{} referrals made or received in 12 months"),
    Feature("completed_share", "number", "{} of them completed", percent=True),
    Feature("won_share", "number", "{} of the provider's earlier deals won", percent=True),
)
#: Neither won nor lost, as far as the CRM says.
IS_OPEN = ~pl.col("is_closed").fill_null(False)
#: The value is that of the amount's own level: what is recorded of it must not decide it.
OF_VALUE = tuple(feature for feature in FEATURES if feature.name not in ("stage_name", "age", "log_amount"))


def subjects(tables: Tables, as_of: date) -> pl.LazyFrame:
    """Opportunities as they stood on a day."""
    kinds = tables[CAMPAIGNS].select("campaign_id", "campaign_type").unique("campaign_id")
    return (
        tables[OPPORTUNITIES]
        .join(kinds, on="campaign_id", how="left")
        .select(
            pl.col("opportunity_id").alias(SUBJECT),
            pl.col("provider_id").alias(GROUP),
            "provider_id",
            "service_line",
            "campaign_type",
            "stage_name",
            "created_date",
            "close_date",
            "is_closed",
            "is_won",
            "probability",
            amount=pl.col("amount").cast(pl.Float64),
            log_amount=log_dollars("amount"),
            sourced=pl.when(pl.col("campaign_id").is_not_null()).then(pl.lit("yes")).otherwise(pl.lit("no")),
            age=(pl.lit(as_of) - pl.col("created_date")).dt.total_days(),
        )
    )


def features(rows: pl.LazyFrame, tables: Tables) -> pl.LazyFrame:
    """The rows with the provider's referrals and deals before their instant."""
    done = (pl.col("referral_status") == "completed") & (pl.col("network_status") == "in_network")
    role = [
        tables[REFERRALS].select(provider_id=one, was=done, **{DATE: pl.col("referral_date")})
        for one in ("referring_provider_id", "rendering_provider_id")
    ]
    closed = tables[OPPORTUNITIES].filter("is_closed").select("provider_id", "is_won", pl.col("close_date").alias(DATE))
    rows = before(rows, pl.concat(role), ["provider_id"], {"referrals": pl.len(), "_done": pl.col("was").sum()})
    rows = before(rows, closed, ["provider_id"], {"_won": pl.col("is_won").sum(), "_closed": pl.len()})
    return rows.with_columns(completed_share=share("_done", "referrals"), won_share=share("_won", "_closed", 3)).drop(
        "_done", "_won", "_closed"
    )


def examples(known: Sequence[Known], since: date | None = None) -> pl.DataFrame:
    """Closed opportunities, as each release showed them while they were open.

    One that several releases showed open counts once for each: every look at it is a question that a run had to answer.
    One that no release showed open teaches nothing: stage, age and amount are those of its end.
    """
    present = known[-1]
    ended = (
        present.tables[OPPORTUNITIES]
        .filter("is_closed", pl.col("is_won").is_not_null())
        .select(
            pl.col("opportunity_id").alias(SUBJECT),
            pl.col("is_won").alias(TARGET),
            final_amount=pl.col("amount").cast(pl.Float64),
            ended="close_date",
        )
        .filter(pl.col("ended").is_null() | (pl.col("ended") <= present.as_of))
    )
    looks = [_looked_at(subjects(then.tables, then.as_of).filter(IS_OPEN), then) for then in known[:-1]]
    # Without an earlier release none was seen; the columns are the same.
    looks.append(_looked_at(subjects(present.tables, present.as_of).clear(), present))
    rows = pl.concat(looks).join(ended, on=SUBJECT)
    # It closed after it was seen open, whatever day the CRM says.
    rows = rows.with_columns(pl.max_horizontal("ended", INSTANT).alias(DECIDED))
    if since is not None:
        rows = rows.filter(pl.col(INSTANT) > since)
    return rows.sort(INSTANT, SUBJECT).collect(engine="streaming")


def _looked_at(stood: pl.LazyFrame, then: Known) -> pl.LazyFrame:
    """Opportunities with their features on the day after the newest extract; read once, however many features."""
    rows = stood.with_columns(pl.lit(then.as_of + timedelta(days=1)).alias(INSTANT)).collect(engine="streaming")
    return features(rows.lazy(), then.tables).collect(engine="streaming").lazy()


def train(known: Sequence[Known], seed: int) -> Trained:
    """Fit the probability on all closed opportunities, and the value on those that were won."""
    rows = examples(known)
    probability = classifier.train(rows, FEATURES, seed, groups="providers", beside=_beside_the_crm)
    value, errors = _train_value(rows.filter(pl.col(TARGET)).unique(SUBJECT, keep="last", maintain_order=True), seed)
    # As the whole model, the value is used only where it is better than the plain means.
    useless = verdict.refusal(errors, (OF_LINE, BASE))
    evaluation = pl.concat([probability.evaluation, errors])
    return Trained(
        artifact={**probability.artifact, "value": None if useless else value},
        rows=probability.rows,
        parameters={
            **probability.parameters,
            "value": f"not used: {useless}" if useless else "boosting of the logarithm, where no amount is recorded",
        },
        evaluation=evaluation,
        curves=probability.curves,
        # The CRM's own probability is a baseline as well, where it is delivered.
        refusal=verdict.refusal(probability.evaluation, [BASE]),
    )


def score(now: Known, artifact: Mapping[str, Any], version: str) -> tuple[pl.LazyFrame]:
    """Open opportunities: probability, value if won, and both multiplied, to the cent."""
    stood = subjects(now.tables, now.as_of).filter(IS_OPEN)
    open_ = _looked_at(stood, now).sort(SUBJECT).collect()
    said = estimators.explained(artifact, open_, FEATURES).rename({"probability": "win_probability"})
    values = pl.Series(_values(artifact["value"], open_), dtype=pl.Float64).fill_nan(None)
    scored = (
        open_.hstack(said)
        # An amount may be recorded below zero, as a correction; what is won is worth nothing at least.
        .with_columns(
            pl.col("win_probability").round(6), predicted_value=pl.coalesce("amount", values).round(2).clip(0)
        )
        .with_columns(
            expected_value=(pl.col("win_probability") * pl.col("predicted_value")).round(2),
            model_version=pl.lit(version),
        )
    )
    named = scored.lazy().rename({SUBJECT: "opportunity_id"})
    return (named.select(pl.col(name).cast(dtype) for name, dtype in OpportunityScores.dtypes().items()),)


def evaluate(now: Known, artifact: Mapping[str, Any], since: date) -> pl.DataFrame:
    """None: what stands now does not tell how an opportunity that is closed looked while it was open."""
    return classifier.evaluate(artifact, examples([now], since))


def _beside_the_crm(later: pl.DataFrame, said: Mapping[str, Any]) -> pl.DataFrame:
    """Errors of the probability, and of probability x amount, beside those of the CRM's own probability."""
    known = later.select(pl.col("probability", "amount").is_not_null()).select(pl.all_horizontal(pl.all())).to_series()
    rows, split = later.filter(known), f"latest quarter, with a {CRM}"
    if not 0 < (rows[TARGET].sum() or 0) < rows.height:
        return measures.rows({}, split, 0)
    amount = rows["amount"].to_numpy()
    came = np.where(rows[TARGET].to_numpy(), rows["final_amount"].fill_null(0).to_numpy(), 0.0)
    ours = {name: said[name][known.to_numpy()] for name in (FITTED, BASE)}
    both = {**ours, CRM: rows["probability"].cast(pl.Float64).to_numpy() / 100}
    outcome = rows[TARGET].cast(pl.Float64).to_numpy()
    found = {
        name: measures.of_probabilities(outcome, one) | measures.of_values(came, one * amount)
        for name, one in both.items()
    }
    note = "MAE, RMSE and R² are those of probability x amount against what was won, USD"
    return pl.concat(
        [
            measures.rows(found, split, rows.height, note),
            classifier.better(rows, both[FITTED], both[CRM], CRM, split),
        ]
    )


def _train_value(won: pl.DataFrame, seed: int) -> tuple[dict[str, Any] | None, pl.DataFrame]:
    """What a won opportunity is worth, judged on the latest quarter beside the mean of its line and of all."""
    won = won.drop_nulls("final_amount").filter(pl.col("final_amount") > 0)
    if won.height < LEAST_VALUES:
        return None, measures.rows({}, "", 0)
    cut = round(won.height * (1 - classifier.LATEST))
    earlier, later = won[:cut], won[cut:]
    actual = later["final_amount"].to_numpy()
    of_line = later.join(
        earlier.group_by("service_line").agg(mean=pl.col("final_amount").mean()),
        on="service_line",
        how="left",
        maintain_order="left",
    )["mean"].fill_null(earlier["final_amount"].mean())
    said = {
        FITTED: _values(_fit_value(earlier, seed), later),
        OF_LINE: of_line.to_numpy(),
        BASE: np.full(later.height, earlier["final_amount"].mean()),
    }
    found = {name: measures.of_values(actual, one) for name, one in said.items()}
    split, note = "latest quarter of those won", "value of won opportunities, USD, as if no amount were recorded"
    missed = {name: np.abs(actual - one) for name, one in said.items()}
    groups = later[GROUP].rank("dense").fill_null(0).cast(pl.Int64).to_numpy()
    errors = [measures.rows(found, split, later.height, note)]
    for name in (OF_LINE, BASE):
        by = verdict.gain(missed[name], missed[FITTED], groups)
        errors.append(verdict.compared(name, by, split, later.height))
    return _fit_value(won, seed), pl.concat(errors)


def _fit_value(won: pl.DataFrame, seed: int) -> dict[str, Any]:
    from sklearn.ensemble import HistGradientBoostingRegressor
    from threadpoolctl import threadpool_limits

    levels = fitted_levels(won, OF_VALUE)
    logs = np.log(won["final_amount"].to_numpy())
    boosted = HistGradientBoostingRegressor(
        max_iter=100,
        max_leaf_nodes=7,
        learning_rate=0.05,
        min_samples_leaf=20,
        early_stopping=False,
        categorical_features=[bool(known) for known in levels.values()],
        random_state=seed,
    )
    with threadpool_limits(1):
        matrix = encoded(won, levels)
        boosted.fit(matrix, logs)
        # The mean of what the logarithms stand for, not their mean (Duan's smearing, 1983).
        smear = float(np.exp(logs - boosted.predict(matrix)).mean())
    return {"levels": levels, "boosted": boosted, "smear": smear}


def _values(fitted: Mapping[str, Any] | None, rows: pl.DataFrame) -> Any:
    if fitted is None or rows.is_empty():
        return np.full(rows.height, np.nan)
    return np.exp(fitted["boosted"].predict(encoded(rows, fitted["levels"]))) * fitted["smear"]


MODEL = Model(
    name="opportunity",
    title="Opportunities: win probability and value",
    purpose=(
        "The probability that an open opportunity is won, times its amount (or, where none is recorded, what won ones "
        "like it were worth): the expected value of the pipeline, summed to the provider as "
        "predicted_opportunity_value. For planning outreach; not for paying anybody: it does not say what would have "
        "happened without the outreach."
    ),
    needs="500 closed opportunities that earlier releases showed open, 50 won and 50 lost",
    inputs=(OPPORTUNITIES, REFERRALS, CAMPAIGNS),
    fills=(OpportunityScores,),
    train=train,
    score=score,
    evaluate=evaluate,
    trusted=estimators.TRUSTED,
    module=__name__,
)
