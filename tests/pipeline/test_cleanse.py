"""From delivered rows to typed ones: each example is a delivered row, and what it becomes or why it is refused."""

from datetime import date
from decimal import Decimal

import polars as pl
import pytest

from carti_lake.pipeline.bronze import UNREAD
from carti_lake.pipeline.cleanse import cleanse, refusals
from carti_lake.pipeline.survey import survey
from carti_lake.tables.silver import CrmAccounts, Encounters, Opportunities, Referrals, Visits
from tests.worlds.rows import MARCH, account, landed, stay, visit


def cleansed(entity, *rows, secret=""):
    delivered = landed(entity.feed, *rows)
    codes = survey(delivered, entity)
    return cleanse(delivered, entity, codes, secret).sort("row_number").collect(engine="streaming")


def broken_rules(entity, row):
    delivered = landed(entity.feed, row)
    codes = survey(delivered, entity)
    found = refusals(delivered, entity, codes, "").collect(engine="streaming")
    assert found.height == cleansed(entity, row)["broken"].sum()
    return set(found["rules"].str.split(",").explode(empty_as_null=False, keep_nulls=False)) if found.height else set()


def test_values_are_typed_and_codes_have_one_spelling():
    delivered = visit(
        " V1 ",
        visit_date="03/05/2026",
        service_line=" Medical Oncology",
        diagnosis_code="c50911",
        procedure_code="j 9271",
        patient_zip3="72205-1234",
        patient_age="93",
        claim_amount="$1,200.50",
        claim_paid="(0)",
        claim_status="In Process",
    )
    row = cleansed(Visits, delivered).row(0, named=True)
    assert row["visit_id"] == "V1"
    assert (row["visit_date"], row["visit_month"]) == (date(2026, 3, 5), MARCH)
    assert row["service_line"] == "medical_oncology"
    assert (row["diagnosis_code"], row["procedure_code"], row["patient_zip3"]) == ("C50.911", "J9271", "722")
    assert (row["claim_amount"], row["claim_paid"]) == (Decimal("1200.5"), 0)
    assert row["claim_status"] == "pending"
    assert row["patient_age"] == 90
    assert not row["broken"]


def test_what_a_source_does_not_deliver_is_null():
    row = cleansed(Visits, visit("V1", service_line="", claim_amount=None)).row(0, named=True)
    assert (row["service_line"], row["claim_amount"], row["payer"], row["broken"]) == (None, None, None, False)


@pytest.mark.parametrize(
    ("changed", "rules"),
    [
        ({}, set()),
        ({"visit_date": "31/02/2026"}, {"visit_date|unreadable"}),
        ({"visit_date": None}, {"visit_date|nullability"}),
        ({"claim_amount": "abc"}, {"claim_amount|unreadable"}),
        ({"claim_amount": "-5"}, {"claim_amount|min"}),
        ({"claim_status": "perhaps"}, {"claim_status|unreadable"}),
        ({"diagnosis_code": "zz", "procedure_code": "?"}, {"diagnosis_code|unreadable", "procedure_code|unreadable"}),
        ({"diagnosis_code": "E849.0"}, {"diagnosis_code|icd9"}),
        ({"diagnosis_code": "V10.3"}, {"diagnosis_code|icd9"}),
        ({"diagnosis_code": "C34.9O"}, {"diagnosis_code|unreadable"}),
        ({"visit_id": "2.60331E+12"}, {"visit_id|mangled"}),
        ({"visit_id": "2,60331E+12"}, {"visit_id|mangled"}),
        ({"patient_id": "9377952927E-5"}, {"patient_id|mangled"}),
        ({"claim_id": "1.23457E+11"}, {"claim_id|mangled"}),
        ({"visit_id": "4E12"}, set()),
        ({"is_deleted": "perhaps"}, {"is_deleted|unreadable"}),
        ({"is_deleted": "D", "visit_date": None}, set()),
        ({"visit_date": "9999-12-31"}, {"visit_date|implausible"}),
        ({"visit_date": "1900-01-01"}, {"visit_date|implausible"}),
        ({"claim_amount": "€100"}, {"currency|foreign"}),
        ({"claim_amount": "EUR 1,000.00 (USD 1,080.00)"}, {"currency|foreign", "claim_amount|unreadable"}),
        ({"claim_amount": "C$ 100"}, {"currency|foreign", "claim_amount|unreadable"}),
        ({"Currency": "JPY"}, {"currency|foreign"}),
        ({"CurrencyIsoCode": "USD"}, set()),
        ({"visit_id": "Grand Totals (3 records)"}, {"visit_id|total_row"}),
        ({"visit_id": "TOTAL", "visit_date": None}, {"visit_id|total_row", "visit_date|nullability"}),
        ({"provider_name": "Total Health Clinic"}, set()),
        ({"patient_id": "  "}, {"patient_key|nullability"}),
        ({"provider_name": None}, {"rendering_provider_id|nullability"}),
        ({"provider_name": None, "provider_npi": "1234567893"}, set()),
        ({"is_deleted": "true", "visit_date": "31/02/2026", "claim_amount": "abc", "patient_id": None}, set()),
    ],
)
def test_a_refused_visit_names_every_rule_that_it_breaks(changed, rules):
    assert broken_rules(Visits, visit(**{"visit_id": "V1", **changed})) == rules


