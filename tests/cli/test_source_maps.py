"""The maps that are shipped: with them alone, public data sets become audited releases, as the docs show."""

import csv
import re
import shlex
import shutil
import tomllib
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import polars as pl
import pytest

from carti_lake.lake import Lake
from carti_lake.sources.map_file import parse
from tests.pull.salesforce.double import Org, served

from .conftest import Type

pytestmark = pytest.mark.slow

DOCS = Path(__file__).resolve().parents[2] / "docs"
SETS = re.findall(r"^```sh\n(.*?)^```$", (DOCS / "sources/README.md").read_text("utf-8"), re.DOTALL | re.MULTILINE)


@pytest.fixture
def made(carti_lake: Type, shared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Types the lines of one data set; gives its lake."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CARTI_LAKE", raising=False)
    (tmp_path / "data").symlink_to(shared / "data")
    # A copy: what is declared there finds the data beside it.
    shutil.copytree(DOCS / "sources", tmp_path / "docs/sources")

    def type_lines(name: str) -> Lake:
        (lines,) = [block.splitlines() for block in SETS if f"--lake {name}\n" in block]
        for line in lines:
            ended = carti_lake(*shlex.split(line)[1:])
            assert ended.code == 0, f"{line}\n{ended.out}\n{ended.err}"
        lake = Lake(tmp_path / name)
        assert lake.at().release.number == 1
        return lake

    return type_lines


@pytest.fixture
def salesforce(shared: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Org]:
    """An org that holds the set's objects, as an API gives them; where it is and as whom, in the environment."""
    org = Org(lambda: datetime(2026, 3, 10, 12, tzinfo=UTC))
    for name, (kind, prefix, types) in FOREIGN.items():
        with (shared / f"data/salesforce/{name}.csv").open(encoding="utf-8", newline="") as file:
            records = [*csv.DictReader(file)]
        named = {one: "".join(part.title() for part in one.split("_")) for one in records[0] if not one.endswith("_c")}
        fields = {api: types.get(api, "string") for api in named.values()}
        org.declare(kind, prefix, **{"IsPersonAccount": "boolean", **fields})
        for row in records:
            values = {api: typed(row[one], fields[api]) for one, api in named.items() if api != "Id"}
            modified = row.get("system_modstamp") or row["_fivetran_synced"]
            org.put(kind, row["id"], modified, **{**values, "IsPersonAccount": False})
    monkeypatch.setattr("carti_lake.lake.time", SimpleNamespace(sleep=lambda seconds: None))
    with served(org):
        for name, value in {"ORG": org.address, "APP": org.client_id, "SECRET": org.client_secret}.items():
            monkeypatch.setenv(f"SF_{name}", value)
        yield org


#: Files of the set, the objects that they are, and the types of fields that are no text.
FOREIGN = {
    "sf_account_data": ("Account", "001", {"ParentId": "->Account", "IsDeleted": "boolean"}),
    "sf_contact_data": (
        *("Contact", "003"),
        {"AccountId": "->Account", "IsDeleted": "boolean", "CreatedDate": "datetime", "SystemModstamp": "datetime"},
    ),
    "sf_opportunity_data": (
        *("Opportunity", "006"),
        {
            **dict.fromkeys(("IsDeleted", "IsWon", "IsClosed"), "boolean"),
            **{"Amount": "currency", "Probability": "percent", "CloseDate": "date", "CreatedDate": "datetime"},
            "AccountId": "->Account",
        },
    ),
}


def typed(text: str, type_: str) -> Any:
    """A value of the set as an org holds it."""
    if text == "":
        return False if type_ == "boolean" else None
    if type_ == "boolean":
        return text.lower() == "true"
    if type_ == "datetime":
        return datetime.fromisoformat(text).replace(tzinfo=UTC)
    return text[:10] if type_ == "date" else float(text) if type_ in ("currency", "percent") else text


def rules(lake: Lake, entity: str) -> dict[str, int]:
    return dict(lake.quarantine(entity).collect()["rules"].value_counts().iter_rows())


def counts(lake: Lake, table: str, *columns: str) -> dict[Any, int]:
    rows = lake.scan(table).group_by(columns).len().collect().rows()
    return {row[0] if len(columns) == 1 else row[:-1]: row[-1] for row in rows}


def test_no_shows(made: Any) -> None:
    lake = made("noshow")
    assert counts(lake, "silver.appointments", "appointment_status") == {"completed": 52_841, "no_show": 13_488}
    assert rules(lake, "appointments") == {"patient_id|mangled": 5}


