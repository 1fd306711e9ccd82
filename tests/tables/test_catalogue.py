"""Every table is declared once, and the declaration says everything that people ask of it."""

import dataframely as dy
import polars as pl
import pytest

from carti_lake.tables import CHECKED, ENTITIES, FEEDS, GOLD, QUARANTINE, SILVER, TABLES, find
from carti_lake.tables.catalogue import describe
from carti_lake.tables.checks import KAHN_CATEGORIES

TABLE = pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)


def test_the_tables_of_the_design_are_there():
    assert set(FEEDS) == {
        "sg2_patient_flow",
        "salesforce_crm",
        "salesforce_opportunities",
        "salesforce_campaigns",
        "salesforce_referrals",
        "ehr_visits",
        "ehr_claim_lines",
        "ehr_appointments",
        "ehr_medications",
        "providers",
    }
    assert {
        "providers",
        "encounters",
        "opportunities",
        "campaigns",
        "referrals",
        "visits",
        "claims",
        "claim_lines",
        "appointments",
        "medications",
    } <= set(SILVER)
    assert {
        "provider_summary",
        "provider_monthly",
        "referral_flow",
        "marketing_roi",
        "claims_monthly",
        "forecasts",
        "opportunity_predictions",
        "risk_scores",
        "model_metrics",
        "data_quality",
        "dim_provider",
        "dim_date",
        "dim_service_line",
    } <= set(GOLD)


@TABLE
def test_each_table_says_what_it_is_and_each_column_what_it_holds(table):
    said = describe(table)
    assert said["purpose"].endswith(".")
    assert len(said["purpose"]) > 20
    assert not [column["name"] for column in said["columns"] if not column["description"]]
    assert all(said["rules"].values())


@TABLE
def test_keys_and_partitions_are_columns(table):
    assert set(table.key()) <= set(table.columns())
    assert table.partition_by is None or table.partition_by in table.columns()
    assert table.layer in ("bronze", "quarantine") or table.key()


@TABLE
def test_columns_have_types_that_delta_and_power_bi_keep(table):
    plain = [pl.String, pl.Int64, pl.Float64, pl.Boolean, pl.Date, pl.Decimal, pl.Datetime("us", "UTC")]
    if not table.layer:
        # Tables that no release holds never reach Power BI.
        plain += [pl.List(pl.String), pl.List(pl.Int64), pl.List(pl.Boolean)]
    assert not {name: dtype for name, dtype in table.dtypes().items() if not any(dtype == kept for kept in plain)}


@pytest.mark.parametrize("entity", ENTITIES.values(), ids=ENTITIES)
def test_patients_numbers_stay_in_bronze_and_quarantine(entity):
    assert "patient_id" not in entity.columns()
    assert not entity.phi_columns()
    if "patient_id" in entity.feed.columns():
        assert entity.feed.phi_columns() == ["patient_id"]
        assert QUARANTINE[entity.short_name].phi_columns() == ["patient_id"]


@pytest.mark.parametrize("table", GOLD.values(), ids=GOLD)
def test_gold_knows_no_patient(table):
    assert not {"patient_id", "patient_key"} & set(table.columns())


@pytest.mark.parametrize("entity", ENTITIES.values(), ids=ENTITIES)
def test_each_role_of_a_provider_comes_from_columns_of_the_feed(entity):
    for role, named in entity.providers.items():
        assert role in entity.columns()
        assert set(named) <= set(entity.feed.columns())


@pytest.mark.parametrize("entity", ENTITIES.values(), ids=ENTITIES)
def test_findings_have_a_category_and_a_meaning(entity):
    for finding in entity.findings():
        assert finding.category in KAHN_CATEGORIES
        assert finding.description
        assert finding.amount is None or finding.amount in entity.columns()


def test_a_column_is_described_in_plain_words():
    columns = {column["name"]: column for column in describe(find("ehr_visits"))["columns"]}
    assert columns["claim_amount"] == {
        "name": "claim_amount",
        "type": "number",
        "unit": "USD",
        "required": True,
        "description": "Billed charges",
    }
    assert not columns["payer"]["required"]


def test_rules_are_told_with_their_bounds():
    rules = describe(find("encounters"))["rules"]
    assert rules["satisfaction_score|max"] == "satisfaction_score is at most 100."
    assert rules["length_of_stay|min"] == "length_of_stay is at least 0."
    assert rules["discharged_after_admission"].startswith("Plausibility:")


def test_checks_are_told_with_category_and_thresholds():
    checks = {one["id"]: one for one in describe(find("visits"))["checks"]}
    assert checks["payer|missing"] == {
        "id": "payer|missing",
        "category": "completeness",
        "action": "report",
        "warn": 0.05,
        "block": 0.5,
        "fewest": 100,
    }
    assert checks["claim_amount|min"]["category"] == "plausibility"
    assert checks["claim_amount|min"]["action"] == "quarantine"
    assert checks["payment_on_unpaid_claim"]["block"] is None
    assert checks["extracts|late"]["warn"] == 0


@pytest.mark.parametrize("table", sorted(set(TABLES) - {one.full_name() for one in CHECKED.values()}))
def test_no_other_table_is_checked(table):
    assert describe(find(table))["checks"] == []


@pytest.mark.parametrize("entity", ENTITIES.values(), ids=ENTITIES)
def test_every_check_of_an_entity_has_one_id_a_category_and_thresholds_in_order(entity):
    ids = entity.check_ids()
    assert len(set(ids)) == len(ids)
    assert set(entity.thresholds) <= set(ids)
    for rule in ids:
        assert entity.category_of(rule) in KAHN_CATEGORIES
        limits = entity.declared_thresholds(rule)
        assert limits.block is None or limits.warn <= limits.block


@pytest.mark.parametrize(
    ("entity", "rule", "category"),
    [
        ("visits", "visit_date|unreadable", "conformance"),
        ("visits", "patient_key|nullability", "completeness"),
        ("encounters", "satisfaction_score|max", "plausibility"),
        ("encounters", "discharged_after_admission", "plausibility"),
        ("opportunities", "won_is_closed", "conformance"),
        ("opportunities", "is_won|missing", "completeness"),
        ("visits", "extracts|volume", "plausibility"),
    ],
)
def test_a_rules_category_is_that_of_its_kind_or_of_its_words(entity, rule, category):
    assert ENTITIES[entity].category_of(rule) == category


@pytest.mark.parametrize("entity", ENTITIES.values(), ids=ENTITIES)
def test_what_a_finding_refers_to_is_there(entity):
    for finding in entity.findings():
        if finding.refers is not None:
            assert finding.refers[0] in entity.columns()
            assert finding.refers[1] in ENTITIES


def test_a_new_column_is_one_edit():
    class Visits(SILVER["visits"]):
        """Visits, with one column more."""

        room = dy.String(nullable=True, description="Room of the visit")

    assert describe(Visits)["columns"][-1]["name"] == "room"
    assert Visits.dtypes()["room"] == pl.String


@pytest.mark.parametrize(
    ("name", "full"),
    [
        ("gold.provider_summary", "gold.provider_summary"),
        ("provider_summary", "gold.provider_summary"),
        ("visits", "silver.visits"),
        ("ehr_visits", "bronze.ehr_visits"),
        ("providers", "silver.providers"),
        ("quarantine.visits", "quarantine.visits"),
    ],
)
def test_a_table_is_found_by_its_full_or_bare_name(name, full):
    assert find(name).full_name() == full


def test_a_name_that_no_table_has_gets_the_nearest_ones():
    with pytest.raises(KeyError, match=r"no table 'provider_sumary'.*Did you mean.*provider_summary"):
        find("provider_sumary")
