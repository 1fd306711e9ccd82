"""The classifier on public data, through files as the benchmark's command takes them; patients kept apart."""

import polars as pl
import pytest

from benchmarks.models.classification import SETS, between, judged, set_of

pytestmark = pytest.mark.slow

#: AUROC, AUPRC, Brier score, ECE: worse than these, something broke (measured less twice the noise of the rows).
BOUNDS = {"no_show": (0.72, 0.35, 0.147, 0.02), "readmission": (0.66, 0.21, 0.0985, 0.011)}


@pytest.mark.parametrize("name", SETS)
def test_probabilities_are_good_for_patients_that_were_not_known(shared, name):
    one = SETS[name]
    rows = one.examples(shared / "data" / one.file)
    tenth = pl.col("group").hash(7) % 10
    found = judged(one, rows.filter(tenth < 5), rows.filter(tenth >= 7))
    model = found.pop("model")
    auroc, auprc, brier, ece = BOUNDS[name]
    assert model["auroc"] > auroc
    assert model["auprc"] > auprc
    assert model["brier"] < brier
    assert model["ece"] < ece
    for baseline in found.values():
        assert model["brier"] < baseline["brier"]
        assert model["auroc"] > baseline["auroc"]


def test_files_of_the_same_form_are_told_by_their_columns(shared, tmp_path):
    one = SETS["no_show"]
    raw = pl.read_csv(shared / "data" / one.file, infer_schema=False).head(6_000)
    odd = pl.col("PatientId").hash(1) % 2 == 1
    raw.filter(odd).write_csv(tmp_path / "train.csv")
    raw.filter(~odd).write_csv(tmp_path / "test.csv")
    assert set_of(shared / "data" / one.file) is set_of(tmp_path / "train.csv") is one
    found = between(tmp_path / "train.csv", tmp_path / "test.csv")
    assert found["model"]["brier"] < found["base rate"]["brier"]
    assert found["base rate"]["auroc"] == 0.5


def test_a_file_of_another_form_is_refused(tmp_path):
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")
    with pytest.raises(
        SystemExit, match="has the form of no set: its first line names no column No-show or readmitted"
    ):
        set_of(tmp_path / "other.csv")
