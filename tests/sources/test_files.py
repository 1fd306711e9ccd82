import bz2
import gzip
import io
import json
import lzma
import os
import random
import tarfile
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pyarrow as pa
import pytest

from carti_lake.pipeline.bronze import bronze
from carti_lake.sources.extract import ExtractError
from carti_lake.sources.files import explain_failure, open_paths
from carti_lake.sources.map_file import source_map
from carti_lake.tables.feeds import FEEDS, EhrAppointments, EhrVisits, SalesforceCrm, SalesforceOpportunities

HEADER = "patient_id,visit_date,diagnosis_code,procedure_code,provider_name,claim_amount,claim_paid,claim_status"
ROWS = [
    "P1,2026-01-05,C50.911,99213,Dr. Brown,120.5,80,Paid",
    "P2,2026-01-06,C34.90,77427,Dr. Müller,2300,0,Denied",
]
VISITS = "\n".join([HEADER, *ROWS]) + "\n"


def opened(path, feed=EhrVisits, **how):
    (extract,) = open_paths([path], feed, **{**how, "mapping": source_map(how.get("mapping"))})
    return extract


def loaded(path, feed=EhrVisits, **how):
    extract = opened(path, feed, **how)
    return bronze(extract.rows, feed).collect(engine="streaming")


def written(path, content):
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def refused(path, feed=EhrVisits, **how):
    """The message with which the file is refused, when it is opened or when its rows are read."""
    try:
        extract = opened(path, feed, **how)
    except ExtractError as error:
        return str(error)
    with pytest.raises(Exception) as failure:
        bronze(extract.rows, feed).collect(engine="streaming")
    return str(explain_failure(extract, failure.value))


def tar(content):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        member = tarfile.TarInfo("visits.csv")
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content))
    return out.getvalue()


@pytest.fixture
def expected(tmp_path):
    rows = loaded(written(tmp_path / "plain.csv", VISITS))
    assert rows["claim_amount"].to_list() == [120.5, 2300]
    assert rows["provider_name"].to_list() == ["Dr. Brown", "Dr. Müller"]
    assert rows["rescued"].null_count() == 2
    return rows


def records():
    return pl.read_csv(io.StringIO(VISITS), try_parse_dates=True)


def as_ndjson():
    return "\n".join(json.dumps(row) for row in pl.read_csv(io.StringIO(VISITS)).to_dicts())


def as_parquet():
    target = io.BytesIO()
    records().write_parquet(target)
    return target.getvalue()


