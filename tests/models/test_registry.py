"""Training, its record, what is current and what is due; whatever happens meanwhile, file and row belong together."""

import hashlib
import json
import shutil
from dataclasses import replace
from datetime import UTC, date, datetime

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from carti_lake.models import registry, store
from carti_lake.models.catalogue import UnknownModelError
from carti_lake.models.model import Retrain, Trained
from carti_lake.models.store import ModelFileError
from carti_lake.releases.release import ReleaseError, monthly
from carti_lake.releases.view import View
from carti_lake.store.errors import ConflictError, LakeError
from carti_lake.tables.silver import Visits
from tests.doubles.models import PAID, RATE, TOYS, VISITS, WON, known_of, only, small_lake
from tests.processes import together
from tests.worlds.lakes import Clock, lake_in, load, visit
from tests.worlds.releases import release
from tests.worlds.rows import held

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def untrained(tmp_path_factory):
    """A release of a small lake."""
    with only(*TOYS):
        return small_lake(tmp_path_factory.mktemp("registry") / "lake")


@pytest.fixture
def lake(untrained, tmp_path):
    """A copy of it."""
    with only(*TOYS):
        yield lake_in(shutil.copytree(untrained.uri, tmp_path / "lake"), Clock(untrained.clock.now))


def trainings(lake, model="paid"):
    return registry.versions(lake.storage).filter(model=model)


def later(lake, *rows, day="2026-03-10", **by):
    """Load the visits, turn the clock, run."""
    load(lake, "ehr_visits", rows, day)
    lake.clock.turn(**(by or {"days": 1}))
    result = lake.run(accept=["drift"])
    assert not result.failed, result.failed
    return result


def test_a_training_is_recorded_with_its_file(lake):
    lake.clock.turn(hours=1)
    (outcome,) = lake.train(["paid"], seed=7)
    assert (outcome.model, outcome.why, outcome.new) == ("paid", "never trained", True)
    (row,) = trainings(lake).to_dicts()
    content = (lake.storage.local / row["file"]).read_bytes()
    assert row["sha256"] == hashlib.sha256(content).hexdigest()
    assert row["version"] == outcome.version == row["sha256"][:12]
    assert row["trained_at"] == lake.clock.now
    assert (row["data_release"], row["data_as_of"], row["seed"]) == (1, date(2026, 3, 9), 7)
    assert (row["rows"], row["input_rows"]) == (8, 10)
    assert json.loads(row["parameters"]) == {"C": 1.0, "features": ["amount"]}
    assert {"python", "numpy", "polars", "scikit-learn", "skops", "zlib"} <= json.loads(row["libraries"]).keys()
    assert [error["estimator"] for error in json.loads(row["evaluation"])] == ["model", "base rate"]
    assert json.loads(row["curves"]).keys() == {"calibration", "drivers", "segments"}


def test_models_are_trained_where_they_are_due_or_named(lake):
    assert [(one.model, one.new) for one in lake.train()] == [(toy.name, True) for toy in TOYS]
    again = lake.train()
    assert [(one.why, one.new) for one in again] == [("not due", False)] * len(TOYS)
    (named,) = lake.train(["paid", "paid"])
    assert (named.why, named.new) == ("asked for", False)
    assert named.version == trainings(lake)["version"].item()


def test_a_name_that_no_model_has_is_refused_with_those_that_there_are(lake):
    with pytest.raises(UnknownModelError, match=r"There is no model 'payed'\. Models: won, paid, rate, last\."):
        lake.train(["paid", "payed"])
    assert trainings(lake).is_empty()


def test_without_a_release_there_is_nothing_to_train_on(tmp_path):
    with pytest.raises(ReleaseError, match="has no release yet"):
        lake_in(tmp_path / "lake").train()