@pytest.mark.parametrize(
    ("changed", "column", "value", "unread"),
    [
        ({"patient_age": "90+"}, "patient_age", 90, None),
        ({"patient_age": ">89"}, "patient_age", 90, None),
        ({"patient_age": "\u226590"}, "patient_age", 90, None),
        ({"patient_age": "over 89"}, "patient_age", 90, None),
        ({"patient_age": "90 and older"}, "patient_age", 90, None),
        ({"patient_age": "Newborn"}, "patient_age", 0, None),
        ({"patient_age": "61 yrs"}, "patient_age", 61, None),
        ({"patient_age": "6 mo"}, "patient_age", 0, None),
        ({"patient_age": "18 months"}, "patient_age", 1, None),
        ({"patient_age": "61.7"}, "patient_age", 61, None),
        ({"patient_age": "999"}, "patient_age", None, "patient_age|unreadable"),
        ({"patient_age": "-1"}, "patient_age", None, "patient_age|unreadable"),
        ({"patient_age": "old"}, "patient_age", None, "patient_age|unreadable"),
        ({"patient_zip3": "K1A 0B1"}, "patient_zip3", None, "patient_zip3|unreadable"),
        ({"patient_zip3": "722051234"}, "patient_zip3", "722", None),
        ({"patient_zip3": "72205 1234"}, "patient_zip3", "722", None),
        ({"patient_zip3": "2139"}, "patient_zip3", "021", None),
        ({"allowed_amount": "about 5"}, "allowed_amount", None, "allowed_amount|unreadable"),
        ({"allowed_amount": "NULL"}, "allowed_amount", None, None),
        ({"claim_paid_date": "soon"}, "claim_paid_date", None, "claim_paid_date|unreadable"),
        ({"claim_paid_date": "9999-12-31"}, "claim_paid_date", None, "claim_paid_date|implausible"),
        ({"claim_paid_date": "0001-01-01"}, "claim_paid_date", None, "claim_paid_date|implausible"),
        ({"claim_paid_date": "1753-01-01 00:00:00"}, "claim_paid_date", None, "claim_paid_date|implausible"),
        ({"procedure_code": "99213-25"}, "procedure_code", "99213", None),
        ({"procedure_code": "99213:25-59"}, "procedure_modifier", "25 59", None),
        ({"claim_amount": "12345678901234.5678"}, "claim_amount", Decimal("12345678901234.5678"), None),
        ({"provider_npi": "1234567893"}, "provider_npi", "1234567893", None),
        ({"provider_npi": "1234567893.0"}, "provider_npi", "1234567893", None),
        ({"provider_npi": "1234567890"}, "provider_npi", None, "provider_npi|unreadable"),
        ({"provider_npi": "123456789"}, "provider_npi", None, "provider_npi|unreadable"),
        ({"provider_npi": "PRV-17"}, "provider_npi", None, "provider_npi|unreadable"),
        ({"provider_npi": "9999999999"}, "provider_npi", None, "provider_npi|unreadable"),
        ({"provider_npi": "0000000000"}, "provider_npi", None, "provider_npi|unreadable"),
        ({"provider_npi": "NULL"}, "provider_npi", None, None),
        ({"claim_id": "0"}, "claim_id", None, "claim_id|filler"),
        ({"claim_id": " UNKNOWN "}, "claim_id", None, "claim_id|filler"),
        ({"claim_id": "99999"}, "claim_id", None, "claim_id|filler"),
        ({"claim_id": "9999"}, "claim_id", "9999", None),
        ({"claim_id": "10000"}, "claim_id", "10000", None),
        ({"claim_id": "TEST-1"}, "claim_id", "TEST-1", None),
        ({"claim_id": '="00123"'}, "claim_id", "00123", None),
        ({"claim_id": "'00123"}, "claim_id", "00123", None),
        ({"claim_id": "17.0"}, "claim_id", "17", None),
        ({"claim_id": "A.0"}, "claim_id", "A.0", None),
        ({"procedure_code": "99213/25"}, "procedure_modifier", "25", None),
        ({"claim_id": "999991"}, "claim_id", "999991", None),
        ({"referral_id": "000000"}, "referral_id", None, "referral_id|filler"),
        ({"referral_id": "xxx"}, "referral_id", None, "referral_id|filler"),
        ({"claim_id": "C\u200b1"}, "claim_id", "C1", None),
    ],
)
def test_a_value_that_a_row_can_be_without_is_left_out_alone(changed, column, value, unread):
    row = cleansed(Visits, visit("V1", **changed)).row(0, named=True)
    assert (row[column], row["unread"], row["broken"]) == (value, unread, False)


