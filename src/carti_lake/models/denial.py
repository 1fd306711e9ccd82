"""Which open claims the payer will deny at first."""

from collections.abc import Sequence
from datetime import date, timedelta

import polars as pl

from carti_lake.models import history
from carti_lake.models.design import Feature, log_dollars
from carti_lake.models.estimators import DECIDED, GROUP, INSTANT, SUBJECT, TARGET
from carti_lake.models.history import DATE, as_known_then, before, months_since, share
from carti_lake.models.model import Known, Tables
from carti_lake.models.risk import risk_model

VISITS, EARLIER = "silver.visits", "silver.earlier_answers"
OPEN, DENIED, ANSWERED = "pending", "denied", ("paid", "denied", "reversed")
#: Claims of older visits are past every payer's timely filing, and are not scored.
OLDEST = 2 * history.YEAR

FEATURES = (
    Feature("payer", "category", "payer {}"),
    Feature("service_line", "category", "service line {}"),
    Feature("visit_type", "category", "visit type {}"),
    Feature("procedure", "category", "procedures {}…"),
    Feature("amount", "number", "charges of ${}", log=True),
    Feature("submitted_after", "number", "submitted {} days after the visit"),
    Feature("patient_age", "number", "age {}"),
    Feature("provider_share", "number", "{} of the provider's claims denied in 12 months", percent=True),
    Feature("payer_share", "number", "payer denies {} in this line", percent=True),
)
SEGMENTS = {
    "charges above $1,000": pl.col("amount") > 6.9,
    "charges up to $1,000": pl.col("amount") <= 6.9,
    "provider without history": pl.col("provider_share").is_null(),
}


def subjects(tables: Tables) -> pl.LazyFrame:
    """Claims as they were submitted, and whether the payer denied them at first (null: no answer yet).

    That is the numerator of ``initial_denial_rate``: denied now, or by an earlier answer that a newer one replaced.
    """
    was_denied = pl.col("claim_status") == DENIED
    before = (
        tables[EARLIER]
        .group_by("visit_id")
        .agg(
            _denied=was_denied.any(),
            _denied_date=pl.col("claim_paid_date").filter(was_denied).min(),
            _answered_date=pl.col("claim_paid_date").min(),
        )
    )
    status, visited = pl.col("claim_status"), pl.col("visit_date")
    denied = (status == DENIED) | pl.col("_denied").fill_null(False)
    submitted = pl.coalesce("claim_submitted_date", "visit_date")
    # A denial is known from its own day on, also where it was overturned since.
    first = pl.when(denied).then(pl.coalesce("_denied_date", "claim_paid_date"))
    answered = first.otherwise(pl.min_horizontal("_answered_date", "claim_paid_date"))
    return (
        tables[VISITS]
        .filter(status.is_not_null())
        .join(before, on="visit_id", how="left")
        .select(
            pl.coalesce("claim_id", "visit_id").alias(SUBJECT),
            pl.col("patient_key").alias(GROUP),
            submitted.alias(INSTANT),
            pl.when(status.is_in(ANSWERED)).then(denied).alias(TARGET),
            # Where the day was not delivered, that of the claim: an order of time all the same.
            pl.coalesce(answered, submitted).alias(DECIDED),
            "claim_status",
            "payer",
            "service_line",
            "visit_type",
            "patient_age",
            provider_id="rendering_provider_id",
            subject_date=visited,
            procedure=pl.col("procedure_code").str.slice(0, 3),
            amount=log_dollars("claim_amount"),
            submitted_after=(submitted - visited).dt.total_days(),
        )
    )


def first_answers(tables: Tables) -> pl.LazyFrame:
    """Of each claim its first answer: the day, and whether it was a denial. No later answer moves or changes it."""
    answer = ["visit_id", "claim_status", pl.col("claim_paid_date").alias(DATE)]
    answers = pl.concat([tables[VISITS].select(answer), tables[EARLIER].select(answer)])
    given = answers.filter(pl.col("claim_status").is_in(ANSWERED), pl.col(DATE).is_not_null())
    # Of two on one day the denial, whichever the source told first.
    first = given.sort(DATE, pl.col("claim_status") != DENIED).group_by("visit_id").first()
    named = tables[VISITS].select("visit_id", "payer", "service_line", provider_id="rendering_provider_id")
    return first.join(named, on="visit_id").with_columns(was_denied=pl.col("claim_status") == DENIED)


def features(rows: pl.LazyFrame, tables: Tables) -> pl.LazyFrame:
    """The rows with how the payer and the provider fared before their instant."""
    events = first_answers(tables)
    sums = {"_denied": pl.col("was_denied").sum(), "_all": pl.len()}
    for key, name in ((["provider_id"], "provider_share"), (["payer", "service_line"], "payer_share")):
        rows = (
            before(rows, events, key, sums).with_columns(share("_denied", "_all").alias(name)).drop("_denied", "_all")
        )
    return rows


def recent(tables: Tables, day: date) -> Tables:
    """The months that claims submitted from a day on need."""
    return {name: rows.filter(months_since("visit_month", day, OLDEST)) for name, rows in tables.items()}


def examples(known: Sequence[Known], since: date | None = None) -> pl.DataFrame:
    """Answered claims, with what was known when they were submitted (after ``since``)."""
    return as_known_then(known, subjects, features, recent, since)


def to_score(tables: Tables, as_of: date) -> pl.LazyFrame:
    """Claims of the last two years that wait for an answer."""
    waiting = subjects(tables).filter(pl.col("claim_status") == OPEN)
    return waiting.with_columns(pl.lit(as_of + timedelta(days=1)).alias(INSTANT))


MODEL = risk_model(
    "denial",
    title="Claim denials",
    purpose=(
        "The probability that the payer's first answer to an open claim is a denial, as known when it was submitted. "
        "For checking claims before and while they wait; not for choosing patients or payers. Claims that are answered "
        "fast weigh more in the newest weeks, since slow ones have no answer yet."
    ),
    needs="500 answered claims, 50 of them denied, over some weeks",
    inputs=(VISITS, EARLIER),
    module=__name__,
    examples=examples,
    recent=recent,
    to_score=to_score,
    features=features,
    declared=FEATURES,
    segments=SEGMENTS,
)
