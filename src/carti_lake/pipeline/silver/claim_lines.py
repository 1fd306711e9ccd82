"""Claim lines added up to the claims of visits: several remittances, payers, adjustments, reversals and corrections.

Source: ASC X12N 835 (005010X221A1): CLP02 claim status, SVC service lines, CAS adjustments; charges less adjustments
are the payment, and a reversal repeats what it takes back with the sign turned.
"""

import polars as pl

from carti_lake.pipeline.order import order
from carti_lake.tables.gold.dimensions import UNDATED
from carti_lake.tables.silver import ClaimsOfLines, EarlierAnswers, Visits

#: One line in one remittance, answered or taken back.
SERVICE = ("claim_id", "line", "remittance", "claim_status")
PENDING, REVERSED, DENIED = (pl.col("claim_status") == word for word in ("pending", "reversed", "denied"))
#: Adjustments that are no denial: what the contract writes off.
CONTRACTUAL = ("co_45", "co_253")
#: Amounts of a line itself, and what its adjustments come to.
LINE_AMOUNTS = ("billed_amount", "allowed_amount", "paid_amount")
ADJUSTMENTS = ("contractual", "patient", "adjusted")
AMOUNTS = (*LINE_AMOUNTS, *ADJUSTMENTS)
#: Columns of a visit that its claim's lines say better.
SAID_BY_LINES = (
    "claim_status",
    "claim_amount",
    "allowed_amount",
    "contractual_adjustment",
    "claim_paid",
    "denial_reason",
    "claim_paid_date",
)


def line_key() -> pl.Expr:
    """Claim, line, remittance, kind and adjustment; null where claim, line or remittance cannot be read."""
    kind = pl.when(REVERSED).then(pl.lit("reversal")).otherwise(pl.lit("answer"))
    parts = [pl.col("claim_id"), _line(), _remittance(), kind, pl.col("adjustment_group"), pl.col("adjustment_reason")]
    needed = pl.all_horizontal(part.is_not_null() for part in parts[:3])
    return pl.when(needed).then(pl.concat_str(parts, separator="/", ignore_nulls=True))


def _line() -> pl.Expr:
    return pl.col("line_number").str.strip_chars().str.replace(r"^0*(\d+)(?:\.0+)?$", "$1")


def _remittance() -> pl.Expr:
    return pl.coalesce("remittance_id", pl.col("remittance_date").cast(pl.String))


def services(lines: pl.LazyFrame) -> pl.LazyFrame:
    """Each :data:`SERVICE` once, with its amounts and its adjustments added up.

    Returns
    -------
    pl.LazyFrame
        :data:`SERVICE`, ``visit_id``, ``payer``, ``remittance_date``, :data:`AMOUNTS` (null where none was delivered),
        ``reason`` (group and CARC of a denial), ``denied``.
    """
    amount, group = pl.col("adjustment_amount"), pl.col("adjustment_group")
    reason = pl.concat_str("adjustment_group", "adjustment_reason", separator="_", ignore_nulls=True)
    denying = group.is_in(["co", "oa", "pi"]) & ~reason.is_in(CONTRACTUAL)

    def newest(column: str) -> pl.Expr:
        return pl.col(column).sort_by("order").drop_nulls().last()

    def added(amounts: pl.Expr) -> pl.Expr:
        return pl.when(amount.count() > 0).then(amounts.sum())

    rows = (
        lines.filter(~pl.col("withdrawn"))
        .with_columns(line=_line(), remittance=_remittance(), order=order())
        .group_by(SERVICE)
        .agg(
            # The line's own amounts stand on each of its adjustments' rows.
            *(newest(name) for name in ("visit_id", "payer", "billed_amount", "allowed_amount", "paid_amount")),
            pl.col("remittance_date").max(),
            contractual=added(amount.filter(group == "co")),
            patient=added(amount.filter(group == "pr")),
            adjusted=added(amount),
            reason=pl.when(denying).then(reason).min(),
        )
    )
    unpaid = (pl.col("paid_amount").fill_null(0) <= 0) & (pl.col("patient").fill_null(0) == 0)
    refused = (pl.col("claim_status") == "processed_primary") & unpaid & pl.col("reason").is_not_null()
    return (
        rows.with_columns(_taken_back())
        .with_columns(_adjustments_taken_back(), denied=DENIED | refused)
        .with_columns(_beyond_lines())
        # Nothing is paid on a line that nobody has answered, whatever it shows.
        .with_columns(paid_amount=pl.when(PENDING).then(0).otherwise("paid_amount"))
    )


