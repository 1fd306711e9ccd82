"""``model``."""

import json
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from carti_lake.models.model import Known, Trained
from tests.doubles.models import PAID, TOYS, only, small_lake

from .conftest import Type


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lake with a release and no trained model."""
    folder = tmp_path_factory.mktemp("models")
    with only(*TOYS):
        small_lake(folder / "lake")
    return folder


@pytest.fixture
def at(small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A copy of it, as the working directory."""
    shutil.copytree(small, tmp_path / "here")
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.delenv("CARTI_LAKE", raising=False)
    with only(*TOYS):
        yield tmp_path / "here"


def test_due_models_are_trained_and_what_comes_next_is_said(carti_lake: Type, at: Path) -> None:
    ended = carti_lake("model", "train")
    assert ended.code == 0
    assert ended.out.count("never trained") == len(TOYS)
    assert "carti-lake run" in ended.out and "carti-lake model evaluate won" in ended.out
    again = carti_lake("model", "train")
    assert (again.code, again.out.count("not due")) == (0, len(TOYS))
    assert "Next:" not in again.out


def test_named_models_are_trained_with_a_seed(carti_lake: Type, at: Path) -> None:
    first = json.loads(carti_lake("model", "train", "won", "--json").out)
    other = json.loads(carti_lake("model", "train", "won", "--seed", "5", "--json").out)
    assert [(one["model"], one["why"], one["new"]) for one in (*first, *other)] == [
        ("won", "never trained", True),
        ("won", "asked for", True),
    ]
    assert first[0]["version"] != other[0]["version"]
    assert "as it was" in carti_lake("model", "train", "won", "--seed", "5").out


def test_too_little_data_exits_1_where_it_was_asked_for(
    carti_lake: Type, at: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.doubles.models.LEAST", 100)
    ended = carti_lake("model", "train", "paid")
    assert ended.code == 1
    assert "not enough data: has 8 answered claims, needs 100" in ended.out
    # Nobody asked for it by name: the others are trained, and that is no failure.
    assert carti_lake("model", "train").code == 0


@pytest.mark.parametrize("verb", ["train", "evaluate", "card"])
def test_a_name_that_no_model_has_is_wrong_usage(carti_lake: Type, at: Path, verb: str) -> None:
    ended = carti_lake("model", verb, "payed")
    assert ended.code == 2
    assert "There is no model 'payed'. Models: won, paid, rate, last." in ended.err


def test_models_are_listed_with_what_they_need_until_they_are_trained(carti_lake: Type, at: Path) -> None:
    before = carti_lake("model", "list").out
    assert "paid needs 4 answered claims." in before
    assert "carti-lake model train" in before and "model card" not in before
    carti_lake("model", "train")
    rows = {row["model"]: row for row in json.loads(carti_lake("model", "list", "--json").out)}
    assert (rows["paid"]["data_release"], rows["paid"]["rows"], rows["paid"]["due"]) == (1, 8, None)
    after = carti_lake("model", "list").out
    assert "needs" not in after and "model train" not in after
    assert rows["paid"]["version"] in after and "carti-lake model card --all" in after


def test_a_model_that_is_not_used_is_told_with_the_reason(carti_lake: Type, at: Path) -> None:
    def train(known: Sequence[Known], seed: int) -> Trained:
        return replace(PAID.train(known, seed), refusal="no better than the base rate")

    with only(replace(PAID, train=train)):
        for ended in (carti_lake("model", "train"), carti_lake("model", "list"), carti_lake("model", "train")):
            assert (ended.code, "paid is not used: no better than the base rate." in ended.out) == (0, True)
        (row,) = json.loads(carti_lake("model", "list", "--json").out)
        assert (row["served"], row["reason"]) == (False, "no better than the base rate")


def test_a_model_is_evaluated_beside_its_baselines(carti_lake: Type, at: Path) -> None:
    assert "No model has been trained yet." in carti_lake("model", "evaluate").out
    never = carti_lake("model", "evaluate", "paid")
    assert (never.code, "paid was never trained. `carti-lake model train paid`" in never.err) == (1, True)
    carti_lake("model", "train", "paid")
    told = json.loads(carti_lake("model", "evaluate", "--json").out)
    assert [(row["on"], row["estimator"], row["metric"]) for row in told["paid"]] == [
        ("training", "model", "brier"),
        ("training", "base rate", "brier"),
    ]
    assert "base rate" in carti_lake("model", "evaluate", "paid").out


def test_cards_are_written_where_they_are_asked_for(carti_lake: Type, at: Path) -> None:
    carti_lake("model", "train", "paid")
    told = carti_lake("model", "card", "paid", "-o", "cards")
    assert told.out.splitlines()[:2] == ["Model cards:", "  cards/paid.md"]
    assert (at / "cards/paid.md").read_text("utf-8").startswith("# Paid claims")
    files = json.loads(carti_lake("model", "card", "--all", "--json").out)["files"]
    assert "lake/published/models/paid.md" in files
    assert all((at / file).is_file() for file in files)


def test_a_card_needs_a_name_or_all(carti_lake: Type, at: Path) -> None:
    assert carti_lake("model", "card").code == 2
    assert carti_lake("model", "card", "paid", "--all").code == 2


def test_a_run_says_which_models_to_train(carti_lake: Type, at: Path) -> None:
    ended = carti_lake("run", "--full")
    assert "Models to train: won (never trained), paid (never trained)" in ended.out
    assert "carti-lake model train" in ended.out
    assert json.loads(carti_lake("run", "--full", "--json").out)["due"]["paid"] == "never trained"
    carti_lake("model", "train")
    assert "Models to train" not in carti_lake("run").out


def test_before_the_first_release_there_is_nothing_to_train_on(carti_lake: Type, tmp_path: Path) -> None:
    for verb in ("train", "list", "evaluate"):
        ended = carti_lake("model", verb, "--lake", str(tmp_path / "none"))
        assert (ended.code, "has no release yet" in ended.err) == (1, True)
    assert not (tmp_path / "none").exists()
