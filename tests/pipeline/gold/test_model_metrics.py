"""The errors of every version, as its training found them."""

import json
from datetime import UTC, datetime

import polars as pl

from carti_lake.pipeline.gold.model_metrics import model_metrics
from carti_lake.tables.gold import ModelMetrics
from carti_lake.tables.trained_models import TrainedModels
from tests.worlds.rows import held


def training(version, *errors, model="paid", hour=1, data_release=1):
    blank = {"estimator": "model", "split": "all", "metric": "brier", "value": 0.1, "n": 8, "note": None}
    evaluation = json.dumps([{**blank, **error} for error in errors])
    return {
        "model": model,
        "version": version,
        "trained_at": datetime(2026, 3, 1, hour, tzinfo=UTC),
        "data_release": data_release,
        "evaluation": evaluation,
    }


def metrics(*trainings, columns=("model", "version", "estimator", "metric", "value")):
    rows = model_metrics(held(TrainedModels, *trainings)).collect()
    assert dict(rows.schema) == ModelMetrics.dtypes()
    assert not rows.select(ModelMetrics.key()).is_duplicated().any()
    return sorted(rows.select(columns).rows())


def test_every_version_tells_its_errors_beside_its_baselines():
    found = metrics(
        training("a", {}, {"estimator": "base rate", "value": 0.2}),
        training("b", {"value": 0.05}, hour=2),
        training("c", {"metric": "auroc", "value": 0.7}, model="won"),
    )
    assert found == [
        ("paid", "a", "base rate", "brier", 0.2),
        ("paid", "a", "model", "brier", 0.1),
        ("paid", "b", "model", "brier", 0.05),
        ("won", "c", "model", "auroc", 0.7),
    ]


def test_of_several_trainings_of_a_version_the_newest_tells():
    trainings = [training("a", {"n": 8}), training("b", {}, hour=2), training("a", {"n": 9}, hour=3, data_release=4)]
    expected = [("a", 4, 9), ("b", 1, 8)]
    assert metrics(*trainings, columns=("version", "data_release", "n")) == expected
    assert metrics(*trainings[::-1], columns=("version", "data_release", "n")) == expected


def test_what_is_not_known_is_null_with_its_note():
    found = metrics(training("a", {"value": None, "note": "one outcome alone"}), columns=("value", "n", "note"))
    assert found == [(None, 8, "one outcome alone")]


def test_a_training_without_errors_and_no_training_have_no_rows():
    assert metrics(training("a"), training("b", {}, hour=2), columns=("version",)) == [("b",)]
    assert metrics() == []


def test_whole_numbers_are_values_as_well():
    # JSON has no other zero than 0.
    assert metrics(training("a", {"value": 0}), columns=("value",)) == [(0.0,)]
    assert model_metrics(held(TrainedModels)).collect_schema() == pl.Schema(ModelMetrics.dtypes())