def test_identifiers_lose_what_nobody_sees_and_keep_their_case():
    ids = ["V-1", "V-1\u200b", "\ufeffV-1", "V-1\u00a0", "V\u20111", "V&#45;1", "v-1"]
    rows = cleansed(Visits, *(visit(one) for one in ids))
    assert rows["visit_id"].to_list() == ["V-1"] * 6 + ["v-1"]


def test_a_salesforce_id_is_one_in_15_and_in_18_characters():
    short, whole, wrong = "0065f00000AbCdE", "0065f00000AbCdEAAV", "0065f00000AbCdEAAZ"
    rows = cleansed(
        Opportunities,
        *({"opportunity_id": one, "stage_name": "Won", "amount": "1"} for one in (short, whole, wrong, short.lower())),
    )
    assert rows["opportunity_id"].to_list() == [whole, whole, whole, "0065f00000abcdeAAA"]
    assert rows["unread"].to_list() == [None, None, "opportunity_id|checksum", None]


@pytest.mark.parametrize("column", ["visit_id", "claim_status", "claim_amount", "visit_date"])
def test_a_needed_cell_that_its_reader_could_not_read_refuses_the_row(column):
    row = visit("V1") | {column: None, UNREAD + column: "#REF!"}
    assert f"{column}|unreadable" in broken_rules(Visits, row)


@pytest.mark.parametrize("column", ["claim_id", "payer", "claim_paid_date"])
def test_another_cell_that_its_reader_could_not_read_is_left_out_and_told(column):
    row = visit("V1") | {column: None, UNREAD + column: "#REF!"}
    assert broken_rules(Visits, row) == set()
    assert cleansed(Visits, row)["unread"].item() == f"{column}|unreadable"


