"""The dial for dirt: none at 0, the share asked for above it."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from carti_lake.generate import dirt
from carti_lake.tables.feeds import FEEDS
from tests.worlds.networks import QUARTER, delivered


@pytest.fixture(scope="module")
def dirty():
    return delivered(replace(QUARTER, dirt=0.05))


def test_a_clean_network_delivers_dates_and_amounts_as_such(quarter):
    for feed, rows in quarter.items():
        declared = FEEDS[feed].delivered()
        assert [name for name, dtype in declared.items() if dtype == pl.Date and rows.schema[name] != pl.Date] == []
        assert [
            name for name, dtype in declared.items() if dtype.is_float() and not rows.schema[name].is_numeric()
        ] == []


def test_a_dirty_network_delivers_as_text_whatever_can_be_dirty(dirty):
    for feed, rows in dirty.items():
        assert all(rows.schema[name] == pl.String for name in dirt.columns(FEEDS[feed]))


def test_the_dial_is_the_share_of_rows_touched(quarter, dirty):
    touched = rows_in_all = 0
    for feed, rows in quarter.items():
        clean = dirt.as_text(rows.drop("extract_date"), FEEDS[feed])
        changed = clean.select(
            (pl.col(name).ne_missing(dirty[feed][name])).alias(name) for name in dirt.columns(FEEDS[feed])
        )
        assert (changed.sum_horizontal() <= 1).all(), f"{feed}: one value of a row at most"
        touched += changed.select(pl.any_horizontal(pl.all())).to_series().sum()
        rows_in_all += len(rows)
    # A name without accents stays as it is when its accents are dropped, so a little less than asked for shows.
    assert 0.045 < touched / rows_in_all < 0.052


def test_dirt_changes_nothing_else(quarter, dirty):
    for feed, rows in quarter.items():
        spoiled = set(dirt.columns(FEEDS[feed]))
        kept = [name for name in rows.columns if name not in spoiled and not name.endswith("_npi")]
        assert rows.select(kept).equals(dirty[feed].select(kept))


def test_all_kinds_of_dirt_are_seen(dirty):
    visits = dirty["ehr_visits"]
    dates = visits["visit_date"]
    for shape in (r"^31/02/\d{4}$", r"^\d{4}-13-01$", r"^\d{2}/\d{2}/\d{4}$", r" 00:00:00$"):
        assert dates.str.contains(shape).sum() > 0, shape
    amounts = visits["claim_amount"]
    for shape in (r"^\$\d{1,3}(,\d{3})*\.\d{2}$", r"^\d{1,3}(\.\d{3})*,\d{2}$", r"^\(\d+\.\d{2}\)$", r" USD$"):
        assert amounts.str.contains(shape).sum() > 0, shape
    assert (visits["claim_status"] == "???").sum() > 0
    assert visits["referral_id"].str.contains(r"^R-0\d+$").sum() > 0
    names = visits["provider_name"]
    for shape in (r"^[^a-z]+, [^a-z]+ (MD|DO)$", r"\S  \S", r"^Dr\. [^A-Z]+$"):
        assert names.str.contains(shape).sum() > 0, shape


@pytest.mark.parametrize(
    ("spoilers", "text", "expected"),
    [
        (dirt.AMOUNTS, "1234567.5", ["$1,234,567.50", "1.234.567,50", "(1234567.50)", "1234567.50 USD"]),
        (dirt.AMOUNTS, "12.3", ["$12.30", "12,30", "(12.30)", "12.30 USD"]),
        (dirt.DATES, "2026-03-09", ["31/02/2026", "2026-13-01", "Mar 09, 2026", "2026-03-09 00:00:00"]),
        (dirt.CODES, "Paid", ["???", "Paid-X9", " PAID "]),
        (dirt.KEYS, "R100", ["R-0100"]),
        (
            dirt.NAMES,
            "José Núñez, MD",
            ["NÚÑEZ, JOSÉ MD", " José  Núñez,  MD", "Jose Nunez, MD", "Dr. josé núñez"],
        ),
    ],
)
def test_values_are_spoilt_as_people_and_systems_do(spoilers, text, expected):
    frame = pl.DataFrame({"value": [text]})
    assert [frame.select(spoiler(pl.col("value"))).item() for spoiler in spoilers] == expected


def test_a_row_delivered_twice_is_malformed_twice_in_the_same_way():
    rows = pl.DataFrame({"npi": ["1"] * 8, "provider_name": ["Ana Díaz, MD"] * 8, "zip3": ["720"] * 8})
    columns = {name: pl.lit(None, pl.String) for name in FEEDS["providers"].delivered() if name not in rows.columns}
    origin = np.repeat(np.arange(4), 2)
    spoilt = dirt.spoil(rows.with_columns(**columns), FEEDS["providers"], np.random.default_rng(2), 1.0, origin)
    assert spoilt[::2].equals(spoilt[1::2])
    assert spoilt["provider_name"].n_unique() > 1
