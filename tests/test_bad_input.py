"""Extracts as they arrive on bad days: each loads, its bad rows in quarantine, or fails and says what to do."""

import gzip
import re
from collections.abc import Callable
from pathlib import Path

import openpyxl
import polars as pl
import pytest

from carti_lake.sources.extract import ExtractError
from tests.worlds.lakes import lake_in, load, visit

pytestmark = pytest.mark.slow

GOOD = [visit(1), visit(2)]
HEADER = ",".join(GOOD[0])


def line(row: dict[str, str | None], separator: str = ",") -> str:
    return separator.join(value or "" for value in row.values())


def text(*rows: dict[str, str | None], separator: str = ",") -> str:
    return "\n".join([HEADER.replace(",", separator), *(line(row, separator) for row in rows)]) + "\n"


@pytest.fixture
def lake(tmp_path):
    """A lake with one good batch of visits."""
    lake = lake_in(tmp_path / "lake")
    load(lake, "ehr_visits", [visit(90)], "2026-03-01")
    return lake


@pytest.fixture(scope="module")
def settled(tmp_path_factory):
    """A lake with a release, which no bad extract changes."""
    lake = lake_in(tmp_path_factory.mktemp("settled") / "lake")
    load(lake, "ehr_visits", [visit(90)], "2026-03-01")
    lake.run()
    return lake


@pytest.fixture
def extract(tmp_path) -> Callable[..., Path]:
    def write(content: str | bytes, name: str = "ehr_visits_2026-03-09.csv") -> Path:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


def bronze(lake):
    handle = lake.storage.open("bronze.ehr_visits")
    return handle.version(), lake.storage.scan("bronze.ehr_visits").collect()


def current(lake) -> list[str]:
    return sorted(lake.scan("silver.visits").collect()["visit_id"])


def refused(lake) -> list[tuple[int, str]]:
    return lake.quarantine("visits").select("row_number", "rules").sort("row_number").collect().rows()


def assert_refused(settled, path: Path, *said: str) -> None:
    """The extract fails with a message of these parts, without anyone's number, and bronze is as before."""
    version, rows = bronze(settled)
    with pytest.raises(ExtractError) as error:
        settled.load("ehr_visits", path)
    message = str(error.value)
    assert message.startswith(path.name)
    for part in said:
        assert re.search(part, message), message
    assert "MRN-" not in message
    assert bronze(settled)[0] == version
    assert bronze(settled)[1].equals(rows)
    assert settled.run().changed == ()


def assert_loads(lake, path: Path, rows: int) -> None:
    assert [one.rows for one in lake.load("ehr_visits", path)] == [rows]
    assert not lake.run(accept=["drift"]).failed


