"""What lines come to: against a reference that plays each claim's remittances through, one after the other."""

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from carti_lake.pipeline.silver.claim_lines import claims_of_lines, line_key, services, with_lines
from carti_lake.tables.silver import ClaimLines, ClaimsOfLines, Visits
from tests.worlds.rows import MARCH, held

FIRST = date(2026, 4, 1)
VISITS = held(Visits, {"visit_id": "V1", "claim_id": "C1"}, {"visit_id": "V2"}, visit_month=MARCH)


def row(**values):
    return {
        "claim_id": "C1",
        "line_number": "1",
        "remittance_id": "R1",
        "remittance_date": FIRST,
        "claim_status": "processed_primary",
        **values,
    }


def come_to(*rows, visits=VISITS):
    numbered = ({"row_number": place, **one} for place, one in enumerate(rows))
    lineage = {"batch_id": "b", "extract_date": FIRST, "delivered_at": FIRST, "row_hash": 1, "withdrawn": False}
    return claims_of_lines(held(ClaimLines, *numbered, **lineage), visits).collect()


@dataclass(frozen=True)
class Answer:
    """A payer's answer to a line, in cents: billed = paid + contract + owed."""

    paid: int
    contract: int
    owed: int

    @property
    def billed(self) -> int:
        return self.paid + self.contract + self.owed

    def rows(self, claim: str, line: str, remittance: int, *, back: bool) -> list[dict]:
        """A row per adjustment, each with the line's amounts; taken back with the sign turned."""
        sign = -1 if back else 1
        place = row(
            claim_id=claim,
            line_number=line,
            remittance_id=f"R{remittance}",
            remittance_date=FIRST + timedelta(days=remittance),
            claim_status="reversed" if back else "processed_primary",
            billed_amount=Decimal(sign * self.billed) / 100,
            paid_amount=Decimal(sign * self.paid) / 100,
        )
        groups = {"co": ("45", self.contract), "pr": ("1", self.owed)}
        return [
            {
                **place,
                "adjustment_group": group,
                "adjustment_reason": why,
                "adjustment_amount": Decimal(sign * cents) / 100,
            }
            for group, (why, cents) in groups.items()
        ]


cents = st.integers(0, 1_000_000)
#: Of each claim and line, its answers; a later one takes back the one before it.
histories = st.dictionaries(
    st.tuples(st.sampled_from(["C1", "V2"]), st.sampled_from(["1", "02", "3"])),
    st.tuples(st.lists(st.builds(Answer, cents, cents, cents), min_size=1, max_size=3), st.booleans()),
    min_size=1,
)


@settings(max_examples=100)
@given(histories, st.randoms(use_true_random=False))
def test_claims_come_to_what_stands_after_every_reversal_to_the_cent(history, shuffle):
    rows, standing = [], {}
    for (claim, line), (answers, taken_back) in history.items():
        for place, answer in enumerate(answers):
            rows += answers[place - 1].rows(claim, line, place, back=True) if place else []
            rows += answer.rows(claim, line, place, back=False)
        rows += answers[-1].rows(claim, line, len(answers), back=True) if taken_back else []
        stands = Answer(0, 0, 0) if taken_back else answers[-1]
        standing.setdefault({"C1": "V1", "V2": "V2"}[claim], []).append(stands)
    shuffle.shuffle(rows)

    found = come_to(*rows).rows_by_key("visit_id", named=True, unique=True)

    assert found.keys() == standing.keys()
    for visit, answers in standing.items():
        told, sums = found[visit], {name: sum(getattr(one, name) for one in answers) for name in ("billed", "paid")}
        assert told["claim_amount"] * 100 == sums["billed"]
        assert told["claim_paid"] * 100 == sums["paid"]
        assert told["contractual_adjustment"] * 100 == sum(one.contract for one in answers)
        # Charges less adjustments are the payment.
        assert told["claim_amount"] - told["adjusted_amount"] == told["claim_paid"]
        if sums["paid"]:
            assert told["claim_status"] == "paid"


def test_lines_of_no_visit_and_of_withdrawn_ones_count_nowhere():
    gone = held(Visits, {"visit_id": "V1", "claim_id": "C1", "withdrawn": True}, visit_month=MARCH)
    assert come_to(row(claim_id="C9", paid_amount=80)).is_empty()
    assert come_to(row(paid_amount=80), visits=gone).is_empty()
    assert come_to(row(paid_amount=80, withdrawn=True)).is_empty()


BILLED = {"billed_amount": Decimal(100), "paid_amount": Decimal(80), "allowed_amount": Decimal(90)}
ANSWER = row(**BILLED, payer="aetna", adjustment_group="co", adjustment_reason="45", adjustment_amount=Decimal(20))
BACK = {**ANSWER, "remittance_id": "R2", "claim_status": "reversed"}


@pytest.mark.parametrize(
    "signs",
    [
        {"billed_amount": -100, "paid_amount": -80, "allowed_amount": -90, "adjustment_amount": -20},
        {},
        {"paid_amount": -80},
        {"billed_amount": -100, "allowed_amount": -90, "adjustment_amount": -20},
        {"billed_amount": -100, "paid_amount": -80},
        {"adjustment_amount": -20},
    ],
)
@pytest.mark.parametrize("payer", ["aetna", None, "aetna_inc"])
def test_a_reversal_takes_back_whichever_of_its_amounts_have_their_sign_and_whoever_it_names(signs, payer):
    back = {**BACK, **{name: Decimal(amount) for name, amount in signs.items()}, "payer": payer}
    claim = come_to(back, ANSWER).row(0, named=True)
    assert claim["claim_status"] == "reversed"
    assert {claim[name] for name in ("claim_amount", "claim_paid", "adjusted_amount", "allowed_amount")} == {0}


