"""Open receivables by age, worked out by hand."""

from datetime import date, timedelta
from decimal import Decimal

from carti_lake.pipeline.gold.claims_aged import as_of, claims_aged
from carti_lake.tables.gold import ClaimsOpen, Reconciliation
from carti_lake.tables.gold.dimensions import UNDATED
from tests.worlds.rows import MARCH, held

TODAY = date(2026, 6, 30)
CELL = {"provider_id": "lee", "payer": "blue", "service_line": "breast"}
EXTRACTS = held(
    Reconciliation,
    {"feed": "ehr_visits", "extract_date": date(2026, 6, 1)},
    {"feed": "ehr_visits", "extract_date": TODAY},
    {"feed": "sg2_patient_flow", "extract_date": date(2026, 9, 9)},
)


def waiting(days, claims, charges, **cell):
    """Open claims submitted so many days ago."""
    submitted = UNDATED if days is None else TODAY - timedelta(days=days)
    return {
        **CELL,
        "month": MARCH,
        "submitted_date": submitted,
        "open_claims": claims,
        "open_charges": charges,
        **cell,
    }


def test_claims_are_known_up_to_the_newest_extract_of_visits():
    assert as_of(EXTRACTS).collect().rows() == [(TODAY,)]
    assert as_of(EXTRACTS.filter(feed="sg2_patient_flow")).collect().rows() == []


def test_each_bucket_begins_the_day_after_the_one_before_ends():
    ages = {-3: 1, 0: 2, 30: 4, 31: 8, 60: 16, 61: 32, 90: 64, 91: 128, 120: 256, 121: 512, 4000: 1024}
    rows = [waiting(days, 1, charges) for days, charges in ages.items()]
    assert claims_aged(held(ClaimsOpen, *rows, waiting(None, 5, 7000)), EXTRACTS).collect().to_dicts() == [
        {
            **CELL,
            "as_of": TODAY,
            "open_claims": 16,
            "open_charges": Decimal(2047 + 7000),
            "claims_0_30": 3,
            "claims_31_60": 2,
            "claims_61_90": 2,
            "claims_91_120": 2,
            "claims_over_120": 2,
            "charges_0_30": Decimal(1 + 2 + 4),
            "charges_31_60": Decimal(8 + 16),
            "charges_61_90": Decimal(32 + 64),
            "charges_91_120": Decimal(128 + 256),
            "charges_over_120": Decimal(512 + 1024),
            "dated_charges": Decimal(2047),
        }
    ]


def test_months_of_service_are_together_and_cells_apart():
    rows = [waiting(10, 1, 5), waiting(10, 1, 6, month=date(2026, 4, 1)), waiting(10, 1, 7, payer="unknown")]
    found = claims_aged(held(ClaimsOpen, *rows), EXTRACTS).collect()
    assert dict(found.select("payer", "charges_0_30").iter_rows()) == {"blue": 11, "unknown": 7}


def test_where_nothing_is_open_nothing_ages():
    assert claims_aged(held(ClaimsOpen), EXTRACTS).collect().is_empty()
