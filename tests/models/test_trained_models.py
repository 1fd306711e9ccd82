"""Models of a generated network, end to end: trained on releases, stored, scored by runs; planted effects are found."""

import json
from datetime import UTC, date, datetime

import polars as pl
import pytest

from carti_lake import Lake
from carti_lake.generate import Network, truths
from carti_lake.generate.providers import directory
from carti_lake.models import denial, registry
from carti_lake.models.catalogue import MODELS
from carti_lake.models.estimators import explained, predict
from carti_lake.models.store import ModelFileError
from tests.worlds.networks import delivered

pytestmark = pytest.mark.slow

NETWORK = Network(seed=33, providers=16, patients=3_000, start=date(2025, 1, 1), days=330, visits_per_day=110, dirt=0)
FEEDS = ["ehr_visits", "ehr_appointments", "sg2_patient_flow"]
#: Extracts until then make the first release, that the models learn from; those until the last day make the second.
FIRST, LAST = date(2025, 10, 31), date(2025, 11, 26)
NAMES = ("denial", "readmission", "no_show")


@pytest.fixture(scope="module")
def rows():
    return delivered(NETWORK, feeds=FEEDS)


def take_in(lake, rows, since, until):
    for feed in FEEDS:
        window = rows[feed].filter(pl.col("extract_date").is_between(since, until)).drop("extract_date")
        lake.load(feed, window, extract_date=until)
    # The days come in one extract, as a log of changes does: a person has looked at it.
    result = lake.run(accept=["drift", "quality"])
    assert not result.failed
    return result


@pytest.fixture(scope="module")
def lake(rows, tmp_path_factory):
    folder = tmp_path_factory.mktemp("trained") / "lake"
    lake = Lake(folder, clock=lambda: datetime(2026, 1, 1, tzinfo=UTC), environment={})
    take_in(lake, rows, NETWORK.start, FIRST)
    assert lake.scan("risk_scores").collect().is_empty()
    outcomes = lake.train(NAMES)
    assert [(one.model, one.why, one.new) for one in outcomes] == [(name, "never trained", True) for name in NAMES]
    take_in(lake, rows, FIRST, LAST)
    return lake


@pytest.fixture(scope="module")
def artifacts(lake):
    newest = registry.current(registry.versions(lake.storage))
    return {name: registry.artifact(lake.storage, MODELS[name], newest[name]) for name in NAMES}


def probabilities(artifact, model, **values):
    """Predictions for rows that differ in the given values alone."""
    count = len(next(iter(values.values())))
    usual = {feature.name: [None] * count for feature in model.FEATURES}
    schema = {feature.name: pl.String if feature.kind == "category" else pl.Float64 for feature in model.FEATURES}
    return list(predict(artifact, pl.DataFrame({**usual, **values}, schema=schema, strict=False)))


def test_a_run_scores_with_the_current_version(lake):
    scores = lake.scan("risk_scores").collect()
    newest = registry.current(registry.versions(lake.storage))
    for name in NAMES:
        own = scores.filter(model=name)
        if not newest[name]["served"]:
            assert own.is_empty()
            continue
        assert own["probability"].null_count() == 0
        assert own["model_version"].unique().to_list() == [newest[name]["version"]]
        assert own["probability"].is_between(0, 1).all()
    claims = lake.scan("silver.visits").filter(pl.col("claim_status") == "pending").collect().height
    assert scores.filter(model="denial").height == claims
    assert scores.filter(model="no_show")["subject_date"].min() > LAST


def test_the_planted_drivers_of_no_shows_are_found(artifacts):
    from carti_lake.models import no_show

    model = artifacts["no_show"]
    by_lead = probabilities(model, no_show, lead=[0, 3, 10, 30], missed=[0] * 4, kept=[3] * 4)
    assert by_lead == sorted(by_lead)
    # Log-odds grow by 0.55 for each unit of log(1 + days).
    assert odds(by_lead[3]) / odds(by_lead[1]) == pytest.approx((31 / 4) ** truths.NO_SHOW_LEAD, rel=0.35)
    by_missed = probabilities(model, no_show, lead=[10] * 3, missed=[0, 1, 2], kept=[3] * 3)
    assert by_missed == sorted(by_missed)
    assert odds(by_missed[1]) / odds(by_missed[0]) > 1.3


def odds(probability):
    return probability / (1 - probability)


def test_who_was_reminded_misses_less_than_the_model_expects_of_all(lake):
    curves = json.loads(registry.current(registry.versions(lake.storage))["no_show"]["curves"])
    shares = {(row["segment"], row["measure"]): row["value"] for row in curves["segments"]}
    reminded, not_reminded = (
        shares[name, "observed"] / shares[name, "predicted"] for name in ("reminder sent", "no reminder")
    )
    assert reminded < not_reminded