def as_xlsx(*, title_rows=0):
    import xlsxwriter

    target = io.BytesIO()
    with xlsxwriter.Workbook(target, {"default_date_format": "yyyy-mm-dd"}) as book:
        book.add_worksheet("Notes").write(0, 0, "How to read this report")
        sheet = book.add_worksheet("Visits")
        for place, title in enumerate(["Visits of January", "", "confidential"][:title_rows], 1):
            sheet.write(place, 0, title)
        start = title_rows + bool(title_rows)
        sheet.write_row(start, 0, HEADER.split(","))
        for place, row in enumerate(records().rows(), start + 1):
            sheet.write_row(place, 0, row)
    return target.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(VISITS.replace("\n", "\r\n"), id="Windows line ends"),
        pytest.param(VISITS.replace("\n", "\r"), id="old Mac line ends"),
        pytest.param(VISITS.rstrip("\n"), id="no line end at the end"),
        pytest.param(VISITS.replace("\n", "\n\n") + "\n\r\n", id="blank lines"),
        pytest.param(VISITS.replace(",", ";"), id="semicolons"),
        pytest.param(VISITS.replace(",", "\t"), id="tabs"),
        pytest.param(VISITS.replace(",", "|"), id="pipes"),
        pytest.param("\n".join(",".join(f'"{x}"' for x in row.split(",")) for row in VISITS.splitlines()), id="quoted"),
        pytest.param("Visits of January, 2 rows\n\n\n" + VISITS, id="title rows"),
        pytest.param('Visits on 5" paper\r\n\r\n' + VISITS.replace("\n", "\r\n"), id="title with a quote"),
        pytest.param(VISITS.replace("claim_paid", '"claim\npaid"'), id="header of two lines"),
        pytest.param(VISITS.encode("utf-8-sig"), id="UTF-8 with BOM"),
        pytest.param(VISITS.encode("utf-16"), id="UTF-16"),
        pytest.param(VISITS.encode("utf-16-le"), id="UTF-16 LE without BOM"),
        pytest.param(VISITS.encode("utf-16-be"), id="UTF-16 BE without BOM"),
        pytest.param(VISITS.encode("cp1252"), id="Windows-1252"),
        pytest.param(VISITS.encode("cp1252").replace(b"\n", b"\r\n"), id="Windows-1252, Windows line ends"),
        pytest.param(gzip.compress(VISITS.encode()), id="gzip"),
        pytest.param(gzip.compress(HEADER.encode() + b"\n") + gzip.compress("\n".join(ROWS).encode()), id="two gzips"),
        pytest.param(pa.compress(VISITS.encode(), codec="zstd", asbytes=True), id="zstd"),
        pytest.param(gzip.compress(VISITS.encode("utf-16")), id="gzip of UTF-16"),
        pytest.param(as_ndjson(), id="NDJSON"),
        pytest.param("\ufeff" + as_ndjson() + "\n\n", id="NDJSON with BOM and blank lines"),
        pytest.param(gzip.compress(as_ndjson().encode()), id="NDJSON, gzip"),
        pytest.param(pa.compress(as_ndjson().encode(), codec="zstd", asbytes=True), id="NDJSON, zstd"),
        pytest.param(as_parquet(), id="Parquet"),
        pytest.param(as_xlsx(), id="XLSX"),
        pytest.param(as_xlsx(title_rows=3), id="XLSX with title rows"),
    ],
)
def test_the_content_tells_the_kind_of_a_file_and_the_rows_are_the_same(tmp_path, expected, content):
    # The extension says nothing.
    assert loaded(written(tmp_path / "visits.dat", content)).equals(expected)


@pytest.mark.parametrize(
    ("written_as", "name"),
    [
        ('"Dana \\"Dee Ortiz"', 'Dana "Dee Ortiz'),
        ('"Ortiz, \\"Dee\\", C:\\\\"', 'Ortiz, "Dee", C:\\'),
        ("Ortiz\\, Dana", "Ortiz, Dana"),
        ('"Dana "Dee Ortiz"', 'Dana "Dee Ortiz'),
        ('William "Bill" Smith', 'William "Bill" Smith'),
        ('Smith "Bill"', 'Smith "Bill"'),
        ('5" Smith', '5" Smith'),
        ("'Ortiz, Dana'", "Ortiz, Dana"),
        ("'O''Brien', Pat'".replace("', P", ", P"), "O'Brien, Pat"),
        ('"C:\\Dana\\"', "C:\\Dana\\"),
    ],
)
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_one_dialect_explains_every_record(tmp_path, monkeypatch, written_as, name, newline):
    monkeypatch.setattr("carti_lake.sources.blocks.BLOCK", 4096)
    odd = ROWS[0].replace("Dr. Brown", written_as)
    # Far apart, in several blocks.
    lines = [*VISITS.splitlines(), odd, *[ROWS[0]] * 200, odd, ROWS[0], odd]
    rows = loaded(written(tmp_path / "v.csv", newline.join(lines) + newline))
    assert rows["provider_name"].to_list() == [
        "Dr. Brown",
        "Dr. Müller",
        name,
        *["Dr. Brown"] * 200,
        name,
        "Dr. Brown",
        name,
    ]
    assert rows["claim_status"].to_list() == ["Paid", "Denied", *["Paid"] * 204]
    assert rows["rescued"].null_count() == rows.height


