"""The estimators behind every probability: they find what is there, say it, and know what they cannot know."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from carti_lake.models import classifier, store
from carti_lake.models.design import Feature, encoded, fitted_levels
from carti_lake.models.estimators import TRUSTED, explained, predict
from carti_lake.models.measures import of_probabilities
from carti_lake.models.model import NotEnoughData

FEATURES = (
    Feature("lead", "number", "booked {} days ahead"),
    Feature("payer", "category", "payer {}"),
    Feature("rate", "number", "{} before", percent=True),
    Feature("dollars", "number", "charges of ${}", log=True),
    Feature("constant", "number", "always {}"),
)


def drawn(count: int, seed: int = 0) -> pl.DataFrame:
    """Examples whose log-odds are known: lead raises them, payer B as well, everything else is noise."""
    rng = np.random.default_rng(seed)
    lead, payer = rng.integers(0, 60, count), rng.choice(["a_plan", "b_plan"], count)
    odds = -3 + 0.05 * lead + 1.2 * (payer == "b_plan")
    return pl.DataFrame(
        {
            "subject_id": [f"S{place:06}" for place in range(count)],
            "group": rng.integers(0, count // 3, count),
            "instant": [date(2025, 1, 1) + timedelta(days=int(day)) for day in np.sort(rng.integers(0, 300, count))],
            "target": rng.random(count) < 1 / (1 + np.exp(-odds)),
            "lead": lead,
            "payer": payer,
            "rate": np.where(rng.random(count) < 0.5, rng.random(count), None).astype(float),
            "dollars": rng.normal(5, 1, count),
            "constant": 1,
            "odds": odds,
        }
    ).with_columns(decided=pl.col("instant") + pl.duration(days=pl.col("lead")))


@pytest.fixture(scope="module")
def rows():
    return drawn(4_000)


@pytest.fixture(scope="module")
def trained(rows):
    return classifier.train(rows, FEATURES, 0, {"payer b": pl.col("payer") == "b_plan"})


def value(trained, estimator, split, metric):
    return trained.evaluation.filter(estimator=estimator, split=split, metric=metric)["value"].item()


def test_it_ranks_nearly_as_well_as_the_truth(trained):
    fresh = drawn(6_000, seed=1)
    outcome = fresh["target"].cast(float).to_numpy()
    truth = of_probabilities(outcome, 1 / (1 + np.exp(-fresh["odds"].to_numpy())))
    found = of_probabilities(outcome, predict(trained.artifact, fresh))
    assert truth["auroc"] - 0.01 < found["auroc"] <= truth["auroc"] + 0.005
    assert found["ece"] < truth["ece"] + 0.01


@pytest.mark.parametrize("split", ["latest quarter", "other patients"])
def test_every_baseline_stands_beside_the_model(trained, split):
    assert value(trained, "base rate", split, "auroc") == pytest.approx(0.5, abs=0.01)
    assert value(trained, "model", split, "brier") < value(trained, "base rate", split, "brier")
    for name in ("logistic regression", "gradient boosting"):
        assert 0.6 < value(trained, name, split, "auroc") < 0.9


def test_drivers_are_found_and_noise_is_not(trained):
    worth = dict(trained.curves["drivers"].rows())
    assert "constant" not in worth
    assert min(worth["lead"], worth["payer"]) > 0.05 > 0.01 > max(worth["rate"], worth["dollars"])


def test_the_same_seed_gives_the_same_file_whatever_the_order_of_the_rows(rows, trained):
    again = classifier.train(rows.sample(fraction=1, shuffle=True, seed=5), FEATURES, 0)
    assert store.dumps(again.artifact) == store.dumps(trained.artifact)
    assert again.evaluation.equals(trained.evaluation)


def test_drivers_are_told_in_plain_words(trained):
    asked = pl.DataFrame(
        {
            "lead": [55, 0],
            "payer": ["b_plan", None],
            "rate": [0.123, None],
            "dollars": [np.log1p(250.0), None],
        },
    )
    said = explained(trained.artifact, asked, FEATURES)
    assert said["probability"].to_list() == pytest.approx(list(predict(trained.artifact, asked)))
    first, second = said["drivers"]
    assert first.startswith("raised by booked 55 days ahead; raised by payer b plan")
    assert "lowered by booked 0 days ahead" in second
    assert "null" not in f"{first}{second}"


def test_no_rows_give_no_predictions(trained, rows):
    assert explained(trained.artifact, rows.clear(), FEATURES).rows() == []


def test_levels_that_were_never_seen_count_as_missing(trained, rows):
    levels = fitted_levels(rows, FEATURES)
    asked = rows.head(2).with_columns(payer=pl.Series(["a new one", None], dtype=pl.String))
    assert np.isnan(encoded(asked, levels)[:, list(levels).index("payer")]).all()


def test_of_many_levels_the_rarest_are_one():
    names = [f"L{place}" for place in range(150)]
    rows = pl.DataFrame({"payer": [name for place, name in enumerate(names) for _ in range(150 - place)]})
    levels = fitted_levels(rows, [FEATURES[1]])
    assert levels["payer"][:2] == ["L0", "L1"]
    assert (len(levels["payer"]), levels["payer"][-1]) == (101, "(other)")
    assert encoded(pl.DataFrame({"payer": ["L149", "L0"]}), levels)[:, 0].tolist() == [100.0, 0.0]


@pytest.mark.parametrize("rows", [drawn(499), drawn(3_000).with_columns(target=False), drawn(0 + 600).head(0)])
def test_too_few_examples_are_refused_with_the_numbers(rows):
    with pytest.raises(NotEnoughData, match=r"has [\d,]+ examples with an outcome, [\d,]+ of the rarer one; needs 500"):
        classifier.train(rows, FEATURES, 0)


def test_only_declared_types_are_in_the_file(trained):
    import skops.io

    unknown = skops.io.get_untrusted_types(data=store.dumps(trained.artifact))
    assert set(unknown) <= set(TRUSTED)


def test_what_came_since_is_judged_and_too_little_is_not(trained):
    found = classifier.evaluate(trained.artifact, drawn(2_000, seed=2))
    assert set(found["split"]) == {"since training"}
    assert found.filter(estimator="model", metric="auroc")["value"].item() > 0.65
    assert classifier.evaluate(trained.artifact, drawn(12, seed=3)).is_empty()


def test_segments_show_what_was_observed_beside_what_was_predicted(trained):
    found = dict(trained.curves["segments"].select("measure", "value").rows())
    assert found["observed"] == pytest.approx(found["predicted"], abs=0.05)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("kept", [0.0, 0.25, 1.0])
def test_none_is_used_whose_interval_touches_its_baseline(seed, kept):
    """Outcomes that follow what is known in none of the examples, a quarter, all: used exactly where surely better."""
    rows = drawn(1_500, seed)
    blind = np.random.default_rng(seed).permutation(rows["target"].to_numpy())
    told = np.random.default_rng(seed + 100).random(rows.height) < kept
    found = classifier.train(rows.with_columns(target=np.where(told, rows["target"], blind)), FEATURES, seed)
    lower = found.evaluation.filter(metric="gain_lower")["value"].to_list()
    assert len(lower) == 1
    assert (found.refusal is None) == (lower[0] is not None and lower[0] > 0)
    assert found.refusal is None or kept < 1
    assert found.refusal is not None or kept > 0
