"""What the denial model sees: claims as they were submitted, and answers from the day that they were given."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carti_lake.models import denial
from carti_lake.models.model import Known
from carti_lake.models.risk import with_share_known
from carti_lake.tables.silver import EarlierAnswers, Visits
from tests.worlds.known import KNOWS_NOTHING, day, silver
from tests.worlds.rows import held

NOW = 120


def claim(number, status="denied", visited=0, submitted=0, answered=20, **values):
    return {
        "visit_id": f"V{number:03}",
        "claim_id": f"C{number:03}",
        "patient_key": 1,
        "rendering_provider_id": "lee",
        "payer": "plan",
        "service_line": "lung",
        "visit_date": day(visited),
        "claim_status": status,
        "claim_submitted_date": day(submitted),
        "claim_paid_date": None if answered is None else day(answered),
        "claim_amount": 100,
        **values,
    }


def earlier(number, status, answered):
    month = day(0).replace(day=1)
    return {
        "visit_month": month,
        "visit_id": f"V{number:03}",
        "claim_status": status,
        "claim_paid_date": day(answered),
    }


def known(place, *claims, answers=()):
    tables = {denial.VISITS: silver(Visits, *claims), denial.EARLIER: held(EarlierAnswers, *answers)}
    return Known(day(place), place, tables)


def examples(*releases):
    return {row["subject_id"]: row for row in denial.examples(list(releases)).iter_rows(named=True)}


#: Enough answers for a share to mean something.
TWELVE = [claim(number) for number in range(12)]


@pytest.mark.parametrize(("submitted", "share"), [(10, None), (20, None), (21, 1.0)])
def test_an_answer_counts_from_the_day_after_it_was_given(submitted, share):
    found = examples(known(NOW, *TWELVE, claim(50, "paid", submitted=submitted, answered=40)))
    assert (found["C050"]["provider_share"], found["C050"]["payer_share"]) == (share, share)


def test_a_denial_counts_from_its_own_day_when_it_is_overturned_later():
    overturned = [claim(number, "paid", answered=80) for number in range(12)]
    answers = [earlier(number, "denied", 20) for number in range(12)]
    found = examples(known(NOW, *overturned, claim(50, "paid", submitted=30, answered=40), answers=answers))
    assert found["C050"]["provider_share"] == 1.0
    assert (found["C000"]["target"], found["C000"]["decided"]) == (True, day(20))


def test_a_payment_that_is_corrected_later_counts_from_its_first_day():
    corrected = [claim(number, "reversed", answered=80) for number in range(12)]
    answers = [earlier(number, "paid", 20) for number in range(12)]
    found = examples(known(NOW, *corrected, claim(50, "paid", submitted=30, answered=40), answers=answers))
    assert found["C050"]["provider_share"] == 0.0
    assert found["C000"]["target"] is False


def test_what_a_later_release_corrects_was_not_known():
    first = known(60, *TWELVE, claim(50, "pending", submitted=55, answered=None, claim_amount=500))
    turned = [{**one, "claim_status": "paid"} for one in TWELVE]
    second = known(NOW, *turned, claim(50, "denied", submitted=55, answered=100, claim_amount=50, payer="other"))
    alone, later = examples(first), examples(first, second)
    assert "C050" not in alone
    seen = later["C050"]
    assert seen["payer"] == "plan"
    assert seen["amount"] == pytest.approx(6.217, abs=0.001)
    # Its instant lies before the first release, whose tables say what the provider's answers were.
    assert (seen["provider_share"], seen["target"]) == (1.0, True)


def test_claims_that_wait_are_scored_once_each():
    waiting = [claim(1, "pending", answered=None), claim(2, "pending", answered=None, claim_id="C001"), claim(3)]
    old = claim(4, "pending", visited=-800, submitted=-800, answered=None)
    (scores,) = denial.MODEL.score(known(NOW, *waiting, old), KNOWS_NOTHING, "v")
    assert scores.collect()["subject_id"].to_list() == ["C001"]


def test_claims_without_days_of_adjudication_are_in_the_order_of_their_submission():
    found = examples(known(NOW, claim(1, answered=None, submitted=9)))
    assert found["C001"]["decided"] == day(9)


answers = st.lists(
    st.tuples(st.integers(0, 24), st.sampled_from(["paid", "denied", "reversed"]), st.integers(60, 110)), max_size=25
)


@given(answers, st.integers(0, 5))
def test_what_comes_later_changes_no_features_of_a_history_that_was_loaded_at_once(turned, new):
    """Later answers take the place of earlier ones, and new claims come: what was asked before looks as it did."""
    first = [claim(number, ("paid", "denied", "pending")[number % 3], answered=20 + number) for number in range(25)]
    first = [one | ({"claim_paid_date": None} if one["claim_status"] == "pending" else {}) for one in first]
    asked = [claim(50 + number, "paid", submitted=30 + 4 * number, answered=58) for number in range(6)]
    before = examples(known(60, *first, *asked))
    now, kept = {number: one for number, one in enumerate(first)}, []
    for number, status, place in turned:
        old = now[number]
        if old["claim_status"] != "pending":
            kept.append({**earlier(number, old["claim_status"], 0), "claim_paid_date": old["claim_paid_date"]})
        now[number] = claim(number, status, answered=place)
    later = [claim(80 + number, "denied", visited=61, submitted=61, answered=100) for number in range(new)]
    after = examples(known(NOW, *now.values(), *asked, *later, answers=kept))
    names = [feature.name for feature in denial.FEATURES]
    for one in (f"C{50 + number:03}" for number in range(6)):
        assert {name: after[one][name] for name in names} == {name: before[one][name] for name in names}


def test_a_training_tells_how_many_of_its_examples_a_release_knew():
    from carti_lake.models.measures import rows
    from carti_lake.models.model import Trained

    made = Trained({}, 3, {}, rows({"model": {"auroc": 0.7}, "base rate": {"auroc": 0.5}}, "latest quarter", 9))
    releases = [known(60, *TWELVE), known(NOW, *TWELVE, *(claim(50 + at, submitted=at) for at in (55, 65, 70)))]
    found = denial.examples(releases).tail(3)
    told = with_share_known(made, found, releases)
    assert told.parameters == {"examples_known_then": 0.6667}
    assert told.evaluation["note"].to_list()[0].startswith("67% of its examples have features from a release")
    assert told.evaluation["note"].to_list()[1] is None
    assert with_share_known(made, found, releases[1:]).parameters == {"examples_known_then": 0.0}


@pytest.mark.parametrize(
    ("amount", "known_as"), [(99, pytest.approx(4.605, abs=0.001)), (0, 0.0), (-1, None), (-400, None)]
)
def test_the_amount_of_a_reversal_is_no_size(amount, known_as):
    found = examples(known(NOW, *TWELVE, claim(50, "paid", submitted=30, answered=40, claim_amount=amount)))
    assert found["C050"]["amount"] == known_as