def test_a_truncated_gzip(settled, extract):
    whole = gzip.compress(text(*map(visit, range(2000))).encode())
    path = extract(whole[: len(whole) // 2], "ehr_visits_2026-03-09.csv.gz")
    assert_refused(settled, path, "gzip", "breaks off", "Ask the source for the file again")


def test_a_wrong_delimiter_is_found_out(lake, extract):
    assert_loads(lake, extract(text(*GOOD, separator=";")), 2)
    assert current(lake) == ["V1", "V2", "V90"]


def test_a_delimiter_that_nobody_uses(settled, extract):
    assert_refused(
        settled, extract(text(*GOOD, separator="#")), "line 1", "no column of the feed", "separated by comma"
    )


def test_a_delimiter_that_changes_half_way(settled, extract):
    path = extract(text(*GOOD) + line(visit(3), ";") + "\n")
    assert_refused(settled, path, r"line 4", "field")


def test_a_binary_file_named_csv(settled, extract):
    path = extract(bytes(range(256)) * 50)
    assert_refused(settled, path, "binary", "Export the extract as CSV")


def test_an_image_named_csv(settled, extract):
    assert_refused(settled, extract(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(200)), "binary")


def test_nul_bytes(settled, extract):
    path = extract(text(visit(1), visit(2, service_line="Lu\0ng"), visit(3)))
    assert_refused(settled, path, "line 3", "NUL", "service_line")


def test_a_workbook_with_a_title_row(lake, tmp_path):
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.append(["Visits of the ninth of March"])
    sheet.append([])
    sheet.append(list(GOOD[0]))
    for row in (visit(1), visit(2, visit_date="31/02/2026")):
        sheet.append(list(row.values()))
    path = tmp_path / "ehr_visits_2026-03-09.xlsx"
    book.save(path)

    assert_loads(lake, path, 2)

    assert current(lake) == ["V1", "V90"]
    assert refused(lake) == [(2, "visit_date|unreadable")]


def test_mixed_encodings(lake, extract):
    rows = [visit(1, provider_name="José Núñez"), visit(2, provider_name="José Núñez")]
    path = extract((HEADER + "\n").encode() + line(rows[0]).encode() + b"\n" + line(rows[1]).encode("cp1252") + b"\n")

    assert_loads(lake, path, 2)

    names = lake.scan("silver.visits").filter(pl.col("visit_id") != "V90").collect()["provider_name"]
    assert names.to_list() == ["José Núñez"] * 2


def test_utf16_with_a_byte_order_mark(lake, extract):
    assert_loads(lake, extract(text(*GOOD).encode("utf-16")), 2)
    assert current(lake) == ["V1", "V2", "V90"]


def test_duplicate_headers(settled, extract):
    path = extract(text(*GOOD).replace("service_line", "Claim Amount", 1))
    assert_refused(settled, path, "line 1", "Claim Amount", "claim_amount")


def test_a_missing_required_column(settled, extract):
    rows = [{name: value for name, value in row.items() if name != "diagnosis_code"} for row in GOOD]
    path = extract("\n".join([",".join(rows[0]), *map(line, rows)]))
    assert_refused(settled, path, "diagnosis_code", "--map")


def test_an_extract_of_another_feed(settled, extract):
    assert_refused(settled, extract("colour,size\nred,3\n"), "line 1", "no column of the feed ehr_visits")


def test_an_empty_file(settled, extract):
    assert_refused(settled, extract(""), "empty", "Ask the source for it again")


def test_a_day_without_rows_is_an_extract(lake, extract):
    assert_loads(lake, extract(HEADER + "\n"), 0)
    assert current(lake) == ["V90"]


def test_a_file_that_is_not_there(lake, tmp_path):
    with pytest.raises(ExtractError, match=r"absent\.csv: there is no such file\. Give a file"):
        lake.load("ehr_visits", tmp_path / "absent.csv")


def test_a_row_that_is_cut_off(settled, extract):
    assert_refused(settled, extract(text(*GOOD)[:-40]), "line 3", "field")


def test_an_unclosed_quote(settled, extract):
    path = extract(text(visit(1), visit(2, provider_name='"Lee, Ann'), visit(3)))
    assert_refused(settled, path, "line 3", "quote")


def test_a_date_of_the_31st_of_february(lake, extract):
    assert_loads(lake, extract(text(visit(1), visit(2, visit_date="31/02/2026"))), 2)

    assert current(lake) == ["V1", "V90"]
    assert refused(lake) == [(2, "visit_date|unreadable")]
    shown = lake.quarantine("visits", rule="visit_date").collect().row(0, named=True)
    assert (shown["row_number"], shown["unreadable"]) == (2, '{"visit_date":"31/02/2026"}')


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"claim_amount": "about 100"}, "claim_amount|unreadable"),
        ({"claim_amount": "-5"}, "claim_amount|min"),
        ({"claim_status": "XX"}, "claim_status|unreadable"),
        ({"diagnosis_code": "not a code"}, "diagnosis_code|unreadable"),
        ({"patient_id": None}, "patient_key|nullability"),
        ({"provider_name": None}, "rendering_provider_id|nullability"),
    ],
)
def test_a_bad_value_keeps_its_row_alone_out_of_silver(lake, extract, changes, rule):
    assert_loads(lake, extract(text(visit(1), visit(2, **changes))), 2)

    assert current(lake) == ["V1", "V90"]
    assert refused(lake) == [(2, rule)]


def test_a_corrected_redelivery_releases_the_row(lake, extract):
    assert_loads(lake, extract(text(visit(1), visit(2, visit_date="31/02/2026"))), 2)
    assert_loads(lake, extract(text(visit(2, visit_date="2026-02-28")), "ehr_visits_2026-03-10.csv"), 1)

    assert current(lake) == ["V1", "V2", "V90"]
    assert refused(lake) == []


def test_an_extract_that_fails_stops_neither_those_before_it_nor_a_second_try(lake, extract):
    first = extract(text(visit(1)), "ehr_visits_2026-03-02.csv")
    second = extract("", "ehr_visits_2026-03-03.csv")
    third = extract(text(visit(3)), "ehr_visits_2026-03-04.csv")
    with pytest.raises(ExtractError, match=r"ehr_visits_2026-03-03\.csv"):
        lake.load("ehr_visits", first, second, third)

    second.write_text(text(visit(2)))
    assert [one.rows for one in lake.load("ehr_visits", first, second, third)] == [0, 1, 1]
