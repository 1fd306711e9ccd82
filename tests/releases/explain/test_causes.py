"""Given what silver held and what it holds, what each cause adds to payments and charges."""

from datetime import date
from decimal import Decimal

import polars as pl
import pytest

from carti_lake.metrics import METRICS, Metric, Sum
from carti_lake.pipeline.gold.provider_monthly import provider_monthly
from carti_lake.releases.explain import Cause, ExplainError, Explanation
from carti_lake.releases.explain.explanation import split
from carti_lake.releases.explain.split import Evidence
from carti_lake.releases.explain.steps import changed_rows, row_changes, tagged_steps
from carti_lake.tables.gold import ProviderMonthly
from carti_lake.tables.silver import Appointments, ClaimsOfLines, Encounters, Referrals, Visits
from tests.worlds.releases import release
from tests.worlds.rows import MARCH, held

#: Payments on paid claims / charges.
GROSS = METRICS["gross_collection_rate"]
DATA_AS_OF = date(2026, 3, 31)
LEE, CHAN = "lee", "chan"


def visit(visit_id="V1", batch="first", **values):
    """A visit of 5 March with Lee, as silver holds it: 100 billed, 80 paid."""
    return {
        "visit_id": visit_id,
        "patient_key": 7,
        "rendering_provider_id": LEE,
        "visit_date": date(2026, 3, 5),
        "visit_month": MARCH,
        "claim_status": "paid",
        "claim_amount": 100,
        "claim_paid": 80,
        "batch_id": batch,
        "row_number": 1,
        **values,
    }


def monthly(visits):
    others = (held(entity) for entity in (Encounters, Referrals, Appointments, ClaimsOfLines))
    return provider_monthly(visits, *others)


def explain(before, after, metric: Metric = GROSS, provider: str | None = None, known=("first",)) -> Explanation:
    """The change from those visits to these; the earlier release had taken in the known batches."""
    was, became = held(Visits, *before), held(Visits, *after)
    batches = pl.LazyFrame({"batch_id": known}, schema={"batch_id": pl.String})
    none = batches.clear().select(visit_id="batch_id", reversed=pl.lit(False))
    changed = changed_rows(was, became, Visits, batches, DATA_AS_OF, also=none).with_row_index("row").collect().lazy()
    steps = pl.concat(monthly(state) for state in tagged_steps(changed, Visits, ["rendering_provider_id"]))
    frames = [monthly(was), monthly(became), steps, row_changes(changed, Visits)]
    evidence = Evidence(ProviderMonthly, *(frame.collect() for frame in frames), recomputed=None)
    releases = release(1, DATA_AS_OF), release(2, date(2026, 4, 30))
    return split(evidence, metric, *releases, provider and (provider, provider))


def parts(found: Explanation) -> dict[str, tuple]:
    """Rows, numerator and denominator of the causes that did something."""
    return {part.cause: (part.rows, part.numerator, part.denominator) for part in found.parts if part.rows}


def test_a_visit_after_the_earlier_data_is_new():
    april = visit("V2", "second", visit_date=date(2026, 4, 1), claim_paid=50)
    assert parts(explain([visit()], [visit(), april])) == {"new_rows": (1, 50, 100)}


def test_a_visit_that_the_earlier_data_should_have_held_is_late():
    late = visit("V2", "second", visit_date=date(2026, 3, 31), claim_paid=50)
    assert parts(explain([visit()], [visit(), late])) == {"late_rows": (1, 50, 100)}


def test_an_amount_that_is_delivered_anew_is_a_correction():
    found = explain([visit()], [visit(batch="second", claim_amount=250, claim_paid=90)])
    assert parts(found) == {"corrected_values": (1, 10, 150)}
    assert found.rows()["changes"].to_list() == [["claim_amount: 100.0000 → 250.0000", "claim_paid: 80.0000 → 90.0000"]]


def test_what_becomes_known_with_a_status_is_part_of_its_change():
    pending = visit(claim_status="pending", claim_paid=None)
    found = explain([pending], [visit(batch="second", claim_paid_date=date(2026, 4, 2))])
    assert parts(found) == {"status_changes": (1, 80, 0)}
    assert sorted(found.rows()["changes"].item()) == [
        "claim_paid: — → 80.0000",
        "claim_paid_date: — → 2026-04-02",
        "claim_status: pending → paid",
    ]


def test_a_status_alone_moves_the_claims_that_it_counts():
    found = explain([visit()], [visit(batch="second", claim_status="denied")], METRICS["remittance_denial_rate"])
    assert parts(found) == {"status_changes": (1, 1, 0)}
    assert found.values == (0.0, 1.0)


def test_a_visit_that_counts_for_another_provider_moves_between_the_two_and_not_in_the_network():
    before, after = [visit()], [visit(batch="second", rendering_provider_id=CHAN)]
    assert parts(explain(before, after, provider=LEE)) == {"reattribution": (1, -80, -100)}
    assert parts(explain(before, after, provider=CHAN)) == {"reattribution": (1, 80, 100)}
    network = explain(before, after)
    assert parts(network) == {"reattribution": (1, 0, 0)}
    assert network.rows().select("provider_id", "numerator").rows() == [(CHAN, 80), (LEE, -80)]


def test_a_row_that_the_directory_alone_moved_is_attributed_anew():
    moved = visit(rendering_provider_id=CHAN)
    assert parts(explain([visit()], [moved], provider=CHAN)) == {"reattribution": (1, 80, 100)}


def test_a_withdrawn_visit_takes_back_what_it_added():
    found = explain([visit(), visit("V2")], [visit(), visit("V2", "second", withdrawn=True, claim_paid=999)])
    assert parts(found) == {"withdrawn_rows": (1, -80, -100)}
    assert "claim_paid: 80.0000 → —" in found.rows()["changes"].item()


