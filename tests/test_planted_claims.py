"""What is planted in a generated network's claims is found again, and an independent SQL finds the same numbers."""

from datetime import UTC, date, datetime

import duckdb
import polars as pl
import pytest
from scipy.stats import binomtest

from carti_lake import Lake
from carti_lake.generate import Network, truths
from carti_lake.generate.providers import directory
from carti_lake.metrics import METRICS
from tests.worlds.networks import delivered

NETWORK = Network(seed=21, providers=24, patients=6_000, start=date(2025, 1, 1), days=400, visits_per_day=150, dirt=0)
#: What the lake knows ends here, in the middle of a month; the network goes on, and tells how its claims end.
TODAY = date(2025, 12, 15)


@pytest.fixture(scope="module")
def rows():
    """Every row that the EHR delivers, day by day."""
    return delivered(NETWORK, feeds=["ehr_visits"])["ehr_visits"]


@pytest.fixture(scope="module")
def lake(rows, tmp_path_factory):
    folder = tmp_path_factory.mktemp("planted") / "lake"
    lake = Lake(folder, clock=lambda: datetime(2026, 3, 1, tzinfo=UTC), environment={})
    known = rows.filter(pl.col("extract_date") <= TODAY).drop("extract_date")
    lake.load("ehr_visits", known, extract_date=TODAY)
    assert not lake.run().failed
    return lake


def assert_found(planted, count, among):
    """The planted share lies within the Wilson 95 % interval of what was found."""
    interval = binomtest(count, among).proportion_ci(0.95, method="wilson")
    assert interval.low <= planted <= interval.high
    # An interval that holds everything would find anything.
    assert interval.high - interval.low < 0.1


def test_the_provider_with_many_denials_is_found(lake):
    npi = directory(NETWORK).listed["npi"][truths.HIGH_DENIAL_PROVIDER]
    cells = lake.scan("claims_monthly").collect()
    rates = cells.group_by("provider_id").agg(
        METRICS["initial_denial_share"].expression(),
        denied=pl.col("initially_denied_claims").sum(),
        answered=pl.col("claims").sum() - pl.col("pending_claims").sum(),
    )
    assert rates.sort("initial_denial_share")["provider_id"][-1] == npi
    high = rates.filter(provider_id=npi).row(0, named=True)
    assert_found(truths.HIGH_DENIAL, high["denied"], high["answered"])
    # As the claims stand, a third of it is overturned and no longer to be seen.
    assert cells.filter(provider_id=npi)["denied_claims"].sum() < 0.8 * high["denied"]


def test_the_share_of_denials_that_are_overturned_is_found(lake):
    # By December the denials of claims until August have been revised, where they ever are.
    old = lake.scan("claims_monthly").filter(pl.col("month") <= date(2025, 8, 1)).collect()
    assert_found(truths.OVERTURNED, old["overturned_claims"].sum(), old["initially_denied_claims"].sum())


def test_months_come_to_be_as_complete_as_was_expected_of_them(lake, rows):
    """The share that was adjudicated by then, of all that ever were, is within the stated interval of each month."""
    withdrawn = rows.filter("is_deleted").select("visit_id")
    ended = (
        rows.join(withdrawn, on="visit_id", how="anti")
        .filter(pl.col("claim_status") != "Pending")
        .unique("visit_id", keep="first", maintain_order=True)
        .group_by(month=pl.col("visit_date").dt.truncate("1mo"))
        .agg(true=(pl.col("claim_paid_date") <= TODAY).mean())
    )
    found = lake.scan("claims_maturity").collect().join(ended, on="month").sort("age").head(5)
    assert found["age"].to_list() == [0, 1, 2, 3, 4]
    assert found.select(pl.col("true").is_between("maturity_low", "maturity_high")).to_series().all()
    assert found["provisional"].to_list() == (found["true"] < 0.9).to_list() == [True, True, False, False, False]
    # The interval says something: of the month before the last, within nine points.
    assert found["maturity_high"][1] - found["maturity_low"][1] < 0.09


