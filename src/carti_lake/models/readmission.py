"""Who, of those discharged lately, will yet come back unplanned within 30 days of the discharge.

The classifier gives the risk at discharge. Of who has not come back by a day less remains: with p that risk and G(d)
the share of readmissions that come by day d, what remains is p (1 - G(d)) / (1 - p G(d)).
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import polars as pl

from carti_lake.models import classifier, history, measures
from carti_lake.models.design import Feature, log_dollars
from carti_lake.models.estimators import DECIDED, GROUP, INSTANT, SUBJECT, TARGET
from carti_lake.models.estimators import MODEL as FITTED
from carti_lake.models.history import DATE, as_known_then, before, months_since
from carti_lake.models.model import Known, Tables, Trained
from carti_lake.models.risk import risk_model, with_share_known
from carti_lake.pipeline.gold.readmissions import UNPLANNED, WINDOW, index_stays

ENCOUNTERS = "silver.encounters"
DAYS = 30
#: Days since discharge by which predicted and observed are told, first and last of each.
PERIODS = ((0, 6), (7, 13), (14, 21), (22, DAYS - 1))
BY_DAY = "each stay counts once for every day on which its patient had not come back"

FEATURES = (
    Feature("nights", "number", "stay of {} nights"),
    Feature("admission_type", "category", "admission type {}"),
    Feature("stays", "number", "{} earlier stays in 12 months"),
    Feature("unplanned", "number", "{} earlier unplanned stays in 12 months"),
    Feature("patient_age", "number", "age {}"),
    Feature("service_line", "category", "service line {}"),
    Feature("disposition", "category", "discharged to {}"),
    Feature("diagnosis", "category", "diagnosis {}"),
    Feature("cost", "number", "cost of ${}", log=True),
)
SEGMENTS = {
    "first stay in 12 months": pl.col("stays") == 0,
    "earlier stays": pl.col("stays") > 0,
    "emergency or urgent": pl.col("admission_type").is_in(UNPLANNED),
    "elective": ~pl.col("admission_type").is_in(UNPLANNED),
}


def subjects(tables: Tables) -> pl.LazyFrame:
    """Index stays as they stood at discharge, and whether a readmission followed (null: not known yet)."""
    nights = pl.coalesce("length_of_stay", (pl.col("discharge_date") - pl.col("admission_date")).dt.total_days())
    return index_stays(tables[ENCOUNTERS]).select(
        pl.col("encounter_id").alias(SUBJECT),
        pl.col("patient_key").alias(GROUP),
        pl.col("discharge_date").alias(INSTANT),
        pl.when("followed").then("readmitted").alias(TARGET),
        # Of who came back earlier too: else the latest stays known would be those with a readmission.
        (pl.col("discharge_date") + WINDOW).alias(DECIDED),
        "readmitted",
        "admission_type",
        "patient_age",
        "service_line",
        provider_id="attending_provider_id",
        subject_date="discharge_date",
        nights=nights,
        disposition="discharge_disposition",
        diagnosis=pl.col("principal_diagnosis_code").str.slice(0, 3),
        cost=log_dollars("treatment_cost"),
    )


def features(rows: pl.LazyFrame, tables: Tables) -> pl.LazyFrame:
    """The rows with the patient's stays that ended before their instant."""
    stays = tables[ENCOUNTERS].select(
        pl.col("patient_key").alias(GROUP),
        pl.col("discharge_date").alias(DATE),
        was=pl.col("admission_type").is_in(UNPLANNED).fill_null(False),
    )
    return before(rows, stays, [GROUP], {"stays": pl.len(), "unplanned": pl.col("was").sum()})


def recent(tables: Tables, day: date) -> Tables:
    """The months that stays which end from a day on need; the longest may have begun long before."""
    return {name: rows.filter(months_since("admission_month", day, 2 * history.YEAR)) for name, rows in tables.items()}


def examples(known: Sequence[Known], since: date | None = None) -> pl.DataFrame:
    """Stays that 30 days of data follow, with what was known at discharge (after ``since``)."""
    return as_known_then(known, subjects, features, recent, since)


def to_score(tables: Tables, as_of: date) -> pl.LazyFrame:
    """Stays that ended in the last 30 days, and whose patient has not come back."""
    ended = pl.col("subject_date").is_between(as_of - timedelta(days=DAYS - 1), as_of)
    return subjects(tables).filter(ended, ~pl.col("readmitted"))