@pytest.mark.parametrize(
    ("entity", "row", "rules"),
    [
        (Encounters, stay("P1", discharge_date="2026-03-01"), {"discharged_after_admission"}),
        (Encounters, stay("P1", satisfaction_score="100.5"), {"satisfaction_score|max"}),
        (Encounters, stay("P1", length_of_stay="2.5"), {"length_of_stay|unreadable"}),
        (
            Opportunities,
            {"opportunity_id": "O1", "stage_name": "Won", "amount": "1", "is_won": "yes", "is_closed": "no"},
            {"won_is_closed"},
        ),
        (
            Referrals,
            {
                "referral_id": None,
                "patient_id": "P1",
                "referral_date": "2026-03-05",
                "referring_provider_name": "Bo Diaz",
                "referral_status": "New",
                "first_visit_date": "2026-03-01",
            },
            {"referral_id|nullability", "seen_after_referral"},
        ),
    ],
)
def test_other_entities_have_rules_of_their_own(entity, row, rules):
    assert broken_rules(entity, row) == rules


def test_more_spellings_than_a_few_are_recoded_all_the_same():
    lines = ["Breast", "BREAST", "breast ", " Lung", "LUNG", "Lung-", "Brain", "brain!", "Skin", "skin ", "Liver"]
    rows = cleansed(Visits, *(visit(f"V{place}", service_line=line) for place, line in enumerate(lines)))
    assert rows["service_line"].to_list() == ["breast"] * 3 + ["lung"] * 3 + ["brain"] * 2 + ["skin"] * 2 + ["liver"]


def test_a_visit_without_a_number_gets_a_key_from_what_identifies_it():
    rows = cleansed(
        Visits,
        visit(None),
        visit(" ", provider_name="LEE, ANN MD", claim_paid="90"),
        visit(None, procedure_code="99214"),
        visit(None, visit_date="2026-03-06"),
        visit(None, patient_id="P2"),
    )
    keys = rows["visit_id"].to_list()
    assert keys[0] == keys[1]
    assert len(set(keys)) == 4
    assert all(key.startswith("derived-") for key in keys)


def test_a_key_that_cannot_be_derived_is_missing():
    assert "visit_id|nullability" in broken_rules(Visits, visit(None, procedure_code=None))


def test_a_patient_has_one_pseudonym_for_each_secret():
    ids = ["P1", " P1 ", "P2"]
    plain, keyed = (
        cleansed(Visits, *(visit(f"V{one}", patient_id=one) for one in ids), secret=secret)["patient_key"].to_list()
        for secret in ("", "a secret")
    )
    assert plain[0] == plain[1] != plain[2]
    assert keyed[0] == keyed[1] != keyed[2]
    assert not set(plain) & set(keyed)


def test_the_order_of_delivery_is_the_rows_place_in_what_was_delivered():
    rows = cleansed(Visits, visit("V1"), visit("V1", claim_paid="81"), visit("V1", claim_paid="79"))
    assert rows["order"].is_sorted()
    assert rows["order"].n_unique() == 3
    later = landed(Visits.feed, visit("V1"), extract_date=date(2026, 3, 2))
    surveyed = survey(later, Visits)
    assert cleanse(later, Visits, surveyed, "").collect()["order"].item() > rows["order"].max()


@pytest.mark.parametrize(
    "number", ["0", "UNKNOWN", "test", "999999999", "000-00-0000", "111111111", "123456789", "#REF!", "#NAME?", "#####"]
)
def test_a_number_that_stands_for_no_patient_is_nobodys(number):
    assert broken_rules(Visits, visit("V1", patient_id=number)) == {"patient_id|filler"}


@pytest.mark.parametrize("label", ["Sum", "Average:", "Count: 3", "GESAMT", "Grand Total", "Sub-total (3 records)"])
def test_the_last_line_of_a_report_is_no_provider(label):
    assert broken_rules(CrmAccounts, account(label)) == {"provider_name|total_row"}