def test_the_newest_training_is_current_even_of_a_version_that_was_there_before(lake):
    made = []
    for seed in (0, 1, 0):
        lake.clock.turn(hours=1)
        made += lake.train(["won"], seed=seed)
    assert [one.new for one in made] == [True, True, True]
    assert made[0].version == made[2].version != made[1].version
    assert registry.newest_of(lake.storage, WON)["version"] == made[0].version
    assert registry.artifact(lake.storage, WON, registry.newest_of(lake.storage, WON)) == {"win": 0.5}
    # Three trainings of two versions are two versions to the metrics; this model has no errors to tell.
    assert trainings(lake, "won").height == 3
    lake.train(["paid"])
    assert not lake.run().failed


def test_the_training_that_was_committed_last_is_current_whatever_the_clock_says(lake):
    """Several at one moment, as a coarse clock tells it, and one on a machine whose clock is behind."""
    for seed in range(6):
        (made,) = lake.train(["won"], seed=seed)
        assert made.new
        assert registry.newest_of(lake.storage, WON)["version"] == made.version
        (again,) = lake.train(["won"], seed=seed)
        assert (again.version, again.new) == (made.version, False)
    lake.clock.turn(hours=-5)
    (made,) = lake.train(["won"], seed=9)
    assert registry.newest_of(lake.storage, WON)["version"] == made.version
    assert registry.versions(lake.storage)["number"].to_list() == list(range(1, 8))


def test_trainings_from_before_they_were_numbered_are_older_than_any(lake):
    (old,) = lake.train(["won"], seed=1)
    rows = lake.storage.scan(registry.TABLE).drop("number").collect()
    shutil.rmtree(lake.storage.path(registry.TABLE))
    rows.write_delta(lake.storage.path(registry.TABLE))
    assert registry.newest_of(lake.storage, WON)["version"] == old.version
    lake.clock.turn(hours=-1)
    (made,) = lake.train(["won"])
    assert registry.newest_of(lake.storage, WON)["version"] == made.version != old.version


def test_a_release_that_leaves_a_model_as_it_was_makes_it_no_longer_due(lake):
    lake.train(["won"])
    later(lake, visit(20), day="2026-05-01")
    assert lake.models().filter(model="won")["due"].item() == "53 days of new data (due at 35)"
    # Opportunities are as they were, so the model is.
    (outcome,) = (one for one in lake.train() if one.model == "won")
    assert (outcome.why, outcome.new) == ("53 days of new data (due at 35)", False)
    assert trainings(lake, "won")["data_release"].to_list() == [1, 2]
    assert lake.models().filter(model="won")["due"].item() is None
    assert {one.why for one in lake.train() if one.model == "won"} == {"not due"}


TRAINED = {"data_as_of": date(2026, 3, 9), "input_rows": 1000, "served": True}


@pytest.mark.parametrize(
    ("as_of", "rows", "said"),
    [
        (date(2026, 3, 9), 1000, None),
        (date(2026, 4, 12), 1249, None),
        (date(2026, 4, 13), 1000, "35 days of new data (due at 35)"),
        (date(2026, 3, 10), 1250, "25% more rows (due at 25%)"),
        (date(2026, 3, 1), 10, None),
    ],
)
def test_a_model_is_due_by_days_of_new_data_or_by_growth(as_of, rows, said):
    assert registry.due(PAID, TRAINED, as_of, rows) == said


def test_a_model_that_was_never_trained_is_due_and_each_has_its_own_rule():
    assert registry.due(PAID, None, date(2026, 3, 9), 0) == "never trained"
    patient = replace(PAID, retrain=Retrain(days=400, growth=9.0))
    assert registry.due(patient, TRAINED, date(2027, 3, 9), 9999) is None


def test_too_little_data_is_told_of_one_model_and_the_others_are_trained(tmp_path):
    with only(PAID, RATE):
        lake = lake_in(tmp_path / "lake")
        load(lake, "ehr_visits", map(visit, (1, 2)))
        lake.run()
        told = lake.train()
        assert [(one.model, one.why, one.version) for one in told[:1]] == [
            ("paid", "not enough data: has 2 answered claims, needs 4", None)
        ]
        assert told[1].new
        assert registry.versions(lake.storage)["model"].to_list() == ["rate"]
        listed = lake.models().filter(model="paid").row(0, named=True)
        assert (listed["version"], listed["due"], listed["needs"]) == (None, "never trained", "4 answered claims")