DELIVERED = """
    CREATE TABLE delivered AS SELECT * REPLACE (lower(claim_status) AS claim_status) FROM known;
    CREATE TABLE claims AS
    WITH current AS (SELECT * FROM delivered QUALIFY row_number() OVER (PARTITION BY visit_id ORDER BY place DESC) = 1),
    denials AS (
        SELECT visit_id, arg_min(denial_reason, place) AS reason, arg_min(claim_paid_date, place) AS denied_on
        FROM delivered WHERE claim_status = 'denied' AND NOT is_deleted GROUP BY visit_id
    ),
    answers AS (
        SELECT visit_id, min(claim_paid_date) AS answered_on
        FROM delivered WHERE claim_status <> 'pending' AND NOT is_deleted GROUP BY visit_id
    )
    SELECT *, date_trunc('month', visit_date)::DATE AS month
    FROM current LEFT JOIN denials USING (visit_id) LEFT JOIN answers USING (visit_id) WHERE NOT is_deleted
"""
MONTHLY = """
    SELECT month, provider_npi AS provider_id, lower(replace(replace(payer, ' ', '_'), '-', '_')) AS payer,
        lower(service_line) AS service_line,
        count(*) AS claims, count(*) AS submitted_claims,
        sum((claim_status = 'paid')::INT) AS paid_claims, sum((claim_status = 'denied')::INT) AS denied_claims,
        sum((claim_status = 'pending')::INT) AS pending_claims,
        sum((claim_status = 'reversed')::INT) AS reversed_claims,
        sum(claim_amount) AS gross_charges,
        sum(claim_amount) FILTER (claim_status = 'paid') AS paid_charges,
        sum(claim_amount) FILTER (claim_status = 'denied') AS denied_charges,
        sum(claim_amount) FILTER (claim_status = 'pending') AS pending_charges,
        sum(claim_amount) FILTER (claim_status = 'reversed') AS reversed_charges,
        sum(claim_paid) AS payments_as_delivered, sum(claim_paid) FILTER (claim_status = 'paid') AS payments,
        sum((claim_status = 'paid')::INT) AS contractual_claims,
        sum(claim_amount) FILTER (claim_status = 'paid') AS contractual_charges,
        sum(contractual_adjustment) FILTER (claim_status = 'paid') AS contractual_adjustments,
        sum(claim_paid) FILTER (claim_status = 'paid') AS contractual_payments,
        count(denied_on) AS initially_denied_claims,
        sum(claim_amount) FILTER (denied_on IS NOT NULL) AS initially_denied_charges,
        sum((denied_on IS NOT NULL AND claim_status = 'paid')::INT) AS overturned_claims,
        sum(claim_amount) FILTER (denied_on IS NOT NULL AND claim_status = 'paid') AS overturned_charges
    FROM claims GROUP BY ALL
"""
DENIALS = """
    SELECT month, lower(replace(reason, '-', '_')) AS denial_reason, count(*) AS initially_denied_claims,
        sum(claim_amount) AS initially_denied_charges,
        sum((claim_status = 'denied')::INT) AS denied_claims, sum((claim_status = 'paid')::INT) AS overturned_claims
    FROM claims WHERE denied_on IS NOT NULL GROUP BY ALL
"""
ACTIVITY = """
    SELECT * FROM (
        SELECT date_trunc('month', claim_submitted_date)::DATE AS activity_month, count(*) AS submitted_claims,
            sum(claim_amount) AS submitted_charges FROM claims GROUP BY ALL
    ) FULL JOIN (
        SELECT date_trunc('month', denied_on)::DATE AS activity_month, count(*) AS initially_denied_claims,
            sum(claim_amount) AS initially_denied_charges FROM claims WHERE denied_on IS NOT NULL GROUP BY ALL
    ) USING (activity_month)
"""
AGED = """
    SELECT lower(replace(replace(payer, ' ', '_'), '-', '_')) AS payer, count(*) AS open_claims,
        sum((age <= 30)::INT) AS claims_0_30, sum((age BETWEEN 31 AND 60)::INT) AS claims_31_60,
        sum((age BETWEEN 61 AND 90)::INT) AS claims_61_90, sum((age BETWEEN 91 AND 120)::INT) AS claims_91_120,
        sum((age > 120)::INT) AS claims_over_120, sum(claim_amount) FILTER (age BETWEEN 31 AND 60) AS charges_31_60
    FROM (SELECT *, date_diff('day', claim_submitted_date, DATE '2025-12-15') AS age FROM claims)
    WHERE claim_status = 'pending' GROUP BY ALL
"""
MATURITY = """
    WITH answered AS (
        SELECT month, greatest(0, date_diff('month', month, answered_on) + (day(answered_on) > 15)::INT) AS reached
        FROM claims WHERE claim_status <> 'pending'
    ),
    triangle AS (
        SELECT month, age, count(answered.month) AS value
        FROM (SELECT DISTINCT month FROM claims) AS months
        JOIN range(0, 12) AS ages(age) ON age <= date_diff('month', month, DATE '2025-12-15')
        LEFT JOIN answered USING (month)
        WHERE reached <= age
        GROUP BY ALL
    ),
    factors AS (
        SELECT one.age, sum(next.value) / sum(one.value) AS factor
        FROM triangle AS one JOIN triangle AS next ON next.month = one.month AND next.age = one.age + 1 GROUP BY ALL
    )
    SELECT month, coalesce(exp(-sum(ln(factor))), 1) AS maturity
    FROM (SELECT DISTINCT month FROM claims) LEFT JOIN factors
        ON factors.age >= date_diff('month', month, DATE '2025-12-15')
    GROUP BY ALL
"""


@pytest.fixture(scope="module")
def sql(rows):
    """The same rows, in DuckDB."""
    connection = duckdb.connect()
    known = rows.filter(pl.col("extract_date") <= TODAY).with_row_index("place")  # noqa: F841 (DuckDB reads it)
    connection.execute(DELIVERED)
    return connection


@pytest.mark.parametrize(
    ("table", "query"),
    [
        ("claims_monthly", MONTHLY),
        ("denials_monthly", DENIALS),
        ("claims_activity", ACTIVITY),
        ("claims_aged", AGED),
        ("claims_maturity", MATURITY),
    ],
)
def test_an_independent_sql_finds_the_same(lake, sql, table, query):
    expected = pl.from_arrow(sql.sql(query).to_arrow_table())
    numbers = [name for name, dtype in expected.schema.items() if dtype.is_numeric()]
    groups = [name for name in expected.columns if name not in numbers]
    found = lake.scan(table).group_by(groups).agg(pl.col(numbers).sum().cast(pl.Float64)).sort(groups).collect()
    expected = expected.select(*groups, pl.col(numbers).cast(pl.Float64).fill_null(0)).sort(groups)
    assert found.select(groups).equals(expected.select(groups))
    assert found.height > 4
    for name in numbers:
        assert found[name].to_list() == pytest.approx(expected[name].to_list(), rel=1e-9, abs=1e-9), name
