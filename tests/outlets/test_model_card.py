"""A card's pictures, and its files."""

import xml.etree.ElementTree as ElementTree

import pytest

from carti_lake.models import registry
from carti_lake.outlets.model_card import card_of, pictures
from carti_lake.store.errors import LakeError
from tests.doubles.models import PAID, RATE, only, small_lake

CURVES = {
    "calibration": [{"bin": 0, "predicted": 0.1, "observed": 0.2, "n": 50}],
    "drivers": [{"feature": f"f{number:02}", "importance": number / 100} for number in range(20)],
    "segments": [
        {"segment": "large", "measure": "observed", "value": 0.2, "n": 1234},
        {"segment": "large", "measure": "predicted", "value": 0.3, "n": 1234},
        {"segment": "large", "measure": "brier", "value": 0.1, "n": 1234},
    ],
    "errors": [
        {"level": level, "horizon": horizon, "estimator": estimator, "value": value}
        for level, more in (("network", 0.0), ("provider", 0.2))
        for horizon in (1, 2)
        for estimator, value in (("model", 0.8 + more), ("seasonal naive", 1.0 + more))
    ],
}
LINE = "Version 0123456789ab of paid · release 7 · data as of 2026-03-09"


def drawn(name, curves=None):
    """The layers' rows of a picture."""
    chart = pictures(curves or CURVES, LINE)[name][1].to_dict()
    assert LINE in chart["title"]["subtitle"]
    # Data that all layers share stand above them.
    return [chart["datasets"][layer.get("data", chart.get("data"))["name"]] for layer in chart["layer"]]


def test_there_is_a_picture_of_each_curve_and_none_of_what_a_model_has_not():
    assert {name: title for name, (title, _) in pictures(CURVES, LINE).items()} == {
        "calibration": "Calibration",
        "drivers": "What drives it",
        "segments": "By segment",
        "errors": "Error by months ahead",
    }
    assert list(pictures({"drivers": CURVES["drivers"], "calibration": []}, LINE)) == ["drivers"]
    assert pictures({}, LINE) == {}
    # Of a segment only shares are drawn.
    assert pictures({"segments": CURVES["segments"][2:]}, LINE) == {}


def test_calibration_is_drawn_against_the_line_on_which_it_is_right():
    line, points = drawn("calibration")
    assert [(row["predicted"], row["observed"]) for row in line] == [(0, 0), (0.2, 0.2)]
    assert [(row["predicted"], row["observed"]) for row in points] == [(0.1, 0.2)]


def test_the_strongest_drivers_are_drawn():
    (bars,) = drawn("drivers")
    assert [row["feature"] for row in bars] == [f"f{number:02}" for number in range(19, 4, -1)]


def test_a_segment_is_drawn_as_observed_and_as_predicted_with_its_number():
    marks, ends = drawn("segments")
    assert [(row["measure"], row["value"]) for row in marks] == [("Observed", 0.2), ("Predicted", 0.3)]
    assert [(row["value"], row["n"]) for row in ends] == [(0.3, 1234)]


def test_errors_are_drawn_as_the_mean_of_the_levels():
    (lines,) = drawn("errors")
    found = {(row["estimator"], row["horizon"]): pytest.approx(row["value"]) for row in lines}
    assert found == {
        (estimator, horizon): value
        for estimator, value in (("model", 0.9), ("seasonal naive", 1.1))
        for horizon in (1, 2)
    }


def test_a_card_is_written_with_its_pictures_and_again_the_same(tmp_path):
    with only(PAID, RATE):
        lake = small_lake(tmp_path / "lake")
        with pytest.raises(LakeError, match="paid was never trained"):
            card_of(lake.storage, PAID, str(tmp_path / "cards"))
        lake.train()
        files = card_of(lake.storage, PAID, str(tmp_path / "cards"))
        assert files == [
            str(tmp_path / "cards" / name)
            for name in ("paid.md", "paid-calibration.svg", "paid-drivers.svg", "paid-segments.svg")
        ]
        text, *pictured = [(tmp_path / "cards" / file).read_text("utf-8") for file in files]
        for file, picture in zip(files[1:], pictured, strict=True):
            assert f"]({file.rpartition('/')[2]})" in text
            assert ElementTree.fromstring(picture).tag == "{http://www.w3.org/2000/svg}svg"
        version = registry.newest_of(lake.storage, PAID)["version"]
        assert version in text and f"Version {version} of paid" in pictured[0]
        # Patients and what the sources call them are in neither.
        assert "MRN-" not in "".join([text, *pictured])
        assert card_of(lake.storage, PAID, str(tmp_path / "again")) != files
        for name in ("paid.md", "paid-calibration.svg", "paid-drivers.svg", "paid-segments.svg"):
            assert (tmp_path / "again" / name).read_bytes() == (tmp_path / "cards" / name).read_bytes()
        # A model that has no curves has a card without pictures.
        assert card_of(lake.storage, RATE, str(tmp_path / "cards")) == [str(tmp_path / "cards" / "rate.md")]