@pytest.mark.parametrize(
    "label", ["Ann Lee Total", "Subtotal: Ann Lee", "Sub-total Ann Lee", "Total for Ann Lee", "Total: Ann"]
)
def test_the_last_line_of_a_group_is_no_provider(label):
    """As Excel's subtotals, Salesforce's reports and SQL's ROLLUP label them."""
    assert broken_rules(CrmAccounts, account(label)) == {"provider_name|total_row"}


@pytest.mark.parametrize("name", ["Ann Sum", "Ann Count", "Total Health Partners", "Totalis Clinic", "Ann Gesamt"])
def test_a_name_that_holds_such_a_word_is_a_name(name):
    assert broken_rules(CrmAccounts, account(name)) == set()


def test_numbers_that_a_spreadsheet_keeps_as_text_are_what_they_are():
    spelt = {'="00123"': "17.0", "'00123": "17", "00123": "17.00"}
    rows = cleansed(Visits, *(visit(key, patient_id=number) for key, number in spelt.items()))
    assert rows["visit_id"].to_list() == ["00123", "00123", "00123"]
    assert rows["patient_key"].n_unique() == 1


@pytest.mark.parametrize("number", ["0", "TBD", "99999", "??"])
def test_visits_whose_number_was_filled_in_stay_apart(number):
    """The number is made from what they are, as for visits that came without one."""
    found = cleansed(Visits, visit(number), visit(number, visit_date="2026-03-06"), visit("V3"))
    assert found["broken"].to_list() == [False] * 3
    assert found["visit_id"].n_unique() == 3
    assert found.filter(pl.col("visit_id") != "V3")["unread"].to_list() == ["visit_id|filler"] * 2
    assert number not in found["visit_id"].to_list()


def test_a_key_that_must_be_delivered_may_begin_at_nought():
    referred = {"referral_id": "0", "patient_id": "P1", "referral_date": "2026-03-01", "service_line": "Breast"}
    referred |= {"referring_provider_name": "Ann Lee", "referral_status": "New", "opportunity_id": "0"}
    row = cleansed(Referrals, referred).row(0, named=True)
    assert (row["referral_id"], row["opportunity_id"], row["broken"]) == ("0", None, False)
    assert broken_rules(Referrals, {**referred, "referral_id": "00000"}) == {"referral_id|filler"}


def test_a_count_that_nobody_counts_is_none():
    contacts = account("Ann Lee", contact_count="9000000000000000000")
    assert broken_rules(CrmAccounts, contacts) == {"contact_count|unreadable"}


def test_nothing_of_the_patients_number_is_left():
    rows = cleansed(Visits, visit("V1", patient_id="CANARY-77"))
    assert "CANARY" not in str(rows.select(pl.all().cast(pl.String, strict=False)).rows())


@pytest.mark.parametrize(
    "amount",
    ["100000000000000", "1e15", "$100,000,000,000,000.00", "-1e300", "1e12", "1234567890", "99999999999999.00"],
)
def test_an_amount_that_nobody_is_billed_is_no_amount_and_stops_nothing(amount):
    """Polars answers a double beyond its decimal with an error, whatever is asked of it; a few make a month no sum."""
    found = cleansed(Visits, visit("V1", allowed_amount=amount), visit("V2", allowed_amount="999999999.25"))
    assert found["allowed_amount"].to_list() == [None, Decimal("999999999.25")]
    assert found["unread"].to_list() == ["allowed_amount|unreadable", None]
    assert broken_rules(Visits, visit("V1", claim_amount=amount)) == {"claim_amount|unreadable"}


@pytest.mark.parametrize("amount", ["12345678901234.5678", "1234567890.12", "999999999"])
def test_an_amount_to_the_cent_is_what_it_says_however_large(amount):
    found = cleansed(Visits, visit("V1", claim_amount=amount), visit("V2", claim_amount="1e12"))
    assert found["claim_amount"][0] == Decimal(amount)
    assert found["broken"].to_list() == [False, True]