def test_a_reversal_of_more_paid_than_billed_keeps_its_adjustments():
    more = {"paid_amount": Decimal(120), "adjustment_amount": Decimal(-20)}
    turned = {"billed_amount": Decimal(-100), "paid_amount": Decimal(-120), "adjustment_amount": Decimal(20)}
    assert come_to({**ANSWER, **more}, {**BACK, **turned}).row(0, named=True)["adjusted_amount"] == 0


@pytest.mark.parametrize("payer", ["medicaid", None])
@pytest.mark.parametrize(
    ("taken_back", "stands"),
    [
        ([80], (100, 5, "paid")),
        ([5], (100, 80, "paid")),
        ([80, 5], (0, 0, "reversed")),
        # An answer that nobody gave: its payment counts, and nobody's charges go.
        ([40], (100, 45, "paid")),
    ],
)
def test_a_reversal_without_a_payer_takes_back_the_answer_with_its_amounts(payer, taken_back, stands):
    """Of the primary payer, of the secondary one that the claim's status alone may tell of, or of nobody."""
    first = {**ANSWER, "payer": payer and "aetna"}
    second = {**first, "payer": payer, "remittance_id": "R2", "claim_status": "processed_secondary"}
    backs = [
        {**BACK, "payer": None, "remittance_id": f"R{paid}", "billed_amount": Decimal(-100), "paid_amount": -paid}
        for paid in taken_back
    ]
    claim = come_to(first, {**second, "paid_amount": Decimal(5)}, *backs).row(0, named=True)
    assert (claim["claim_amount"], claim["claim_paid"], claim["claim_status"]) == stands


def test_reversals_of_answers_of_the_same_amounts_take_back_one_each():
    second = {**ANSWER, "payer": "medicaid", "remittance_id": "R2", "claim_status": "processed_secondary"}
    backs = [{**BACK, "payer": None, "remittance_id": remittance} for remittance in ("R3", "R4")]
    assert come_to(ANSWER, second, *backs).row(0, named=True)["claim_status"] == "reversed"


def test_a_claim_as_a_whole_that_repeats_its_lines_counts_with_what_it_says_beyond_them():
    def line(number, billed, paid, group=None, amount=None):
        return row(
            line_number=number,
            billed_amount=Decimal(billed),
            paid_amount=Decimal(paid),
            adjustment_group=group,
            adjustment_reason=group and "23",
            adjustment_amount=amount and Decimal(amount),
        )

    lines = [line("1", 60, 50, "co", 10), line("2", 40, 40)]
    claim = come_to(line("0", 100, 83, "oa", 7), *lines).row(0, named=True)
    assert (claim["claim_amount"], claim["claim_paid"], claim["adjusted_amount"]) == (100, 83, 17)
    assert (claim["claim_status"], claim["denial_reason"]) == ("paid", None)
    # Of its own where it has other charges.
    assert come_to(line("0", 30, 30), *lines).row(0, named=True)["claim_amount"] == 130


def test_a_line_that_names_a_visit_nobody_delivered_is_found_by_its_claim():
    lost = {**ANSWER, "visit_id": "V99"}
    assert come_to(lost).select("visit_id", "claim_paid").row(0) == ("V1", 80)
    named = {**ANSWER, "visit_id": "V2", "line_number": "2"}
    assert come_to(lost, named).select("visit_id", "claim_paid").row(0) == ("V2", 160)


def test_of_visits_with_one_claim_number_the_first_has_the_lines():
    several = held(Visits, *({"visit_id": one, "claim_id": "C1"} for one in ("V3", "V1")), visit_month=MARCH)
    assert come_to(row(paid_amount=80), visits=several)["visit_id"].to_list() == ["V1"]


def test_lines_say_status_and_dollars_and_the_visit_says_the_rest():
    visits = held(
        Visits,
        {"visit_id": "V1", "claim_id": "C1", "claim_status": "pending", "claim_amount": 100, "payer": "blue"},
        {"visit_id": "V2", "claim_status": "paid", "claim_amount": 50, "claim_paid": 40},
        visit_month=MARCH,
    )
    lines = come_to(row(billed_amount=120, paid_amount=80), visits=visits).lazy()
    joined = with_lines(visits, lines).sort("visit_id")
    assert joined.collect_schema().names() == Visits.column_names()
    told = joined.select("claim_status", "claim_amount", "claim_paid", "payer").collect()
    assert told.rows() == [("paid", 120, 80, "blue"), ("paid", 50, 40, None)]


def test_visits_without_lines_are_the_very_same_plan():
    assert with_lines(VISITS, held(ClaimsOfLines)) is VISITS


@pytest.mark.parametrize(
    ("values", "key"),
    [
        ({}, "C1/1/R1/answer"),
        ({"line_number": " 01"}, "C1/1/R1/answer"),
        ({"line_number": "0", "claim_status": "reversed"}, "C1/0/R1/reversal"),
        ({"remittance_id": None, "adjustment_group": "co", "adjustment_reason": "45"}, "C1/1/2026-04-01/answer/co/45"),
        ({"claim_id": None}, None),
        ({"line_number": None}, None),
    ],
)
def test_the_key_of_a_line(values, key):
    assert held(ClaimLines, row(**values)).select(line_key()).collect().item() == key


def test_a_denial_of_a_second_payer_is_no_first_denial():
    second = {"claim_status": "processed_secondary", "adjustment_group": "oa", "adjustment_reason": "23"}
    lines = held(ClaimLines, row(paid_amount=80), row(remittance_id="R2", paid_amount=0, **second), withdrawn=False)
    assert not services(lines).select(pl.col("denied").any()).collect().item()
