"""Who, of those discharged lately, will come back unplanned within 30 days."""

from collections.abc import Sequence
from datetime import date, timedelta

import polars as pl

from carti_lake.models import history
from carti_lake.models.design import Feature
from carti_lake.models.estimators import DECIDED, GROUP, INSTANT, SUBJECT, TARGET
from carti_lake.models.history import DATE, as_known_then, before, months_since
from carti_lake.models.model import Known, Tables
from carti_lake.models.risk import risk_model
from carti_lake.pipeline.gold.readmissions import UNPLANNED, WINDOW, index_stays

ENCOUNTERS = "silver.encounters"
DAYS = 30

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
        cost=pl.col("treatment_cost").cast(pl.Float64).log1p(),
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


MODEL = risk_model(
    "readmission",
    title="Unplanned readmissions within 30 days",
    purpose=(
        "The probability that a patient discharged after a cancer stay comes back unplanned within 30 days, as known "
        "at discharge. For follow-up calls; not for judging providers (see readmission_rate), nor for keeping anybody "
        "in. Readmissions elsewhere are not delivered, and deaths after discharge are not known."
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
