"""What a folder's files come as: archives, and files whose last line says what they hold."""

import gzip
import zipfile

import polars as pl
import pytest

from carti_lake.pull.secrets import SourceError
from tests.pull.conftest import declare, put, taken
from tests.worlds.lakes import visit


def text(*rows):
    return pl.DataFrame(list(rows)).write_csv()


def packed(path, **members):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)


def test_each_file_of_an_archive_is_taken_once(world, drop, amounts):
    declare(world, drop)
    packed(drop / "march.zip", **{"visits_2026-03-08.csv": text(visit(1)), "b/visits_2026-03-09.csv": text(visit(2))})
    assert taken(world) == (["visits_2026-03-08.csv", "visits_2026-03-09.csv"], [])
    assert taken(world) == ([], [])
    put(drop, "visits_2026-03-08.csv", visit(1))
    assert taken(world) == ([], []), "the same content by itself"
    assert amounts() == {"V1": 100, "V2": 100}


def test_one_bad_file_in_an_archive_is_said_and_the_archive_tried_again(world, drop):
    declare(world, drop)
    packed(drop / "a.zip", **{"a_2026-03-08.csv": text(visit(1)), "b_2026-03-08.csv": "nothing\nhere\n"})
    (pulled,) = world.lake.pull()
    assert (pulled.rows, "b_2026-03-08.csv" in pulled.error) == (1, True)
    packed(drop / "a.zip", **{"a_2026-03-08.csv": text(visit(1)), "b_2026-03-08.csv": text(visit(2))})
    assert taken(world)[0] == ["b_2026-03-08.csv"]


def test_an_archive_that_is_damaged_takes_nothing_from_itself(world, drop):
    declare(world, drop)
    packed(drop / "a.zip", **{"a_2026-03-08.csv": text(visit(1)), "b_2026-03-08.csv": text(visit(2))})
    whole = (drop / "a.zip").read_bytes()
    (drop / "a.zip").write_bytes(whole[:-40])
    (pulled,) = world.lake.pull()
    assert (pulled.rows, "damaged or cut short" in pulled.error) == (0, True)
    (drop / "a.zip").write_bytes(whole)
    assert len(taken(world)[0]) == 2


TRAILER = "TRL|{rows}|{sum:claim_amount}|{*}"


@pytest.mark.parametrize(
    "line",
    [
        "TRL|2|400.50|x",
        "TRL|0000002|400.5|",
        '  TRL|"2"| "$400.50" |20260308  ',
        "TRL|2|400.50|a|b",
        "TRL|2|400.50|\n\n\x1a",
    ],
)
def test_a_file_that_agrees_with_its_trailer_is_taken_without_it(world, drop, amounts, line):
    declare(world, drop, trailer=TRAILER)
    rows = text(visit(1), visit(2, claim_amount="300.50"))
    (drop / "a_2026-03-08.csv").write_text(rows + line, "utf-8")
    assert taken(world) == (["a_2026-03-08.csv"], [])
    assert amounts() == {"V1": 100, "V2": 300.5}
    assert taken(world) == ([], [])


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("TRL|3|400.50|x", "2 rows, where it says 3"),
        ("TRL|1|400.50|x", "2 rows, where it says 1"),
        ("TRL|2|400.51|x", "claim_amount comes to 400.50, where it says 400.51"),
        ("TRL|2|-400.50|x", "where it says -400.50"),
        ("TRL|2.5|400.50|x", "a number of rows that is none"),
        ("TRL|2", "no trailer as declared"),
        ("", "no trailer as declared"),
    ],
)
def test_a_file_that_does_not_is_refused_and_tried_again(world, drop, line, said):
    declare(world, drop, trailer=TRAILER)
    rows = text(visit(1), visit(2, claim_amount="300.50"))
    put(drop, "b_2026-03-08.csv", visit(5))
    (drop / "b_2026-03-08.csv").write_text(text(visit(5)) + "TRL|1|100|\n", "utf-8")
    (drop / "a_2026-03-08.csv").write_text(rows + line, "utf-8")
    (pulled,) = world.lake.pull()
    assert said in pulled.error
    assert [one.name for one in pulled.loaded] == ["b_2026-03-08.csv"]
    (drop / "a_2026-03-08.csv").write_text(rows + "TRL|2|400.50|x", "utf-8")
    assert taken(world)[0] == ["a_2026-03-08.csv"]


def test_a_row_that_was_cut_out_of_the_middle_is_noticed_in_packed_files_too(world, drop):
    declare(world, drop, trailer="{*},{rows+2}")
    content = text(visit(1), visit(2), visit(3)) + "END,5\n"
    (drop / "a_2026-03-08.csv.gz").write_bytes(gzip.compress(content.encode()))
    packed(drop / "b.zip", **{"b_2026-03-08.csv": text(visit(4), visit(5)) + "END,5\n"})
    (pulled,) = world.lake.pull()
    assert [one.rows for one in pulled.loaded] == [3]
    assert "b_2026-03-08.csv: its trailer does not agree with it: 2 rows, where it says 3" in pulled.error


def test_amounts_of_many_rows_add_up_to_the_cent(world, drop):
    declare(world, drop, trailer="T,{rows},{sum:claim_amount}")
    rows = pl.select(number=pl.int_range(200_000)).with_columns(
        visit_id="V" + pl.col("number").cast(pl.String),
        **{k: pl.lit(v) for k, v in visit(1).items() if k != "visit_id"},
    )
    rows = rows.with_columns(claim_amount=(pl.col("number") * 31 % 99_999_999).cast(pl.Float64) / 100).drop("number")
    cents = sum(number * 31 % 99_999_999 for number in range(200_000))
    (drop / "a_2026-03-08.csv").write_text(rows.write_csv() + f"T,200000,{cents / 100:.2f}\n", "utf-8")
    assert taken(world)[0] == ["a_2026-03-08.csv"]


@pytest.mark.parametrize(
    ("trailer", "said"),
    [
        ("TRL", "says neither"),
        ("TRL|{*}", "says neither"),
        ("TRL|{count}", "none of {rows}"),
        ("TRL|{sum:visit_id}", "which is no number of ehr_visits"),
        ("TRL|{sum:nobody}", "which is no number of ehr_visits"),
    ],
)
def test_a_trailer_that_cannot_be_checked_is_refused_when_it_is_declared(world, drop, trailer, said):
    declare(world, drop, trailer=trailer)
    with pytest.raises(SourceError, match=said):
        world.lake.sources()