@settings(max_examples=15)
@given(
    amounts=st.lists(st.integers(1, 500), min_size=8, max_size=30),
    seed=st.integers(0, 2**31 - 1),
    order=st.randoms(use_true_random=False),
)
def test_training_twice_gives_the_same_bytes_in_whatever_order_the_rows_come(amounts, seed, order):
    rows = [
        {"visit_id": f"V{place}", "claim_amount": amount, "claim_status": "denied" if amount % 2 and place else "paid"}
        for place, amount in enumerate([*amounts, 1])
    ]
    shuffled = order.sample(rows, len(rows))
    files = [store.dumps(PAID.train([known_of(held(Visits, *some))], seed).artifact) for some in (rows, shuffled)]
    assert files[0] == files[1]


def test_a_model_learns_from_the_last_release_of_each_month_and_the_present():
    at = [
        *((date(2026, 1, 5), 1), (date(2026, 1, 28), 2), (date(2026, 2, 20), 3), (date(2026, 2, 27), 4)),
        *((date(2026, 4, 2), 5), (date(2026, 4, 3), 6)),
    ]
    found = [
        replace(release(number, day), at=datetime(day.year, day.month, day.day, tzinfo=UTC), expired=number == 4)
        for day, number in at
    ]
    assert [one.number for one in monthly(found[-1], found)] == [2, 3, 5, 6]
    assert [one.number for one in monthly(found[2], found)] == [2, 3]
    # A run that only scored anew knew as much as the present.
    again = replace(found[-1], number=7, at=datetime(2026, 5, 1, tzinfo=UTC))
    assert [one.number for one in monthly(again, [*found, again])] == [2, 3, 5, 7]


def test_what_was_known_comes_from_the_releases_oldest_first(lake):
    later(lake, visit(20), day="2026-04-09", days=31)
    later(lake, visit(20, is_deleted="true"), visit(21), day="2026-05-09", days=30)
    lake.train(["paid"])
    assert registry.artifact(lake.storage, PAID, registry.newest_of(lake.storage, PAID))["seen"] == [
        "2026-03-09",
        "2026-04-09",
    ]
    told = [registry.known(lake.at(release=number), PAID) for number in (1, 2, 3)]
    assert [(one.as_of, one.release) for one in told] == [
        (date(2026, 3, 9), 1),
        (date(2026, 4, 9), 2),
        (date(2026, 5, 9), 3),
    ]
    # The withdrawn one is known to have been there, and is there no more.
    assert [one.tables[VISITS].collect().height for one in told] == [10, 11, 11]


def test_an_old_release_has_null_in_columns_and_no_rows_in_tables_that_came_later(lake, monkeypatch):
    view = lake.at()
    names = [name for name in view.tables() if name != "silver.opportunities"]
    scan = View.scan
    monkeypatch.setattr(View, "tables", lambda self: names)
    monkeypatch.setattr(View, "scan", lambda self, name: scan(self, name).drop("payer"))
    visits = registry.known(view, PAID).tables[VISITS].collect()
    assert visits["payer"].null_count() == visits.height == 10
    assert visits["claim_amount"].null_count() == 0
    assert "withdrawn" not in visits.columns
    assert registry.known(view, WON).tables["silver.opportunities"].collect().is_empty()


def test_a_training_that_is_killed_before_its_row_leaves_a_file_alone_and_is_made_again(lake, monkeypatch):
    def killed(*given, **how):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(registry, "append", killed)
        with pytest.raises(KeyboardInterrupt):
            lake.train(["paid"])
    (orphan,) = (lake.storage.local / "model_files/paid").iterdir()
    left = orphan.read_bytes()
    assert trainings(lake).is_empty()
    assert lake.run().release is not None  # The table is there, and is empty.
    (outcome,) = lake.train(["paid"])
    assert outcome.new
    assert trainings(lake)["file"].item().endswith(orphan.name)
    assert orphan.read_bytes() == left