def _taken_back() -> list[pl.Expr]:
    """Amounts of a reversal below zero: some sources write all of them, or some, without the sign."""
    return [pl.when(REVERSED).then(-pl.col(name).abs()).otherwise(name).alias(name) for name in LINE_AMOUNTS]


def _adjustments_taken_back() -> list[pl.Expr]:
    """A reversal's adjustments with the sign turned, unless they are what its charges and payment differ by."""
    differ = pl.col("adjusted") != pl.col("billed_amount") - pl.col("paid_amount")
    upright = REVERSED & (pl.col("adjusted") > 0) & differ.fill_null(True)
    return [pl.when(upright).then(-pl.col(name)).otherwise(name).alias(name) for name in ADJUSTMENTS]


def _beyond_lines() -> list[pl.Expr]:
    """Of a claim as a whole whose charges are those of its lines, what it says beyond them: it repeats their sums."""
    whole = pl.col("line") == "0"
    answer = ["claim_id", "remittance", "claim_status"]
    of_lines = {name: pl.when(~whole).then(name).sum().over(answer) for name in LINE_AMOUNTS}
    repeats = whole & (pl.col("billed_amount") != 0) & (pl.col("billed_amount") == of_lines["billed_amount"])
    return [pl.when(repeats).then(pl.col(name) - sums).otherwise(name).alias(name) for name, sums in of_lines.items()]


def claims_of_lines(lines: pl.LazyFrame, visits: pl.LazyFrame) -> pl.LazyFrame:
    """Rows of ``silver.claims_of_lines``: each claim with lines counts for the one visit that it names, or bills.

    Parameters
    ----------
    lines
        Rows of ``silver.claim_lines``.
    visits
        Rows of ``silver.visits``.
    """
    standing = visits.filter(~pl.col("withdrawn")).select("visit_id", "claim_id", "visit_month", "key_hash")
    billing = standing.group_by(claim_id=pl.coalesce("claim_id", "visit_id")).agg(billed_visit=pl.col("visit_id").min())
    every = services(lines)
    answered = ~PENDING
    stands = pl.col("visit_id").filter("stands")
    named = (
        every.join(standing.select("visit_id", stands=pl.lit(True)), on="visit_id", how="left")
        .group_by("claim_id")
        .agg(named_visit=stands.min(), known=answered.any())
    )
    rows = (
        every.drop("visit_id")
        .join(named, on="claim_id")
        .join(billing, on="claim_id", how="left")
        # What was pending is answered by now.
        .filter(answered | ~pl.col("known"))
        .with_columns(visit_id=pl.coalesce("named_visit", "billed_visit"))
        .filter(pl.col("visit_id").is_not_null())
    )
    money = _money(rows).group_by("visit_id").agg(lines=pl.len(), **{name: _sum(name) for name in AMOUNTS})
    dtypes = ClaimsOfLines.dtypes()
    return (
        _answers(rows)
        .join(money, on="visit_id")
        .join(standing.drop("claim_id"), on="visit_id")
        .with_columns(
            claim_status=_status(),
            claim_amount="billed_amount",
            claim_paid="paid_amount",
            contractual_adjustment="contractual",
            adjusted_amount="adjusted",
        )
        .select(pl.col(name).cast(dtype) for name, dtype in dtypes.items())
    )


def _sum(name: str) -> pl.Expr:
    """A sum that is null where nothing was delivered."""
    return pl.when(pl.col(name).count() > 0).then(pl.col(name).sum())


def _money(rows: pl.LazyFrame) -> pl.LazyFrame:
    """Amounts of each line of a claim: payments and adjustments of all payers, charges once, since each shows them."""
    line, shown = ["visit_id", "claim_id", "line"], ("billed_amount", "allowed_amount")
    by_payer = _with_payers(rows).group_by(*line, "payer").agg(**{name: _sum(name) for name in AMOUNTS})
    return by_payer.group_by(line).agg(pl.col(name).max() if name in shown else _sum(name) for name in AMOUNTS)


