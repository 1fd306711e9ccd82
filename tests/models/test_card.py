"""A card says what its reader must know, in the same words each time."""

import json
from datetime import UTC, date, datetime

from carti_lake.models.card import card
from tests.doubles.models import PAID

ERRORS = [
    {"estimator": estimator, "split": split, "metric": metric, "value": value, "n": n, "note": note}
    for estimator, split, metric, value, n, note in (
        ("model", "latest quarter", "auroc", 0.75, 1200, "one quarter alone"),
        ("model", "latest quarter", "brier", 0.14159, 1200, None),
        ("base rate", "latest quarter", "auroc", None, 1200, None),
        ("base rate", "latest quarter", "brier", 0.25, 1200, None),
        ("model", "other patients", "brier", 0.15, 400, None),
    )
]
ROW = {
    "model": "paid",
    "version": "0123456789ab",
    "trained_at": datetime(2026, 3, 10, 12, 5, tzinfo=UTC),
    "data_release": 7,
    "data_as_of": date(2026, 3, 9),
    "input_rows": 12_000,
    "rows": 10_500,
    "seed": 3,
    "file": "model_files/paid/0123456789ab.skops",
    "sha256": "0123456789ab" + "c" * 52,
    "parameters": json.dumps({"C": 1.0, "features": ["amount", "payer"], "rule": "a|b"}),
    "libraries": json.dumps({"python": "3.11.9", "scikit-learn": "1.9.0"}),
    "evaluation": json.dumps(ERRORS),
    "curves": "{}",
    "served": True,
    "reason": None,
}


def test_a_card_says_what_a_reader_must_know():
    said = card(PAID, ROW, {"Calibration": "paid-calibration.svg"})
    assert said.startswith("# Paid claims\n\nThe probability that a claim is paid; not for anything but tests.\n\n")
    for words in (
        "| Model | `paid`, version `0123456789ab` |",
        "| Trained | 2026-03-10 12:05 UTC, seed 3 |",
        "| Data | release 7, data as of 2026-03-09, from `silver.visits` |",
        "| Examples | 10,500 |",
        "| Due again | after 35 days of new data, or 25% more rows |",
        f"| File | `model_files/paid/0123456789ab.skops`, SHA-256 `{ROW['sha256']}` |",
        "![Calibration](paid-calibration.svg)",
        '| `features` | ["amount", "payer"] |',
        "Made with python 3.11.9, scikit-learn 1.9.0.",
        "- Its errors above rest on as few as 400 rows.",
        "- It is fitted on 10,500 examples that this lake held on 2026-03-09",
        "`carti-lake model train paid --seed 3` on release 7 gives the same version",
    ):
        assert words in said


def test_a_card_says_whether_the_model_is_used():
    assert "## Whether it is used\n\nRuns score with it." in card(PAID, ROW, {})
    refused = card(PAID, {**ROW, "served": False, "reason": "no better than the base rate"}, {})
    assert "**It is not used**: no better than the base rate. Its predictions stay blank." in refused
    assert "train it again" in card(PAID, {**ROW, "served": None, "reason": None}, {})


def test_errors_stand_beside_their_baselines_a_table_for_each_split():
    said = card(PAID, ROW, {})
    latest = said.split("### Held out: latest quarter (1,200 rows)\n\n")[1].split("###")[0]
    assert latest.splitlines()[:4] == [
        "|  | auroc | brier |",
        "| --- | --- | --- |",
        "| model | 0.750 | 0.142 |",
        "| base rate |  | 0.250 |",
    ]
    assert "one quarter alone" in latest
    assert "### Held out: other patients (400 rows)\n\n|  | brier |\n| --- | --- |\n| model | 0.150 |" in said
    # What each measure says, once.
    assert said.count("- Brier:") == said.count("- AUROC:") == 1
    assert "- MASE:" not in said


def test_the_same_version_gives_the_same_text():
    assert card(PAID, ROW, {}) == card(PAID, dict(reversed(ROW.items())), {})


def test_a_bar_within_a_cell_ends_no_cell():
    assert "| `rule` | a\\|b |" in card(PAID, ROW, {})


def test_a_model_without_errors_says_that_none_are_known():
    said = card(PAID, {**ROW, "evaluation": "[]"}, {})
    assert "nothing is known of its errors" in said
    assert "### Held out" not in said