def test_rows_quoted_by_apostrophes(tmp_path):
    lines = [",".join(f"'{field}'" for field in line.split(",")) for line in VISITS.splitlines()]
    assert loaded(written(tmp_path / "v.csv", "\n".join(lines))).equals(loaded(written(tmp_path / "w.csv", VISITS)))
    lines[0] = HEADER
    assert loaded(written(tmp_path / "v.csv", "\n".join(lines))).equals(loaded(written(tmp_path / "w.csv", VISITS)))


@pytest.mark.parametrize(
    "turned",
    [
        HEADER.replace("claim_amount,claim_paid", "claim_paid,claim_amount"),
        HEADER.replace("claim_paid", "allowed_amount"),
        ",".join(f'"{one}"' for one in reversed(HEADER.split(","))),
    ],
)
def test_files_of_two_layouts_put_together_are_refused(tmp_path, turned):
    """Else the amounts of the second would be those of another column, and nothing would tell."""
    lines = VISITS.splitlines()
    path = written(tmp_path / "v.csv", "\n".join([*lines, turned, *lines[1:]]) + "\n")
    with pytest.raises(ExtractError, match=rf"line {len(lines) + 1}: another header.*line 1.*Load them apart"):
        opened(path)


def test_a_header_that_is_repeated_is_a_row_that_is_refused_alone(tmp_path):
    lines = VISITS.splitlines()
    path = written(tmp_path / "v.csv", "\n".join([*lines, lines[0], *lines[1:]]) + "\n")
    assert loaded(path).height == 2 * len(lines) - 1


def test_files_put_together_have_byte_order_marks_within(tmp_path):
    path = written(tmp_path / "v.csv", "\ufeff" + VISITS + "\ufeff" + VISITS.removeprefix(HEADER + "\n"))
    assert loaded(path)["patient_id"].to_list() == ["P1", "P2", "P1", "P2"]


def test_a_header_wider_than_the_first_block(tmp_path):
    wide = "".join(f",extra column number {number:010}" for number in range(12_000))
    lines = [
        HEADER.replace(",claim_status", f"{wide},claim_status"),
        *[row.replace(",0,", f",0{',' * 12_000},") for row in ROWS[1:]],
    ]
    assert loaded(written(tmp_path / "v.csv", "\n".join(lines)))["claim_status"].to_list() == ["Denied"]


def test_an_html_page_is_told(tmp_path):
    page = f"<html><body><table><tr><td>{'</td><td>'.join(HEADER.split(','))}</td></tr></table></body></html>"
    assert "v.xls: an HTML page" in refused(written(tmp_path / "v.xls", page))


def test_foreign_columns_of_one_name_are_kept_apart(tmp_path):
    path = written(
        tmp_path / "v.csv",
        "\n".join(f"{line},{end}" for line, end in zip(VISITS.splitlines(), ["note,note", "a,b", "c,"], strict=True)),
    )
    assert [json.loads(text) for text in loaded(path)["rescued"]] == [{"note": "a", "note (2)": "b"}, {"note": "c"}]


def test_headers_that_name_no_column_are_told_with_the_nearest(tmp_path):
    path = written(
        tmp_path / "v.csv",
        VISITS.replace("claim_status", "claim_status,payor,Region")
        .replace("Paid\n", "Paid,Aetna,South\n")
        .replace("Denied\n", "Denied,Aetna,South\n"),
    )
    assert opened(path).notes == (
        'no column of ehr_visits, kept in rescued: "payor" (near payer: map it with --map FILE if it is), "Region"',
    )


def test_a_mapping_of_a_header_that_is_not_there_is_refused(tmp_path):
    path = written(tmp_path / "v.csv", VISITS.replace("claim_amount", "Billed amount"))
    assert (
        'there is no header "Biled amount", which the map maps to claim_amount; did you mean "Billed amount"?'
        in refused(path, mapping={"Biled amount": "claim_amount"})
    )