def _with_payers(rows: pl.LazyFrame) -> pl.LazyFrame:
    """Rows with a payer each; a reversal that names none who has answered has the one whose answer it takes back.

    That is the only one who has answered, or else who has an answer with its charges and payment on the same line: of
    several such answers one each. Where there is none, it is nobody's: its payment counts, and no payer's charges go.
    """
    claim, same = ["visit_id", "claim_id"], ["visit_id", "claim_id", "line", "charges", "payment", "number"]
    place = pl.when(pl.col("claim_status").is_in(["processed_secondary", "processed_tertiary"])).then("claim_status")
    payers = pl.col("payer").filter(~REVERSED)
    known = pl.col("payer").is_in(payers.unique().implode().over(claim)).fill_null(False)
    one = pl.when(payers.n_unique().over(claim) == 1).then(payers.first().over(claim))
    numbered = (
        rows.with_columns(payer=pl.coalesce("payer", place, pl.when(~REVERSED).then(pl.lit(""))))
        .with_columns(
            strange=REVERSED & ~known,
            charges=pl.col("billed_amount").abs(),
            payment=pl.col("paid_amount").abs(),
            alone=one,
        )
        .with_columns(number=pl.int_range(pl.len()).over(*same[:-1], "strange", REVERSED, order_by="remittance_date"))
    )
    answers = numbered.filter(~REVERSED).select(*same, answered="payer")
    found = pl.when("strange").then(pl.coalesce("alone", "answered", pl.lit("\x1f"))).otherwise("payer")
    return numbered.join(answers, on=same, how="left").with_columns(payer=found)


def _answers(rows: pl.LazyFrame) -> pl.LazyFrame:
    """By visit: when and how its lines were answered."""
    day, answer = pl.col("remittance_date"), ~PENDING & ~REVERSED
    denied = answer & pl.col("denied")
    first = pl.col("reason").filter(denied & (day == pl.when(denied).then(day).min())).min()
    newest = answer & (day == day.filter(answer).max())
    return rows.group_by("visit_id").agg(
        reversals=REVERSED.sum(),
        answers=answer.sum(),
        all_denied=pl.col("denied").filter(newest).all(),
        denial_reason=first,
        claim_paid_date=pl.when(~PENDING).then(day).max(),
        first_answered_date=pl.when(answer).then(day).min(),
        first_denied_date=pl.when(denied).then(day).min(),
    )


def _status() -> pl.Expr:
    paid, billed = pl.col("paid_amount").fill_null(0), pl.col("billed_amount").fill_null(0)
    return (
        pl.when((pl.col("reversals") > 0) & (paid <= 0) & (billed <= 0))
        .then(pl.lit("reversed"))
        .when(paid > 0)
        .then(pl.lit("paid"))
        .when(pl.col("answers") == 0)
        .then(pl.lit("pending"))
        .when("all_denied")
        .then(pl.lit("denied"))
        .otherwise(pl.lit("paid"))
    )


def with_lines(visits: pl.LazyFrame, of_lines: pl.LazyFrame) -> pl.LazyFrame:
    """Visits with their claims as the claims' lines add them up, where there are any; all others as they are.

    Parameters
    ----------
    visits
        Rows of ``silver.visits``.
    of_lines
        Rows of ``silver.claims_of_lines`` of the same months.
    """
    sums = of_lines.select("visit_id", *SAID_BY_LINES).collect(engine="streaming")
    if sums.is_empty():
        return visits
    said = sums.lazy().rename({name: f"{name}|lines" for name in SAID_BY_LINES})
    has_lines = pl.col("claim_status|lines").is_not_null()
    return (
        visits.join(said, on="visit_id", how="left")
        .with_columns(pl.when(has_lines).then(f"{name}|lines").otherwise(name).alias(name) for name in SAID_BY_LINES)
        .select(Visits.column_names())
    )


def answers_with_lines(earlier: pl.LazyFrame, of_lines: pl.LazyFrame) -> pl.LazyFrame:
    """Rows of ``silver.earlier_answers``; of visits whose claim has lines, what these tell instead."""
    sums = of_lines.collect(engine="streaming")
    if sums.is_empty():
        return earlier
    told = sums.lazy().select(
        "visit_month",
        "visit_id",
        "key_hash",
        "denial_reason",
        claim_status=pl.when(pl.col("first_denied_date").is_not_null())
        .then(pl.lit("denied"))
        .otherwise(pl.lit("paid")),
        claim_paid_date=pl.coalesce("first_denied_date", "first_answered_date"),
        extract_date=pl.coalesce("first_denied_date", "first_answered_date", pl.lit(UNDATED)),
    )
    others = earlier.join(sums.lazy(), on="visit_id", how="anti")
    return pl.concat([others, told.filter(pl.col("claim_paid_date").is_not_null())], how="diagonal").select(
        EarlierAnswers.column_names()
    )