def test_a_training_that_is_killed_before_its_file_leaves_nothing(lake, monkeypatch):
    def killed(*given):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(store, "write_file", killed)
        with pytest.raises(KeyboardInterrupt):
            lake.train(["paid"])
    assert trainings(lake).is_empty()
    assert not (lake.storage.local / "model_files").exists()


def trained(folder, name, seed):
    with only(*TOYS):
        (outcome,) = lake_in(folder).train([name], seed=seed)
    return outcome.version


def test_trainings_at_once_are_recorded_each_once(lake):
    made = together(*((trained, lake.uri, "won", seed) for seed in (1, 1, 2)))
    assert all(isinstance(one, str) for one in made), made
    # The second of one seed may come after that of another, and is then the newest again.
    assert set(trainings(lake, "won")["version"]) == set(made)
    assert len(set(made)) == 2 and trainings(lake, "won").height <= 3
    assert not [check for check in lake.verify("models") if check.problem]


def test_whoever_loses_the_race_looks_again_before_it_writes(lake, monkeypatch):
    append, lost = registry.append, []

    def overtaken(storage, handle, rows, **how):
        if not lost:
            # Another process of the same seed ends first.
            lost.append(1)
            lake.train(["paid"])
        return append(storage, handle, rows, **how)

    monkeypatch.setattr(registry, "append", overtaken)
    lake.train(["paid"])
    assert lost == [1]
    assert trainings(lake).height == 1


def test_who_always_loses_says_so(lake, monkeypatch):
    def overtaken(*given, **how):
        raise ConflictError("another process wrote to the table first")

    monkeypatch.setattr(registry, "append", overtaken)
    with pytest.raises(ConflictError):
        lake.train(["paid"])


def test_training_waits_for_no_run(lake):
    from carti_lake.store.locks import lake_lock

    with lake_lock(lake.storage, "run"):
        assert lake.train(["paid"])[0].new


def test_models_are_listed_with_their_headline_error(lake):
    assert lake.models()["due"].to_list() == ["never trained"] * len(TOYS)
    lake.train(["paid", "won"])
    rows = {row["model"]: row for row in lake.models().iter_rows(named=True)}
    assert list(rows) == [toy.name for toy in TOYS]
    paid = rows["paid"]
    assert (paid["data_release"], paid["rows"], paid["metric"], paid["due"]) == (1, 8, "brier", None)
    assert 0 < paid["value"] < 0.25
    assert (rows["won"]["metric"], rows["won"]["due"]) == (None, None)
    assert (rows["rate"]["version"], rows["rate"]["due"]) == (None, "never trained")


def test_a_model_is_judged_on_what_came_since_it_was_trained(lake):
    lake.train(["paid"])
    model = replace(PAID, evaluate=lambda now, artifact, since: PAID.evaluate(now, artifact, date(2026, 2, 10)))
    assert set(registry.evaluation(lake.at(), model)["on"]) == {"training"}
    wrong = [visit(number, claim_status="Denied", claim_paid="0", visit_date="2026-03-08") for number in (30, 31)]
    later(lake, *wrong)
    found = registry.evaluation(lake.at(), model)
    errors = {(row["on"], row["estimator"]): (row["value"], row["n"]) for row in found.iter_rows(named=True)}
    assert errors["training", "model"][1] == 8
    assert errors["since training", "model"][1] == 2
    # Claims so small were all paid.
    assert errors["since training", "model"][0] > 0.5 > errors["training", "model"][0]


def test_what_was_never_trained_cannot_be_judged(lake):
    with pytest.raises(LakeError, match=r"paid was never trained\. `carti-lake model train paid`; it needs 4 answered"):
        registry.evaluation(lake.at(), PAID)


def test_errors_that_are_no_numbers_are_stored_as_null(lake):
    def train(known, seed):
        made = PAID.train(known, seed)
        strange = made.evaluation.with_columns(value=pl.Series([np.nan, np.inf]))
        return Trained(
            made.artifact, 8, {}, strange, {"drivers": pl.DataFrame({"feature": ["a"], "importance": [-np.inf]})}
        )

    with only(replace(PAID, train=train)):
        lake.train()
        row = registry.newest_of(lake.storage, PAID)
        assert [error["value"] for error in json.loads(row["evaluation"])] == [None, None]
        assert json.loads(row["curves"])["drivers"] == [{"feature": "a", "importance": None}]
        assert not lake.run().failed
        told = lake.scan("model_metrics").filter(model="paid").collect()
        assert told["value"].null_count() == told.height == 2