def returns(tables: Tables) -> pl.LazyFrame:
    """Index stays that 30 days follow: ``subject_id``, ``decided``, and days until the readmission (null: none)."""
    stays = index_stays(tables[ENCOUNTERS]).filter("followed")
    after = (pl.col("back_date") - pl.col("discharge_date")).dt.total_days()
    return stays.select(
        pl.col("encounter_id").alias(SUBJECT), (pl.col("discharge_date") + WINDOW).alias(DECIDED), after=after
    )


def returned_by(stays: pl.DataFrame) -> list[float]:
    """Share of the readmissions that come by day 0, 1, … 30 after the discharge."""
    after = stays["after"].drop_nulls()
    return [round(int((after <= day).sum()) / max(after.len(), 1), 9) for day in range(DAYS + 1)]


def remaining(probability: pl.Expr, days: pl.Expr, by: Sequence[float]) -> pl.Expr:
    """Probability of a readmission after so many days, up to day 30, of who has not come back by then.

    Parameters
    ----------
    probability
        Of a readmission within 30 days, as of the discharge.
    days
        Since the discharge.
    by
        As `returned_by` gives it.
    """
    come = days.replace_strict(dict(enumerate(by)), default=1.0, return_dtype=pl.Float64)
    return probability * (1 - come) / (1 - probability * come)


def train(known: Sequence[Known], seed: int) -> Trained:
    """Fit the risk at discharge, and when those come back who do; both are judged on the latest stays, day by day."""
    stays = returns(known[-1].tables).collect(engine="streaming")

    def day_by_day(later: pl.DataFrame, said: Mapping[str, Any]) -> pl.DataFrame:
        earlier = stays.filter(pl.col(DECIDED) < later[DECIDED].min())
        rows = later.select(SUBJECT, probability=pl.Series(said[FITTED])).join(stays, on=SUBJECT)
        return by_day(rows, returned_by(earlier))

    found = examples(known)
    trained = classifier.train(found, FEATURES, seed, SEGMENTS, beside=day_by_day)
    trained = with_share_known(trained, found, known)
    return replace(trained, artifact={**trained.artifact, "returned_by": returned_by(stays)})


def by_day(rows: pl.DataFrame, by: Sequence[float]) -> pl.DataFrame:
    """Evaluation rows of what remains, predicted and observed, among those who have not come back by each day.

    Parameters
    ----------
    rows
        ``probability`` at discharge, and ``after``: days until the readmission (null: none).
    by
        As `returned_by` gives it, of other stays.
    """
    still = rows.join(pl.DataFrame({"day": range(DAYS)}), how="cross").filter(
        pl.col("after").is_null() | (pl.col("after") > pl.col("day"))
    )
    said = still.select(
        "day", predicted=remaining(pl.col("probability"), pl.col("day"), by), observed=pl.col("after").is_not_null()
    )
    parts = []
    for first, last in PERIODS:
        chosen = said.filter(pl.col("day").is_between(first, last)).drop("day")
        values = dict(zip(chosen.columns, chosen.mean().row(0), strict=True)) if chosen.height else {}
        split = f"{classifier.LATEST_SPLIT}, day {first} to {last} after discharge"
        parts.append(measures.rows({FITTED: values}, split, chosen.height, BY_DAY))
    return pl.concat(parts)


def score(now: Known, artifact: Mapping[str, Any], version: str) -> tuple[pl.LazyFrame]:
    """What remains of each stay's risk up to day 30 after its discharge; no score from that day on."""
    (rows,) = AT_DISCHARGE.score(now, artifact, version)
    days = (pl.lit(now.as_of) - pl.col("subject_date")).dt.total_days()
    left = remaining(pl.col("probability"), days, artifact["returned_by"])
    return (rows.with_columns(probability=left.round(6)),)


AT_DISCHARGE = risk_model(
    "readmission",
    title="Unplanned readmissions within 30 days",
    purpose=(
        "The probability that a patient discharged after a cancer stay, who has not come back, will yet come back "
        "unplanned by the 30th day after the discharge: the risk that remains, which falls from day to day. It is "
        "judged as of the discharge, and day by day. For follow-up calls; not for judging providers (see "
        "readmission_rate), nor for keeping anybody in. Readmissions elsewhere are not delivered, and deaths after "
        "discharge are not known."
    ),
    needs="500 index stays that 30 days of data follow, 50 of them with a readmission",
    inputs=(ENCOUNTERS,),
    module=__name__,
    examples=examples,
    recent=recent,
    to_score=to_score,
    features=features,
    declared=FEATURES,
    segments=SEGMENTS,
)

MODEL = replace(AT_DISCHARGE, train=train, score=score)
