"""The key of the pseudonyms is in no file of the lake, and a patient's number in none beyond bronze and quarantine."""

from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest

from carti_lake import Lake
from carti_lake.outlets.files import charts_of, workbook_of
from tests.worlds.lakes import account, appointment, lake_in, load, referral, stay, visit

#: openpyxl leaves sparklines alone, and says so.
pytestmark = pytest.mark.filterwarnings("ignore:Sparkline Group extension")
KEY, PATIENT = "swordfish-0815", "CANARY-4711"


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """A lake with two releases and every outlet of the second, the key in a file beside it."""
    folder = tmp_path_factory.mktemp("key")
    (folder / "key").write_text(f"{KEY}\n")
    lake = Lake(
        folder / "lake",
        clock=lake_in(folder).clock,
        environment={"CARTI_LAKE_PATIENT_KEY_FILE": str(folder / "key")},
    )
    for day in ("2026-03-01", "2026-03-02"):
        load(lake, "ehr_visits", [visit(1, patient_id=PATIENT), visit(2, patient_id=PATIENT, claim_paid=day)], day)
        load(lake, "sg2_patient_flow", [stay(1, patient_id=PATIENT)], day)
        load(lake, "salesforce_referrals", [referral(1, patient_id=PATIENT)], day)
        load(lake, "ehr_appointments", [appointment(1, patient_id=PATIENT)], day)
        load(lake, "salesforce_crm", [account("Dr. Ann Lee", contact_count=day[-1])], day)
        lake.run(accept=["drift"])
    for full_counts in (None, "a test"):
        name = f"{lake.uri}/published/{'full' if full_counts else 'usual'}"
        charts_of(lake.at(), f"{name}/charts", full_counts=full_counts)
        workbook_of(lake.at(), f"{name}/workbook.xlsx", full_counts=full_counts)
    return lake


def contents(path: Path) -> Iterator[bytes]:
    """The file's bytes, and what is packed in them."""
    yield path.read_bytes()
    if path.suffix == ".parquet":
        yield repr(pl.read_parquet(path).to_dicts()).encode()
    if path.suffix == ".xlsx":
        import openpyxl

        book = openpyxl.load_workbook(path)
        yield repr([list(sheet.values) for sheet in book.worksheets]).encode()


def files_with(word: str, lake: Lake) -> set[str]:
    """The parts of the lake that a word stands in."""
    folder = Path(lake.uri)
    return {
        path.relative_to(folder).parts[0]
        for path in folder.rglob("*")
        if path.is_file() and any(word.encode() in content for content in contents(path))
    }


def test_the_key_is_in_no_file_of_the_lake(lake: Lake) -> None:
    assert len(lake.releases()) == 2
    assert files_with(KEY, lake) == set()


def test_a_patients_number_is_in_bronze_and_quarantine_alone(lake: Lake) -> None:
    assert files_with(PATIENT, lake) == {"bronze", "quarantine"}


def test_pseudonyms_are_in_no_outlet(lake: Lake) -> None:
    (pseudonym,) = lake.scan("silver.visits").select("patient_key").unique().collect()["patient_key"]
    assert "published" not in files_with(str(pseudonym), lake)


def test_another_key_gives_other_pseudonyms_and_the_same_numbers(lake: Lake) -> None:
    before = lake.scan("silver.visits").select("patient_key").collect()
    numbers = lake.scan("gold.provider_summary").sort("provider_id").collect()
    rekeyed = Lake(lake.uri, clock=lake.clock, environment={"CARTI_LAKE_PATIENT_KEY": "another"})
    assert rekeyed.run(accept=["drift"]).release == 3
    after = rekeyed.scan("silver.visits").select("patient_key").collect()
    assert not set(after["patient_key"]) & set(before["patient_key"])
    assert rekeyed.scan("gold.provider_summary").sort("provider_id").collect().equals(numbers)