def test_mixed_encodings_in_one_file(tmp_path):
    rows = [row.encode(encoding) for row, encoding in [(ROWS[1], "cp1252"), (ROWS[1], "utf-8"), (ROWS[1], "latin-1")]]
    path = written(tmp_path / "mixed.csv", b"\n".join([HEADER.encode(), *rows]))
    assert loaded(path)["provider_name"].to_list() == ["Dr. Müller"] * 3


def test_mixed_encodings_beyond_the_first_block(tmp_path):
    path = written(
        tmp_path / "mixed.csv", VISITS.encode() + (ROWS[0].encode() + b"\n") * 30_000 + ROWS[1].encode("cp1252")
    )
    assert loaded(path)["provider_name"][-1] == "Dr. Müller"


def test_what_fits_no_type_is_rescued_verbatim(tmp_path):
    path = written(tmp_path / "v.csv", f'{HEADER},Region\nP1,31/02/2026,C50,99213,Dr. Brown,"$1,234",80,Paid,South\n')
    row = loaded(path).row(0, named=True)
    assert (row["visit_date"], row["claim_amount"]) == (None, None)
    assert json.loads(row["rescued"]) == {"visit_date": "31/02/2026", "claim_amount": "$1,234", "Region": "South"}


def test_a_mapping_renames_foreign_headers(tmp_path):
    path = written(tmp_path / "v.csv", VISITS.replace("claim_amount", "Billed $"))
    assert 'column "claim_amount" is missing' in refused(path)
    assert loaded(path, mapping={"billed $": "claim_amount"})["claim_amount"].to_list() == [120.5, 2300]


def test_a_header_without_rows_is_an_empty_extract(tmp_path):
    assert loaded(written(tmp_path / "v.csv", HEADER)).height == 0
    assert loaded(written(tmp_path / "v.csv", HEADER + "\r\n\r\n")).height == 0


def test_columns_without_header_and_values_do_no_harm(tmp_path):
    path = written(tmp_path / "v.csv", "\n".join(line + ",," for line in VISITS.splitlines()))
    assert loaded(path)["rescued"].null_count() == 2