def test_an_evaluation_that_says_a_thing_twice_is_refused_before_anything_is_stored(lake):
    def train(known, seed):
        made = PAID.train(known, seed)
        return replace(made, evaluation=pl.concat([made.evaluation, made.evaluation]))

    with only(replace(PAID, train=train)), pytest.raises(ValueError, match="twice"):
        lake.train()
    assert trainings(lake).is_empty()
    assert not (lake.storage.local / "model_files").exists()


def tamper(lake):
    path = lake.storage.local / registry.newest_of(lake.storage, PAID)["file"]
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    return path


def test_a_run_does_not_score_with_a_file_that_was_tampered_with_and_training_mends_it(lake):
    lake.train(["paid"])
    scored = lake.run()
    path = tamper(lake)
    load(lake, "ehr_visits", [visit(12, claim_status="Pending", claim_paid=None)], "2026-03-10")
    with pytest.raises(ModelFileError, match=r"model_files/paid/\w+\.skops is not the file that was stored"):
        lake.run()
    assert lake.at().release.number == scored.release
    with pytest.raises(ModelFileError):
        registry.evaluation(lake.at(), PAID)
    # The same release gives the same file again.
    (mended,) = lake.train(["paid"])
    assert not mended.new
    assert hashlib.sha256(path.read_bytes()).hexdigest()[:12] == mended.version
    assert not lake.run().failed


def test_verify_reads_the_current_models_files(lake):
    lake.train(["paid", "won"])
    assert not [check for check in lake.verify() if check.problem]
    path = tamper(lake)
    (found,) = (check for check in lake.verify() if check.problem)
    assert found.table == "models"
    assert found.problem.startswith(f"model_files/paid/{path.name} is not the file that was stored")
    path.unlink()
    (found,) = (check for check in lake.verify("models") if check.problem)
    assert "is gone from" in found.problem


def test_vacuum_and_optimise_leave_models_as_they_are(lake, monkeypatch):
    from carti_lake.upkeep import vacuum

    monkeypatch.setattr(vacuum, "KEPT_HOURS", 0)
    for seed in (0, 1):
        lake.train(["paid", "won"], seed=seed)
    before = registry.versions(lake.storage)
    assert any(done.table == "models" and done.files_after < done.files_before for done in lake.optimize())
    lake.vacuum(keep_days=0)
    assert registry.versions(lake.storage).equals(before)
    assert not [check for check in lake.verify() if check.problem]


def test_models_whose_table_is_lost_are_trained_anew(lake):
    lake.train(["paid"])
    lake.run()
    shutil.rmtree(lake.storage.local / "models")
    assert lake.at().release.number == 2
    assert not lake.run().failed
    assert lake.models().filter(model="paid")["due"].item() == "never trained"
    assert lake.train(["paid"])[0].new


@pytest.mark.server
def test_a_lake_in_a_bucket_trains_and_scores(s3, s3_uri):
    with only(PAID):
        lake = lake_in(f"{s3_uri}/lake", options=s3)
        answers = [visit(number, claim_amount=f"{number}00") for number in (1, 2, 3)]
        denied = visit(9, claim_amount="900", claim_status="Denied", claim_paid="0")
        load(lake, "ehr_visits", [*answers, denied, visit(10, claim_status="Pending", claim_paid=None)])
        lake.run()
        (outcome,) = lake.train()
        assert outcome.new
        assert (lake.train(["paid"])[0].new, trainings(lake).height) == (False, 1)
        lake.run()
        scored = lake.scan("risk_scores").collect()
        assert scored["model_version"].to_list() == [outcome.version]
        assert scored["probability"].null_count() == 0
        assert not [check for check in lake.verify() if check.problem]
