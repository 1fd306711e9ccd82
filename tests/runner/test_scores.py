"""Scores are made where an input, the model or its code changed; each model keeps to its own rows."""

import shutil
from dataclasses import replace
from datetime import date

import polars as pl
import pytest

from carti_lake.models.catalogue import MODELS
from carti_lake.pipeline.marts import MARTS
from carti_lake.runner import scores
from carti_lake.runner.scores import in_order
from carti_lake.store.log import commits
from tests.doubles.models import LAST, PAID, RATE, TOYS, WON, only, small_lake
from tests.equality import assert_same, state
from tests.worlds.lakes import Clock, lake_in, load, opportunity, visit

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A release without trained models, and one that is scored with all of them."""
    with only(*TOYS):
        lake = small_lake(tmp_path_factory.mktemp("scores") / "lake")
        lake.train()
        assert lake.run().release == 2
        return lake


@pytest.fixture
def lake(whole, tmp_path):
    """A copy of it."""
    with only(*TOYS):
        yield lake_in(shutil.copytree(whole.uri, tmp_path / "lake"), Clock(whole.clock.now))


def deliver(lake, feed, *rows, day="2026-03-10", **how):
    load(lake, feed, rows, day)
    result = lake.run(accept=["drift"], **how)
    assert not result.failed, result.failed
    return result


def risks(view, model="paid"):
    rows = view.scan("risk_scores").filter(model=model).sort("subject_id").collect()
    return {row["subject_id"]: row for row in rows.iter_rows(named=True)}


def trainings(lake, number):
    return lake.storage.scan("models", lake.at(release=number).release.versions["models"]).collect().height


def predicted(view):
    rows = view.scan("provider_summary").select("provider_id", "predicted_opportunity_value").collect()
    return dict(rows.iter_rows())


@pytest.fixture
def scored(monkeypatch):
    """Names of the models that were asked for scores."""
    asked = []

    def watched(storage, model, row):
        asked.append(model.name)
        return artifact(storage, model, row)

    artifact = scores.artifact
    monkeypatch.setattr(scores, "artifact", watched)
    return asked


def test_a_model_stands_before_the_first_mart_that_reads_what_it_fills():
    reading = replace(MARTS[1], inputs=("gold.opportunity_scores",))
    steps = list(in_order((MARTS[0], reading, MARTS[2]), (PAID, WON, LAST)))
    assert sorted(map(id, steps)) == sorted(map(id, (MARTS[0], reading, MARTS[2], PAID, WON, LAST)))
    assert steps.index(WON) < steps.index(reading)


def test_while_nothing_is_trained_nothing_is_read_or_stored(lake, tmp_path, monkeypatch):
    view = lake.at(release=1)
    for name in ("risk_scores", "opportunity_scores", "forecasts"):
        assert view.scan(name).collect().is_empty()
    assert predicted(view)["name:bo chan"] is None
    untrained = small_lake(tmp_path / "untrained")
    written = {name: untrained.storage.open(f"gold.{name}").version() for name in ("risk_scores", "opportunity_scores")}
    monkeypatch.setattr(scores, "readable", lambda *given: pytest.fail("a model that is not trained read its inputs"))
    deliver(untrained, "ehr_visits", visit(12, claim_status="Pending"))
    untrained.run(full=True)
    assert written == {name: untrained.storage.open(f"gold.{name}").version() for name in written}
    assert view.scan("model_metrics").filter(pl.col("version") != "").collect().is_empty()


def test_a_run_after_the_training_scores_with_the_current_version(lake):
    version = lake.models().filter(model="paid")["version"].item()
    found = risks(lake)
    assert {row["model_version"] for row in found.values()} == {version}
    # The larger the less likely: of the answered ones the larger were denied.
    assert found["V11"]["probability"] < found["V10"]["probability"] < 0.5
    assert predicted(lake)["name:bo chan"] == 750.25
    assert lake.scan("model_metrics").filter(model="paid").collect()["version"].unique().to_list() == [version]


def test_a_release_knows_the_models_it_was_scored_with(lake):
    assert "models" not in lake.at(release=1).release.versions
    assert trainings(lake, 2) == len(TOYS)
    lake.clock.turn(hours=1)
    lake.train(["won"], seed=10)
    assert lake.run().release == 3
    assert [predicted(lake.at(release=number))["name:bo chan"] for number in (1, 2, 3)] == [None, 750.25, 900.3]
    assert trainings(lake, 3) == len(TOYS) + 1


def test_nothing_is_scored_where_nothing_changed(lake, scored):
    result = lake.run()
    assert (result.release, result.changed, scored) == (None, (), [])


def test_only_models_whose_inputs_changed_score(lake, scored):
    result = deliver(lake, "salesforce_opportunities", opportunity(3, amount="80"), day="2026-03-09")
    # The delivery has no newer day, but every one may move the day that all is scored as of.
    assert set(scored) == {"won", "paid", "rate", "last"}
    assert "gold.opportunity_scores" in result.changed
    assert "gold.risk_scores" not in result.changed


def test_only_the_model_with_a_new_version_scores(lake, scored):
    lake.clock.turn(hours=1)
    lake.train(["won"], seed=3)
    result = lake.run()
    assert scored == ["won"]
    assert {"gold.opportunity_scores", "gold.provider_summary"} <= set(result.changed)
    assert "gold.risk_scores" not in result.changed
    scored.clear()
    assert (lake.run().release, scored) == (None, [])


def test_training_that_gives_the_same_version_scores_nothing(lake, scored):
    lake.train(["paid"])
    assert (lake.run().release, scored) == (None, [])


def test_changed_code_scores_anew_and_writes_only_what_differs(lake, scored, monkeypatch):
    monkeypatch.setattr(scores, "fingerprint", lambda *given: 42)
    result = lake.run()
    assert sorted(scored) == sorted(toy.name for toy in TOYS)
    assert not [name for name in result.changed if "scores" in name or "forecasts" in name]
    assert lake.diff("risk_scores", 2, 3).collect().is_empty()


def test_only_rows_that_differ_are_written(lake):
    before = lake.storage.open("gold.risk_scores").version()
    deliver(lake, "ehr_visits", visit(10, claim_amount="1000", claim_status="Paid"), visit(12, claim_status="Pending"))
    written = commits(lake.storage.open("gold.risk_scores"), before)
    # V10 is answered, V12 is new, V11 stands; `rate` is not trained anew, so that its score of V11 stands as well.
    assert lake.diff("risk_scores", 2, 3).select("subject_id", "change").collect().sort("subject_id").rows() == [
        *[("V10", "deleted")] * 2,
        *[("V12", "inserted")] * 2,
    ]
    assert len(written) == 2


def test_each_model_of_a_table_keeps_to_its_own_rows(lake):
    before = risks(lake, "rate")
    lake.clock.turn(hours=1)
    lake.train(["paid"], seed=1)
    lake.run()
    assert risks(lake.at(release=3))["V10"]["model_version"] != risks(lake.at(release=2))["V10"]["model_version"]
    assert risks(lake, "rate") == before
    with only(WON, PAID, LAST):
        # A model that is gone leaves its rows; nobody else's scoring removes them.
        deliver(lake, "ehr_visits", visit(13, claim_status="Pending"))
    assert list(risks(lake)) == ["V10", "V11", "V13"]
    assert risks(lake, "rate") == before


def test_rows_that_are_kept_stand_as_they_were_made(lake):
    def forecasts():
        return lake.scan("forecasts").sort("origin", "forecast").select("origin", "forecast").collect().rows()

    march, april = (date(2026, 3, 1), 10.0), date(2026, 4, 1)
    assert forecasts() == [march]
    # More visits, in the same month: what was forecast of it stands.
    deliver(lake, "ehr_visits", visit(20), day="2026-03-20")
    assert forecasts() == [march]
    deliver(lake, "ehr_visits", visit(21), day="2026-04-02")
    assert forecasts() == [march, (april, 12.0)]
    lake.clock.turn(hours=1)
    lake.train(["last"], seed=1)
    lake.run(full=True)
    assert forecasts() == [march, (april, 12.0), (april, 24.0)]
    with only(*(replace(toy, keeps=False) for toy in TOYS)):
        # What keeps nothing has its current rows alone.
        lake.run(full=True)
    assert forecasts() == [(april, 24.0)]


def test_a_version_that_is_no_better_than_its_baseline_is_stored_and_does_not_score(lake, scored):
    """What an earlier version has said goes; forecasts that were made stand, and none are added."""
    useless = "no better than the base rate"

    def train(model):
        return lambda known, seed: replace(model.train(known, seed), refusal=useless)

    lake.clock.turn(hours=1)
    with only(*(replace(toy, train=train(toy)) for toy in (WON, PAID, LAST)), RATE):
        made = lake.train(["won", "paid", "last"], seed=4)
        assert [one.refusal for one in made] == [useless] * 3
        kept = lake.scan("forecasts").collect()
        result = lake.run()
        assert {"gold.risk_scores", "gold.opportunity_scores", "gold.provider_summary"} <= set(result.changed)
        assert risks(lake) == {}
        assert list(risks(lake, "rate")) == ["V10", "V11"]
        assert lake.scan("opportunity_scores").collect().is_empty()
        assert predicted(lake)["name:bo chan"] is None
        assert lake.scan("forecasts").collect().equals(kept)
        listed = lake.models().filter(pl.col("model") != "rate")
        assert listed["served"].to_list() == [False] * 3
        assert listed["reason"].to_list() == [useless] * 3
        scored.clear()
        assert lake.run().release is None
        deliver(lake, "ehr_visits", visit(12, claim_status="Pending"))
        assert scored == ["rate"]
    notes = lake.scan("model_metrics").filter(pl.col("model") == "paid", pl.col("estimator") == "model").collect()
    assert f"not used: {useless}" in notes["note"].to_list()
    lake.clock.turn(hours=1)
    lake.train(["paid"])
    lake.run()
    assert list(risks(lake)) == ["V10", "V11", "V12"]


def test_a_version_from_before_models_were_compared_does_not_score_and_is_due(lake):
    path = lake.storage.path("models")
    rows = lake.storage.scan("models").drop("served", "reason").collect()
    shutil.rmtree(path)
    rows.write_delta(path)
    lake.storage.let_go("models")
    listed = lake.models().filter(model="paid")
    assert listed["due"].item() == "never compared with its baseline"
    assert not listed["served"].item()
    assert "train it again" in listed["reason"].item()


def test_a_full_run_gives_what_increments_gave(lake):
    deliver(lake, "ehr_visits", visit(10, claim_status="Paid"), visit(14, claim_status="Pending"))
    lake.clock.turn(hours=1)
    lake.train(["paid", "won"], seed=2)
    deliver(lake, "salesforce_opportunities", opportunity(1, amount="70"), day="2026-03-11")
    before = state(lake)
    scored_before = lake.scan("risk_scores").sort("model", "subject_id").collect()
    lake.run(full=True, accept=["drift"])
    assert_same(before, state(lake))
    assert lake.scan("risk_scores").sort("model", "subject_id").collect().equals(scored_before)


def test_scores_that_repeat_a_key_are_not_published(lake):
    def twice(now, artifact, version):
        return (pl.concat([*PAID.score(now, artifact, version)] * 2),)

    with only(WON, replace(PAID, score=twice), RATE, LAST):
        load(lake, "ehr_visits", [visit(15, claim_status="Pending")], "2026-03-10")
        result = lake.run(accept=["drift"])
    assert [one.name for one in result.failed] == ["keys"]
    assert "gold.risk_scores: 1 rows repeat a key" in result.failed[0].detail


def test_a_run_says_which_models_are_due(lake):
    load(lake, "ehr_visits", [visit(16)], "2026-04-20")
    assert lake.run(accept=["drift"]).due == {
        name: "42 days of new data (due at 35)" for name in ("won", "paid", "rate")
    }


def test_before_anything_is_delivered_there_is_nothing_to_score(tmp_path):
    lake = lake_in(tmp_path / "lake")
    assert scores.update_scores(lake.storage, PAID, full=False) == []
    assert list(MODELS)