def cut(content):
    return content[: len(content) * 2 // 3]


NOISE = random.Random(1).randbytes(5000)
LONG = VISITS + "\n".join(f"P{n},2026-01-05,C50.911,99213,Dr. Brown,{n}.5,80,Paid" for n in range(2000)) + "\n"


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        pytest.param(b"", "v.csv: the file is empty", id="empty"),
        pytest.param(b"\xef\xbb\xbf\r\n \n", "v.csv: the file is empty", id="nothing but blanks"),
        pytest.param(cut(gzip.compress(LONG.encode())), "v.csv: the gzip stream breaks off", id="truncated gzip"),
        pytest.param(
            cut(pa.compress(NOISE, codec="zstd", asbytes=True)),
            "v.csv: the zstd stream breaks off",
            id="truncated zstd",
        ),
        pytest.param(NOISE, "v.csv: a binary file", id="binary"),
        pytest.param(bz2.compress(VISITS.encode()), "v.csv: packed by bzip2. Unpack it", id="bzip2"),
        pytest.param(lzma.compress(VISITS.encode()), "v.csv: packed by xz. Unpack it", id="xz"),
        pytest.param(gzip.compress(tar(VISITS.encode())), "v.csv: packed by tar. Unpack it", id="tar"),
        pytest.param(cut(as_parquet()), "v.csv: a Parquet file whose footer", id="truncated Parquet"),
        pytest.param(cut(as_xlsx()), "v.csv: an archive or Office file, but no workbook", id="truncated XLSX"),
        pytest.param(VISITS.encode("utf-16")[:-1], "v.csv: begins as UTF-16", id="truncated UTF-16"),
        pytest.param(
            VISITS.replace(",", "#"), "v.csv, line 1: no column of the feed ehr_visits", id="unknown separator"
        ),
        pytest.param(VISITS.replace(ROWS[1], ROWS[1].replace(",", ";")), "line 3: 1 field where", id="two separators"),
        pytest.param(VISITS + "P3,2026-01", "line 4: 2 fields where the header has 8", id="cut short"),
        pytest.param(VISITS + ROWS[0] + ",x\n", "line 4: 9 fields where the header has 8", id="too many fields"),
        pytest.param(VISITS + 'P3,"2026' + ROWS[0], 'line 4: a quote (") is opened', id="unclosed quote"),
        pytest.param(
            VISITS + ROWS[0].replace("Dr. Brown", '"Dr." Brown'), 'line 4: a quote (") stands', id="stray quote"
        ),
        pytest.param(
            LONG
            + ROWS[0].replace("Dr. Brown", '"Dana "Dee\' Ortiz')
            + "\n"
            + LONG[len(HEADER) + 1 :]
            + ROWS[0].replace("Dr. Brown", 'Dana Dee Ortiz"')
            + "\n"
            + LONG,
            "line 2004: a quote",
            id="two stray quotes far apart",
        ),
        pytest.param(
            VISITS
            + ROWS[0].replace("Dr.", '"Dr.')
            + "\n"
            + LONG[len(HEADER) + 1 :]
            + ROWS[0].replace("Brown", 'Brown"'),
            "line 4: a quote is opened in this record and closed lines later",
            id="records within quotes",
        ),
        pytest.param(
            VISITS.replace("Dr. Brown", '"Dr. \\"B\\" Brown"') + ROWS[0].replace("Dr. Brown", '"Dr. "B" Brown"'),
            'line 2: a quote (") stands',
            id="two dialects",
        ),
        pytest.param(
            VISITS + ROWS[0] + ",x\n" + ROWS[0].removesuffix(",Paid"),
            "line 4: 9 fields where",
            id="one long, one short",
        ),
        pytest.param(VISITS.replace("77427", "7\x0027"), 'line 3, column "procedure_code": a NUL byte', id="NUL"),
        pytest.param("\n".join(ROWS), "line 1: no column of the feed", id="no header"),
        pytest.param(VISITS.replace("claim_paid,", "payment,"), 'line 1: column "claim_paid" is missing', id="column"),
        pytest.param(
            "\n\n" + VISITS.replace("visit_date", "x").replace("claim_paid,", "y,"),
            'line 3: columns "visit_date", "claim_paid" are missing; the feed ehr_visits needs them',
            id="columns",
        ),
        pytest.param(VISITS.replace("diagnosis_code", "Patient ID"), "is missing", id="one header twice, one missing"),
        pytest.param(
            as_ndjson() + '\n{"patient_id": "P3", ', "v.csv, line 3: the line is no JSON", id="NDJSON cut short"
        ),
        pytest.param(as_ndjson() + "\n[1, 2]", "v.csv, line 3: the line is no JSON object", id="NDJSON of arrays"),
        pytest.param('{"a": 1}', "v.csv: columns", id="NDJSON of something else"),
    ],
)
def test_a_bad_file_is_refused_with_place_and_remedy(tmp_path, content, complaint):
    message = refused(written(tmp_path / "v.csv", content))
    assert complaint in message
    assert not any(value in message for value in ("P1", "P2", "P3", "Brown", "C50"))


def test_duplicate_headers_are_refused(tmp_path):
    path = written(tmp_path / "v.csv", "\n".join(line + "," + line.split(",")[0] for line in VISITS.splitlines()))
    assert 'v.csv, line 1: 2 headers deliver the column "patient_id"' in refused(path)


def test_refused_before_the_first_row_is_read(tmp_path):
    path = written(tmp_path / "v.csv", LONG + "P9,2026-01-05")
    with pytest.raises(ExtractError, match=r"v.csv, line 2004: 2 fields"):
        opened(path)


def test_a_file_that_changes_between_opening_and_reading_is_explained(tmp_path):
    path = written(tmp_path / "v.csv", VISITS)
    extract = opened(path)
    written(path, VISITS + ROWS[0] + ",more,fields\n")
    with pytest.raises(pl.exceptions.PolarsError) as failure:
        extract.rows.collect(engine="streaming")
    assert "v.csv" in str(explain_failure(extract, failure.value))