def test_a_sales_pipeline(made: Any) -> None:
    lake = made("crm")
    assert counts(lake, "silver.opportunities", "stage_name", "is_won", "is_closed") == {
        ("Won", True, True): 4_238,
        ("Lost", False, True): 2_473,
        ("Engaging", False, False): 1_589,
        ("Prospecting", False, False): 500,
    }
    days = pl.col("created_date").min(), pl.col("close_date").max(), pl.col("amount").sum()
    assert lake.scan("silver.opportunities").select(days).collect().row(0) == (
        date(2016, 10, 20),
        date(2017, 12, 31),
        Decimal("10005534.0000"),
    )


def test_a_salesforce_sync_of_deleted_rows(made: Any) -> None:
    lake = made("sf")
    assert lake.scan("silver.opportunities").collect().is_empty()
    held = lake.storage.scan("silver.opportunities").select("withdrawn", "created_date").collect()
    assert (held.height, held["withdrawn"].all(), held["created_date"].min()) == (10, True, date(2018, 10, 31))


@pytest.mark.server
def test_a_salesforce_org(salesforce: Org, made: Any) -> None:
    lake, by_file = made("org"), made("sf")
    held = lake.storage.scan("silver.opportunities").group_by("withdrawn").len().collect()
    assert dict(held.iter_rows()) == {True: 10, False: 8_800}
    assert lake.storage.scan("bronze.providers").collect().height == 10 + 4
    assert {one["error"] for one in lake.status()["sources"]} == {None}
    assert salesforce.client_secret not in "".join(
        path.read_text("utf-8") for path in lake.storage.local.rglob("*.toml")
    )
    # From an org and from its file, they are the same.
    kept = ["opportunity_id", "stage_name", "amount", "is_won", "is_closed", "created_date", "close_date", "withdrawn"]
    one = by_file.storage.scan("silver.opportunities").select(kept).sort(kept).collect()
    other = lake.storage.scan("silver.opportunities").filter("withdrawn").select(kept).sort(kept).collect()
    assert one.equals(other)


def test_fhir(made: Any) -> None:
    lake = made("fhir")
    assert [lake.scan(f"silver.{one}").collect().height for one in ("visits", "medications", "providers")] == [
        50,
        39,
        32,
    ]
    assert counts(lake, "silver.visits", "visit_type") == {"ambulatory": 46, "emergency": 4}
    visits = lake.scan("silver.visits").select("visit_id", "patient_key")
    # Orders and visits name their patients alike, and each order its visit.
    both = lake.scan("silver.medications").join(visits, on=["visit_id", "patient_key"]).collect()
    assert both.height > 0
    assert counts(lake, "silver.provider_references", "matched_by")["name"] == 4


def test_synthea(made: Any) -> None:
    lake = made("synthea")
    assert lake.scan("silver.visits").collect().height == 5_598
    assert lake.scan("silver.claims").collect().is_empty()
    assert counts(lake, "silver.provider_references", "matched_by") == {"alias": 238}


def test_fhir_pulled(made: Any) -> None:
    lake = made("fhir-pulled")
    assert [lake.scan(f"silver.{one}").collect().height for one in ("visits", "medications", "providers")] == [
        50,
        39,
        32,
    ]
    # Every encounter finds its patient; two of them live at 00000, which is no ZIP code.
    patients = lake.scan("silver.visits").select(pl.col("patient_zip3", "patient_age").count()).collect()
    assert patients.row(0) == (48, 50)
    assert {one["source"] for one in lake.status()["sources"] if one["error"] is None} >= {"visits", "providers"}


def test_synthea_pulled(made: Any) -> None:
    lake = made("synthea-pulled")
    assert lake.scan("silver.visits").collect().height == 5_598
    assert counts(lake, "silver.provider_references", "matched_by") == {"alias": 238}


def test_no_shows_pulled(made: Any) -> None:
    lake = made("noshow-pulled")
    assert counts(lake, "silver.appointments", "appointment_status") == {"completed": 52_841, "no_show": 13_488}


def test_the_examples_of_the_docs_are_maps() -> None:
    text = (DOCS / "mapping.md").read_text("utf-8")
    examples = re.findall(r"^```toml\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    assert len(examples) == 4
    for example in examples:
        assert parse(tomllib.loads(example), "map.toml").said()
