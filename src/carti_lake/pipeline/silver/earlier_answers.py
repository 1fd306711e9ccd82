"""How claims were answered before: the answers that a newer row of the visit has replaced."""

import polars as pl

from carti_lake.pipeline.codes import NORMALISERS
from carti_lake.pipeline.order import among, order
from carti_lake.tables.gold.dimensions import UNDATED
from carti_lake.tables.silver import EarlierAnswers, Visits

#: What a payer may answer.
ANSWERS = ("paid", "denied", "reversed")
#: What tells one delivered answer from another.
ANSWER_COLUMNS = tuple(name for name in EarlierAnswers.column_names() if name != "visit_month")


def replaced(rows: pl.LazyFrame, visits: pl.LazyFrame) -> pl.LazyFrame:
    """Of delivered rows of visits, bronze or silver, those with an answer that are not the current row.

    Parameters
    ----------
    rows
        Rows with ``claim_status`` in any spelling, ``batch_id`` and ``row_number``.
    visits
        Silver's current rows, at least those that are among ``rows``.
    """
    normalise = NORMALISERS[Visits.meta("claim_status")["code"]]
    spelled = rows.select("claim_status").unique().filter(normalise(pl.col("claim_status")).is_in(ANSWERS))
    answered = spelled.collect(engine="streaming")["claim_status"].implode()
    return rows.filter(pl.col("claim_status").is_in(answered) & ~among(visits))


def answers(cleansed: pl.LazyFrame) -> pl.LazyFrame:
    """Answers (:data:`ANSWER_COLUMNS`) that typed rows of visits tell; a withdrawal tells none, whatever it says."""
    return cleansed.filter(~pl.col("withdrawn") & pl.col("claim_status").is_in(ANSWERS)).select(ANSWER_COLUMNS)


def first_answers(earlier: pl.LazyFrame, visits: pl.LazyFrame) -> pl.LazyFrame:
    """Rows of ``silver.earlier_answers``: of each visit and answer the least row, in the month where the visit stands.

    The least of a set is the same whatever the order, split or repetition in which the set was delivered.

    Parameters
    ----------
    earlier
        Answers as delivered (:data:`ANSWER_COLUMNS`), or rows of ``silver.earlier_answers`` itself.
    visits
        Silver's rows of the same visits, withdrawn ones among them.
    """
    visit = ["key_hash", "visit_id"]
    return (
        earlier.select(ANSWER_COLUMNS)
        .with_columns(order=order())
        .sort("order")
        .unique([*visit, "claim_status"], keep="first", maintain_order=True)
        .join(visits.select(*visit, pl.col("visit_month").fill_null(UNDATED)), on=visit)
        .select(EarlierAnswers.column_names())
    )
