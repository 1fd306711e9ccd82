"""Large amounts add up in every table and outlet; what no type holds is left out and told, and stops nothing."""

from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from carti_lake import Lake
from carti_lake.metrics import METRICS
from carti_lake.tables import ENTITIES
from tests.worlds.lakes import account, lake_in, load, opportunity, referral, stay, visit

#: An amount of which a sum holds a hundred thousand, and one that its type does not hold.
MOST, ABSURD = "999999999.9999", "100000000000000"
MANY = 60


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """Two releases of many amounts as large as can be, the second with some that are larger."""
    lake = lake_in(tmp_path_factory.mktemp("large") / "lake")
    large = {"claim_amount": MOST, "claim_paid": MOST, "contractual_adjustment": f"-{MOST}"}
    load(lake, "ehr_visits", [visit(number, **large) for number in range(MANY)])
    load(lake, "sg2_patient_flow", [stay(number, treatment_cost=MOST) for number in range(MANY)])
    load(
        lake, "salesforce_crm", [account("Dr. Ann Lee", deals_value=MOST, opportunity_value=MOST, marketing_cost=MOST)]
    )
    deals = [opportunity(number, amount=MOST, probability="100") for number in range(MANY)]
    load(lake, "salesforce_opportunities", deals)
    load(lake, "salesforce_referrals", [referral(number, estimated_value=MOST) for number in range(MANY)])
    assert lake.run().failed == ()
    load(
        lake,
        "ehr_visits",
        [visit(90, **large), visit(91, claim_amount=ABSURD), visit(92, claim_paid=ABSURD)],
        "2026-03-10",
    )
    load(lake, "sg2_patient_flow", [stay(90, treatment_cost=ABSURD), stay(91, treatment_cost=ABSURD)], "2026-03-10")
    load(lake, "salesforce_referrals", [referral(one, estimated_value=ABSURD) for one in (90, 91)], "2026-03-10")
    assert lake.run().failed == ()
    return lake


def test_large_amounts_add_up_and_larger_ones_are_told(lake: Lake) -> None:
    sums = lake.query("SELECT gross_charges, treatment_cost FROM provider_monthly ORDER BY gross_charges").collect()
    assert sums["gross_charges"].sum() == (MANY + 1) * Decimal(MOST)
    assert sums["treatment_cost"].sum() == MANY * Decimal(MOST)
    refused = pl.concat(lake.quarantine(name).select("rules") for name in ("visits", "encounters")).collect()
    assert sorted(refused["rules"]) == [
        "claim_amount|unreadable",
        "claim_paid|unreadable",
        *["treatment_cost|unreadable"] * 2,
    ]
    assert lake.storage.scan("bronze.sg2_patient_flow").filter(treatment_cost=float(ABSURD)).collect().height == 2
    # What a row can be without is left out of it alone.
    worth = lake.scan("silver.referrals").filter(pl.col("unread").is_not_null()).collect()
    assert worth.select("estimated_value", "unread").rows() == [(None, "estimated_value|unreadable")] * 2


def test_every_sum_of_dollars_and_every_outlet_holds_them(
    lake: Lake, carti_lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for metric in (one for one in METRICS.values() if one.unit == "USD"):
        lake.metric(metric.id).collect()
    for metric in ("gross_charges", "adjudicated_collection_rate", "avg_cost"):
        explained = lake.explain(metric, 1, 2)
        assert explained.numerators[1] - explained.numerators[0] == sum(part.numerator for part in explained.parts)
    monkeypatch.setenv("CARTI_LAKE", lake.storage.uri)
    for outlet in ("publish", "dashboard", "workbook"):
        ended = carti_lake(outlet, "--full-counts", "a test", "-o", str(tmp_path / outlet))
        assert ended.code == 0, ended.err
    facts = pl.read_parquet(next(tmp_path.glob("publish/**/provider_monthly.parquet")))
    assert facts["gross_charges"].sum() == (MANY + 1) * Decimal(MOST)


@pytest.mark.parametrize("entity", [entity for entity in ENTITIES.values() if entity.amounts()])
def test_a_sum_holds_a_hundred_thousand_large_amounts(entity) -> None:
    """See ADR 0075."""
    for name in entity.amounts():
        dtype = entity.columns()[name].dtype
        assert 100_000 * Decimal(MOST) < 10 ** (dtype.precision - dtype.scale)
