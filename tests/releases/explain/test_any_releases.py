"""Random deliveries, any two releases: for every metric and whomever it is about, the parts are the change."""

from fractions import Fraction

import polars as pl
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from carti_lake.metrics import METRICS, Metric
from carti_lake.releases.explain import Cause, Explanation
from carti_lake.releases.explain.explanation import adds, split
from carti_lake.releases.explain.read import evidence
from carti_lake.releases.explain.split import member_column
from carti_lake.tables.gold import Gold
from tests.strategies import deliveries
from tests.test_equivalence import load, new_lake, run

pytestmark = pytest.mark.slow

#: A readmission is made of two stays, a campaign's cash of a referral and its visits, a first denial of a claim's
#: earlier answers, and what is aged of a claim and a day: no row alone adds to them.
NOT_BY_ROW = {
    *("readmission_rate", "realised_roi", "campaign_cash"),
    *("initial_denial_share", "overturn_rate", "aged_receivables_rate"),
}


def additive() -> dict[type[Gold], list[Metric]]:
    """The metrics that are sums over rows, by mart."""
    found: dict[type[Gold], list[Metric]] = {}
    for metric in METRICS.values():
        if not (metric.missing or metric.window or metric.id in NOT_BY_ROW) and all(
            adds(metric, name) for name in metric.summed()
        ):
            found.setdefault(metric.mart, []).append(metric)
    return found


def stored(rows: pl.DataFrame, metric: Metric, provider: str | None) -> tuple:
    """Numerator and denominator as a reader of a release sums them."""
    if provider is not None:
        rows = rows.filter(pl.col(member_column(metric.mart)) == provider)
    terms = metric.terms()
    return rows.select(terms["numerator"], terms["denominator"]).fill_null(0).row(0)


def assert_explained(found: Explanation, before: tuple, after: tuple) -> None:
    """The parts sum to the stored change to the last digit, and the rows of each cause to its part."""
    assert [part.cause for part in found.parts] == list(Cause)
    assert sum(part.numerator for part in found.parts) == after[0] - before[0]
    for part in found.parts:
        rows = found.rows(part.cause)
        assert rows["numerator"].sum() == part.numerator
        assert rows.select("table_name", "key").n_unique() == part.rows
        assert (part.rows == 0) == rows.is_empty()
        if part.denominator is not None:
            assert rows["denominator"].sum() == part.denominator
    # The code is the same all the time.
    assert found.rows("definition_change").is_empty()
    if found.metric.denominator is None:
        return
    assert sum(part.denominator for part in found.parts) == after[1] - before[1]
    shares = [part.value for part in found.parts]
    if before[1] and after[1]:
        change = Fraction(after[0]) / Fraction(after[1]) - Fraction(before[0]) / Fraction(before[1])
        assert abs(sum(shares) - float(change)) <= 1e-12 * max(1, *map(abs, shares))
    else:
        assert set(shares) == {None}


@settings(
    max_examples=5,
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(deliveries(), st.data())
def test_the_parts_sum_to_the_difference_of_the_releases(delivered, data):
    with new_lake() as lake:
        for delivery in delivered:
            load(lake, delivery)
            if delivery is delivered[-1] or data.draw(st.booleans(), "run"):
                run(lake)
        first, second = sorted(data.draw(st.integers(1, len(lake.releases())), "release") for _ in range(2))
        before, after = (lake.at(release=number).release for number in (first, second))
        for table, metrics in additive().items():
            found = evidence(lake.storage, metrics, before, after)
            held = [lake.at(release=number).scan(table.full_name()).collect() for number in (first, second)]
            providers = pl.concat(held)[member_column(table)].unique().sort()
            for metric in metrics:
                for provider in (None, *providers):
                    who = None if provider is None else (provider, provider)
                    states = (stored(rows, metric, provider) for rows in held)
                    assert_explained(split(found, metric, before, after, who), *states)