def test_the_planted_drivers_of_denials_are_found(lake, artifacts):
    model = artifacts["denial"]
    payers = sorted(truths.PAYERS, key=lambda name: truths.PAYERS[name].denial)
    slugs = [name.lower().replace(" ", "_").replace("-", "_") for name in payers]
    known = set(model["levels"]["payer"])
    found = probabilities(model, denial, payer=[slug for slug in slugs if slug in known])
    assert len(found) == len(payers)
    assert found[0] == min(found)
    assert max(found[-2:]) == max(found)
    # Patients are denied by provider: the one with 30 % stands first.
    scored = lake.scan("risk_scores").filter(pl.col("model") == "denial")
    mean = scored.group_by("provider_id").agg(pl.col("probability").mean(), n=pl.len()).filter(pl.col("n") >= 20)
    worst = mean.sort("probability").collect()["provider_id"][-1]
    assert worst == directory(NETWORK).listed["npi"][truths.HIGH_DENIAL_PROVIDER]


def test_the_planted_drivers_of_readmissions_are_found(artifacts):
    from carti_lake.models import readmission

    model = artifacts["readmission"]
    by_nights = probabilities(model, readmission, nights=[2, 12], stays=[0, 0])
    by_kind = probabilities(model, readmission, admission_type=["elective", "emergency"], stays=[0, 0])
    assert by_nights[0] < by_nights[1]
    assert by_kind[0] < by_kind[1]


def test_no_version_is_served_whose_interval_touches_its_baseline(lake):
    """Of each model some gain stands, and it is served exactly where the whole interval is above none."""
    for name, row in registry.current(registry.versions(lake.storage)).items():
        errors = json.loads(row["evaluation"])
        lower = [error["value"] for error in errors if error["metric"] == "gain_lower"]
        assert lower
        assert row["served"] == all(value is not None and value > 0 for value in lower), name
        assert (row["reason"] is None) == row["served"]
        scored = lake.scan("risk_scores").filter(model=name).collect().height
        assert (scored > 0) == row["served"]


@pytest.mark.parametrize("name", NAMES)
def test_predictions_are_calibrated_and_better_than_the_base_rate(lake, name):
    of_model = (pl.col("model") == name) & (pl.col("split") == "other patients")
    rows = lake.scan("model_metrics").filter(of_model).collect()
    errors = {(row["estimator"], row["metric"]): row["value"] for row in rows.iter_rows(named=True)}
    assert errors["model", "auroc"] > 0.55
    assert errors["model", "brier"] < errors["base rate", "brier"]
    # What ten groups of so many rows miss by chance alone: the mean of |N(0, p (1 - p) / n)|.
    chance = 0.8 * (errors["base rate", "brier"] * 10 / rows["n"].max()) ** 0.5
    assert errors["model", "ece"] < 2 * chance


def test_training_again_on_the_same_release_gives_the_same_version(lake, artifacts):
    before = registry.versions(lake.storage).filter(model="readmission")
    again = lake.train(["readmission"])
    newer = lake.train(["readmission"])
    # The second release made a new version of it; made once more it is the same one.
    assert newer[0].version == again[0].version
    assert (newer[0].why, newer[0].new) == ("asked for", False)
    assert registry.versions(lake.storage).filter(model="readmission").height == before.height + 1


def test_nothing_is_due_that_was_trained_lately(lake):
    assert {one.why for one in lake.train() if one.model in NAMES} == {"not due"}
    assert lake.models().filter(pl.col("model").is_in(NAMES))["due"].null_count() == 3


def test_what_came_since_is_judged(lake):
    found = registry.evaluation(lake.at(), MODELS["no_show"])
    since = found.filter(on="since training", estimator="model", metric="auroc")
    assert since["value"].item() > 0.55
    assert found.filter(on="training").height > 0


def test_a_full_run_scores_the_same(lake):
    before = lake.scan("risk_scores").sort("model", "subject_id").collect()
    lake.run()
    after_training = lake.scan("risk_scores").sort("model", "subject_id").collect()
    lake.run(full=True)
    assert lake.scan("risk_scores").sort("model", "subject_id").collect().equals(after_training)
    assert before.select("model", "subject_id").equals(after_training.select("model", "subject_id"))


def test_scores_hold_words_and_no_patients(lake):
    scores = lake.scan("risk_scores").collect()
    assert "patient_key" not in scores.columns
    assert scores["drivers"].drop_nulls().str.contains("raised by|lowered by").all()


@pytest.mark.parametrize("damage", ["flipped", "gone"])
def test_a_file_that_was_tampered_with_is_refused(lake, damage):
    row = registry.newest_of(lake.storage, MODELS["denial"])
    path = lake.storage.local / row["file"]
    content = path.read_bytes()
    try:
        if damage == "gone":
            path.unlink()
        else:
            path.write_bytes(content[:100] + bytes([content[100] ^ 1]) + content[101:])
        with pytest.raises(ModelFileError, match=r"model_files/denial/.*`carti-lake model train denial`"):
            registry.artifact(lake.storage, MODELS["denial"], row)
    finally:
        path.write_bytes(content)
    assert explained(registry.artifact(lake.storage, MODELS["denial"], row), pl.DataFrame(), ()).is_empty()
