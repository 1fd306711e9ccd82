"""Files that were put together: the header of the second stands among the rows of the first."""

import pytest

from carti_lake import Lake
from carti_lake.sources.extract import ExtractError

COLUMNS = [
    *("visit_id", "patient_id", "visit_date", "diagnosis_code", "procedure_code"),
    *("provider_name", "claim_amount", "claim_paid", "claim_status"),
]
ROW = dict(zip(COLUMNS, ["V1", "P1", "2026-03-01", "C34.90", "99213", "Dana Ortiz", "100", "80", "Paid"], strict=True))
SWAPPED = [COLUMNS[1], COLUMNS[0], *COLUMNS[2:6], COLUMNS[7], COLUMNS[6], COLUMNS[8]]


def file(columns, *, spelt=str, more=()):
    cells = ",".join([*(ROW[column] for column in columns), *("x" for _ in more)])
    return ",".join([*map(spelt, columns), *more]) + "\n" + cells + "\n"


@pytest.mark.parametrize(
    ("first", "second", "row"),
    [
        (file(COLUMNS), file(SWAPPED), 2),
        # Spelt otherwise, and without the longest name of the first.
        (file(COLUMNS), file(SWAPPED, spelt=lambda name: name.upper().replace("_", " ")), 2),
        (file(COLUMNS, more=["remark_of_the_billing_office"]), file(SWAPPED, more=["z"]), 2),
        (file(COLUMNS) * 600, file(SWAPPED, spelt=str.title), 1200),
    ],
)
def test_a_header_of_another_layout_is_refused(tmp_path, first, second, row):
    path = tmp_path / "visits_2026-03-31.csv"
    path.write_text(first + second)
    lake = Lake(tmp_path / "lake")
    for load in (lambda: lake.load("ehr_visits", path), lambda: list(lake.preview("ehr_visits", path))):
        with pytest.raises(ExtractError, match=rf"(?:row {row:,}|line {row + 1:,}): another header"):
            load()


def test_the_same_header_again_is_a_row_that_waits(tmp_path):
    path = tmp_path / "visits_2026-03-31.csv"
    path.write_text(file(COLUMNS) * 2)
    (preview,) = Lake(tmp_path / "lake").preview("ehr_visits", path)
    assert (preview.rows, preview.refused) == (3, 1)