def test_a_withdrawal_that_is_undone_is_a_late_row():
    found = explain([visit(withdrawn=True)], [visit(batch="second")])
    assert parts(found) == {"late_rows": (1, 80, 100)}
    assert parts(explain([visit(withdrawn=True)], [visit()])) == {"late_rows": (1, 80, 100)}


def test_a_tombstone_alone_explains_nothing():
    assert parts(explain([], [visit(batch="second", withdrawn=True)])) == {}
    assert parts(explain([visit(withdrawn=True)], [visit(batch="second", withdrawn=True)])) == {}


def test_what_no_delivery_explains_the_lake_did():
    # The same delivered row, cleansed otherwise.
    assert parts(explain([visit()], [visit(claim_amount=1)])) == {"definition_change": (1, 0, -99)}
    assert parts(explain([visit()], [visit(claim_status="denied")])) == {"definition_change": (1, -80, 0)}
    # A delivery of old, whose row a mended rule lets in; a row that a new rule refuses.
    assert parts(explain([], [visit()])) == {"definition_change": (1, 80, 100)}
    assert parts(explain([visit()], [])) == {"definition_change": (1, -80, -100)}


def test_a_reversal_is_a_cause_of_its_own_with_all_that_it_takes_back():
    reversal = visit(batch="second", claim_status="reversed", claim_paid=0, claim_amount=0)
    assert parts(explain([visit()], [reversal])) == {"reversals": (1, -80, -100)}
    # What is corrected of a reversed claim is a correction; a withdrawn reversal is a withdrawal.
    corrected = visit(batch="third", claim_status="reversed", claim_paid=0, claim_amount=250)
    assert parts(explain([reversal], [corrected])) == {"corrected_values": (1, 0, 250)}
    assert parts(explain([corrected], [visit(batch="last", withdrawn=True)])) == {"withdrawn_rows": (1, 0, -250)}


def test_a_row_that_moved_in_every_way_is_split_in_a_fixed_order():
    """Lee's 100/80 goes to Chan, is then denied with nothing paid, and then corrected to 250 billed."""
    after = visit(batch="second", rendering_provider_id=CHAN, claim_status="denied", claim_paid=0, claim_amount=250)
    assert parts(explain([visit()], [after], provider=LEE)) == {"reattribution": (1, -80, -100)}
    assert parts(explain([visit()], [after], provider=CHAN)) == {
        "reattribution": (1, 80, 100),
        "status_changes": (1, -80, 0),
        "corrected_values": (1, 0, 150),
    }
    assert parts(explain([visit()], [after])) == {
        "reattribution": (1, 0, 0),
        "status_changes": (1, -80, 0),
        "corrected_values": (1, 0, 150),
    }


def test_a_corrected_day_moves_a_row_between_months_and_changes_no_sum():
    april = visit(batch="second", visit_date=date(2026, 4, 2), visit_month=date(2026, 4, 1))
    assert parts(explain([visit()], [april])) == {}


def test_a_row_delivered_again_as_it_was_explains_nothing():
    assert parts(explain([visit()], [visit(batch="second", row_number=9)])) == {}


def test_a_value_that_the_metric_does_not_read_explains_nothing():
    assert parts(explain([visit()], [visit(batch="second", payer="blue", patient_age=61)])) == {}


def test_the_rate_is_split_by_the_mean_of_both_orders():
    """From 80/100 to 130/250: a late row adds 50/100, a correction 0/50.

    The ratio goes from 0.80 to 0.52. By ((D0 + D1) n - (N0 + N1) d) / (2 D0 D1), D0 + D1 = 350, N0 + N1 = 210 and
    2 D0 D1 = 50,000: late (350*50 - 210*100) / 50,000 = -0.07, corrected (0 - 210*50) / 50,000 = -0.21.
    """
    late = visit("V2", "second", claim_paid=50)
    found = explain([visit()], [visit(batch="second", claim_amount=150), late])
    shares = {part.cause: part.value for part in found.parts if part.rows}
    assert shares == pytest.approx({"late_rows": -0.07, "corrected_values": -0.21})
    assert found.values == (0.8, 0.52)


def test_without_a_denominator_there_is_no_rate_to_split():
    found = explain([], [visit(batch="second")])
    assert found.values == (None, 0.8)
    assert {part.value for part in found.parts} == {None}


def test_cents_add_up():
    cents = [visit(f"V{number}", "second", claim_paid=Decimal("0.01")) for number in range(7)]
    assert parts(explain([visit()], [visit(), *cents])) == {"late_rows": (7, Decimal("0.07"), 700)}


def test_no_row_describes_a_patient():
    of_patient = {"patient_key": 8, "patient_age": 61, "patient_zip3": "721"}
    after = [visit(batch="second", claim_paid=1, **of_patient), visit("V2", "second", **of_patient)]
    rows = explain([visit()], after).rows()
    assert rows.height == 2
    assert "patient" not in str(rows.to_dicts())


def test_what_does_not_add_is_refused_instead_of_left_over():
    """Two visits of one patient in one cell are one patient: rows would explain one too many."""
    patients = Metric("patients", "Patients", ProviderMonthly, Sum.of("visit_patients"), None, "these tests")
    with pytest.raises(ExplainError, match="rows explain 1 / 0 of a change of 0 / 0"):
        explain([visit()], [visit(), visit("V2", "second")], patients)


def test_every_cause_is_listed():
    assert [part.cause for part in explain([visit()], [visit()]).parts] == list(Cause)
