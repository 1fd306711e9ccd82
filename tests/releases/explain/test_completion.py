"""Of a campaign's return, cost or deals may be unknown: it then counts for nothing, and what makes it count is told."""

from collections.abc import Sequence
from datetime import date

import polars as pl
from hypothesis import example, given, settings
from hypothesis import strategies as st

from carti_lake.metrics import METRICS
from carti_lake.pipeline.gold.marketing_roi import marketing_roi
from carti_lake.releases.explain import Explanation
from carti_lake.releases.explain.explanation import split
from carti_lake.releases.explain.split import Evidence
from carti_lake.releases.explain.steps import changed_rows, row_changes, tagged_steps
from carti_lake.tables.gold import MarketingMonthly, MarketingRoi
from carti_lake.tables.silver import Campaigns, Opportunities
from tests.worlds.releases import release
from tests.worlds.rows import held

RETURN = METRICS["roi_as_delivered"]
DATA_AS_OF = date(2026, 3, 31)
#: By campaign its cost (None: unknown), and the deals as (campaign, amount).
State = tuple[dict[str, int | None], Sequence[tuple[str | None, int | None] | None]]


def silver(state: State, batch: str) -> tuple[pl.LazyFrame, pl.LazyFrame]:
    costs, deals = state
    campaigns = [{"campaign_id": name, "actual_cost": cost, "batch_id": batch} for name, cost in costs.items()]
    opportunities = [
        {"opportunity_id": f"O{place}", "campaign_id": deal[0], "amount": deal[1], "batch_id": batch}
        for place, deal in enumerate(deals)
        if deal is not None
    ]
    return held(Campaigns, *campaigns), held(Opportunities, *opportunities)


def explain(before: State, after: State, campaign: str | None = None, metric=RETURN) -> Explanation:
    """The change of the return from one state of campaigns and deals to another."""
    was, became = silver(before, "first"), silver(after, "second")
    monthly, batches = held(MarketingMonthly), pl.LazyFrame({"batch_id": ["first"]})
    states, told, rows = [], [], 0
    for entity, old, new in zip((Campaigns, Opportunities), was, became, strict=True):
        also = held(entity).select(*entity.key(), reversed=pl.lit(False))
        changed = changed_rows(old, new, entity, batches, DATA_AS_OF, also).with_row_index("row", offset=rows).collect()
        rows += changed.height
        states.append(tagged_steps(changed.lazy(), entity, ["campaign_id"]))
        told.append(row_changes(changed.lazy(), entity))
    steps = pl.concat(marketing_roi(*side, monthly) for side in zip(*states, strict=True))
    frames = [marketing_roi(*was, monthly), marketing_roi(*became, monthly), steps, pl.concat(told)]
    evidence = Evidence(MarketingRoi, *(frame.collect() for frame in frames), recomputed=None)
    releases = release(1, DATA_AS_OF), release(2, date(2026, 4, 30))
    return split(evidence, metric, *releases, campaign and (campaign, campaign))


def parts(found: Explanation) -> dict[str, tuple]:
    return {part.cause: (part.rows, part.numerator, part.denominator) for part in found.parts if part.rows}


def test_a_cost_that_is_corrected_while_no_deal_is_known_explains_nothing():
    assert parts(explain(({"K1": None}, []), ({"K1": 100}, []))) == {}
    assert parts(explain(({"K1": 100}, []), ({"K1": 250}, []))) == {}


def test_a_cost_that_becomes_known_brings_the_deals_that_stood_into_the_return():
    found = explain(({"K1": None, "K2": 10}, [("K1", 900)]), ({"K1": 100, "K2": 10}, [("K1", 900)]))
    assert parts(found) == {"corrected_values": (2, 800, 100)}
    assert found.rows().select("table_name", "key", "numerator", "changes").rows() == [
        ("gold.marketing_roi", "K1", 900, ["actual_cost: not known → known"]),
        ("silver.campaigns", "K1", -100, ["actual_cost: — → 100.0000"]),
    ]


def test_a_cost_of_zero_that_becomes_known_is_told_of_too():
    found = explain(({"K1": None}, [("K1", 900)]), ({"K1": 0}, [("K1", 900)]), campaign="K1")
    assert parts(found) == {"corrected_values": (1, 900, 0)}


def test_a_cost_that_is_taken_back_takes_the_deals_out_of_the_return():
    found = explain(({"K1": 100}, [("K1", 900)]), ({"K1": None}, [("K1", 900)]))
    assert parts(found) == {"corrected_values": (2, -800, -100)}
    assert found.rows()["changes"].to_list()[0] == ["actual_cost: known → not known"]


def test_the_first_deal_of_all_makes_every_campaign_count():
    """Where no deal names a campaign their value is unknown; once one does, the others' is zero."""
    found = explain(({"K1": 100, "K2": 40}, []), ({"K1": 100, "K2": 40}, [("K1", 900)]))
    assert parts(found) == {"new_rows": (3, 760, 140)}
    assert parts(explain(({"K1": 100, "K2": 40}, []), ({"K1": 100, "K2": 40}, [("K1", 900)]), "K2")) == {
        "new_rows": (1, -40, 40)
    }


def test_a_deal_of_a_campaign_whose_cost_is_unknown_explains_nothing():
    assert parts(explain(({"K1": None}, []), ({"K1": None}, [("K1", 900)]))) == {}


costs = st.dictionaries(st.sampled_from(["K1", "K2", "K3"]), st.sampled_from([None, 0, 100, 250]), max_size=3)
deals = st.lists(
    st.none() | st.tuples(st.sampled_from(["K1", "K2", None]), st.sampled_from([None, 0, 900])), max_size=4
)
states = st.tuples(costs, deals)


@settings(max_examples=20)
@given(states, states, st.sampled_from(["roi_as_delivered", "campaign_roi", "campaign_pipeline"]))
@example(({"K1": None}, []), ({"K1": 100}, []), "roi_as_delivered")
@example(({"K1": 100}, []), ({"K1": 100}, [("K2", None)]), "roi_as_delivered")
@example(({"K1": 100}, [("K1", 0)]), ({}, [None, ("K1", 900)]), "roi_as_delivered")
def test_whatever_is_known_the_parts_are_the_change(before, after, metric):
    metric = METRICS[metric]
    for campaign in (None, *sorted({*before[0], *after[0]})):
        found = explain(before, after, campaign, metric)
        assert sum(part.numerator for part in found.parts) == found.numerators[1] - found.numerators[0]
        for part in found.parts:
            rows = found.rows(part.cause)
            assert rows["numerator"].sum() == part.numerator
            assert rows.select("table_name", "key").n_unique() == part.rows