@pytest.mark.parametrize(
    ("name", "day"),
    [
        ("ehr_visits_2026-11-22.csv", date(2026, 11, 22)),
        ("20260101_visits_20261122.csv.gz", date(2026, 11, 22)),
        ("visits-2026-11-22T0600.csv", date(2026, 11, 22)),
        ("visits_2026-13-45_v20261122.csv", date(2026, 11, 22)),
        ("visits_202611221.csv", date(2026, 3, 4)),
        ("visits.csv", date(2026, 3, 4)),
    ],
)
def test_the_extract_date_is_the_last_date_in_the_name_else_the_day_of_delivery(tmp_path, name, day):
    path = written(tmp_path / name, VISITS)
    os.utime(path, ns=(0, int(datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC).timestamp()) * 10**9 + 123_456_789))
    assert opened(path).extract_date == day


@pytest.mark.parametrize(
    ("name", "moment"),
    [
        ("visits-2026-11-22T0600.csv", datetime(2026, 11, 22, 6, tzinfo=UTC)),
        ("visits_2026-11-22.csv", datetime(2026, 3, 4, 5, 6, 7, 123_000, tzinfo=UTC)),
    ],
)
def test_it_was_delivered_at_the_time_in_the_name_else_at_that_of_the_file(tmp_path, name, moment):
    path = written(tmp_path / name, VISITS)
    os.utime(path, ns=(0, int(datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC).timestamp()) * 10**9 + 123_456_789))
    assert opened(path).delivered_at == moment


def test_a_name_whose_day_can_be_two_is_refused_with_both_unless_something_tells(tmp_path):
    path = written(tmp_path / "visits_03042026.csv", VISITS)
    with pytest.raises(
        ExtractError, match=r"03042026 in its name is 4 March 2026 or 3 April 2026.*--extract-date.*map"
    ):
        opened(path)
    assert opened(path, extract_date=date(2026, 4, 3)).extract_date == date(2026, 4, 3)
    assert opened(path, mapping={"defaults": {"date_order": "mdy"}}).extract_date == date(2026, 3, 4)
    written(tmp_path / "visits_31032026.csv", VISITS)
    assert opened(path).extract_date == date(2026, 4, 3)
    assert {one.extract_date for one in open_paths([tmp_path], EhrVisits)} == {date(2026, 4, 3), date(2026, 3, 31)}


def test_a_folder_whose_day_can_be_two_is_refused_as_well(tmp_path):
    (tmp_path / "dt=03-04-2026").mkdir()
    path = written(tmp_path / "dt=03-04-2026" / "part-0304.csv", VISITS)
    with pytest.raises(ExtractError, match="4 March 2026 or 3 April 2026"):
        opened(path)
    assert opened(path, mapping={"defaults": {"date_order": "dmy"}}).extract_date == date(2026, 4, 3)


def test_given_dates_go_before_those_of_the_file(tmp_path):
    path = written(tmp_path / "visits_2026-01-01.csv", VISITS)
    extract = opened(path, extract_date=date(2026, 2, 2), delivered_at=datetime(2026, 2, 3, 4, tzinfo=UTC))
    assert (extract.extract_date, extract.delivered_at) == (date(2026, 2, 2), datetime(2026, 2, 3, 4, tzinfo=UTC))


def test_the_content_hash_is_that_of_the_bytes(tmp_path):
    one, two, other = (
        opened(written(tmp_path / name, content)).content_hash
        for name, content in [("a.csv", VISITS), ("b.csv", VISITS), ("c.csv", VISITS + ROWS[0])]
    )
    assert one == two != other


def test_temporary_files_go_with_the_extract(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    path = written(tmp_path / "v.csv.gz", gzip.compress(VISITS.encode("cp1252")))
    extract = opened(path)
    assert list((tmp_path / "temporary").rglob("decoded*"))
    del extract
    assert not list((tmp_path / "temporary").iterdir())
    refused(written(tmp_path / "v.csv.gz", gzip.compress(b"a,b\n1,2\n")))
    assert not list((tmp_path / "temporary").iterdir())


@pytest.mark.parametrize(
    ("feed", "file"),
    [
        ("sg2_patient_flow", "sg2_patient_flow_full"),
        ("salesforce_crm", "salesforce_crm_full"),
        ("ehr_visits", "ehr_data_full"),
    ],
)
def test_the_seed_loads_unchanged(shared: Path, feed: str, file: str):
    path = shared / "data/seed" / f"{file}.csv"
    rows = loaded(path, FEEDS[feed])
    delivered = pl.read_csv(path, infer_schema=False)
    assert rows["rescued"].null_count() == rows.height == delivered.height
    for name, dtype in FEEDS[feed].delivered().items():
        if name not in delivered.columns:
            assert rows[name].null_count() == rows.height
        elif dtype == pl.Float64:
            # Every digit: Python's own reading of the text is the nearest double.
            assert rows[name].to_list() == [float(text) for text in delivered[name]]
        else:
            assert rows[name].cast(pl.String).to_list() == delivered[name].to_list()


FOREIGN = [
    (
        "noshow/appointments.csv.gz",
        EhrAppointments,
        {
            "AppointmentID": "appointment_id",
            "PatientId": "patient_id",
            "Neighbourhood": "provider_name",
            "AppointmentDay": "appointment_date",
            "ScheduledDay": "booked_date",
            "No-show": "appointment_status",
            "Age": "patient_age",
        },
        66_334,
    ),
    (
        "synthea/encounters.csv.gz",
        EhrVisits,
        {
            "Id": "visit_id",
            "PATIENT": "patient_id",
            "START": "visit_date",
            "REASONCODE": "diagnosis_code",
            "CODE": "procedure_code",
            "PROVIDER": "provider_name",
            "TOTAL_CLAIM_COST": "claim_amount",
            "PAYER_COVERAGE": "claim_paid",
            "ENCOUNTERCLASS": "claim_status",
        },
        None,
    ),
    (
        "salesforce/sf_opportunity_data.csv",
        SalesforceOpportunities,
        {"id": "opportunity_id", "name": "opportunity_name"},
        None,
    ),
    (
        "salesforce/sales_pipeline.csv",
        SalesforceOpportunities,
        {"deal_stage": "stage_name", "close_value": "amount", "sales_agent": "provider_name"},
        8_800,
    ),
]


@pytest.mark.parametrize(("file", "feed", "mapping", "height"), FOREIGN, ids=[one[0] for one in FOREIGN])
def test_foreign_extracts_load_with_a_mapping_and_lose_nothing(shared: Path, file, feed, mapping, height):
    path = shared / "data" / file
    extract = opened(path, feed, mapping=mapping)
    rows = bronze(extract.rows, feed).collect(engine="streaming")
    delivered = extract.rows.collect()
    assert rows.height == delivered.height == (height or delivered.height) > 0
    kept = {name: rows.filter(pl.col(name).is_not_null()).height for name in feed.delivered()}
    for name in delivered.columns:
        rescued = rows["rescued"].str.contains(f'"{name}":', literal=True).sum()
        assert kept.get(name, 0) + rescued == delivered.height - delivered[name].null_count(), name


def test_crm_snapshot_of_a_spreadsheet(tmp_path):
    frame = pl.DataFrame(
        {
            "Provider Name": ["Dr. Brown"],
            "Contact Count": [59],
            "Deals Value": [383707],
            "Opportunity Value": [358683.5],
            "Marketing Cost": [14895],
            "Pipeline Stage": ["Negotiation"],
        }
    )
    frame.write_excel(tmp_path / "crm.xlsx")
    row = loaded(tmp_path / "crm.xlsx", SalesforceCrm).row(0, named=True)
    assert (row["contact_count"], row["opportunity_value"], row["rescued"]) == (59, 358683.5, None)
