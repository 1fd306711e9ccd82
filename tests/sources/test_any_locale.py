"""Any table in any locale, with null words and damaged cells: every value is read exactly or kept apart, or refused."""

import csv
import json
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from io import StringIO

import polars as pl
import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from carti_lake.pipeline.bronze import bronze
from carti_lake.pipeline.parse import parse_date, parse_number
from carti_lake.sources.apply import as_mapped
from carti_lake.sources.extract import ExtractError
from carti_lake.sources.files import open_paths
from carti_lake.sources.readings import asks, find_readings
from carti_lake.tables.checks import NULL_WORDS
from carti_lake.tables.feeds import SalesforceCampaigns

EXTRACT = date(2026, 3, 31)
DAYS, AMOUNTS = ["start_date", "end_date"], ["budgeted_cost", "actual_cost"]
COLUMNS = ["campaign_id", "status", *DAYS, *AMOUNTS]

Row = dict[str, object]


@dataclass(frozen=True)
class Locale:
    """How a source writes days and amounts.

    Attributes
    ----------
    day
        As for ``strftime``; None for Excel's serial numbers.
    time
        What stands behind each day.
    group, decimal
        Between thousands, and before cents.
    amount
        An amount in its surroundings.
    """

    day: str | None = "%Y-%m-%d"
    time: str = ""
    group: str = ""
    decimal: str = "."
    amount: str = "{}"

    def text(self, value: object) -> str:
        if isinstance(value, Decimal):
            # Whole amounts without cents, as spreadsheets write them.
            plain = f"{value:,.2f}".removesuffix(".00")
            return self.amount.format(plain.translate({ord(","): self.group, ord("."): self.decimal}))
        if isinstance(value, date):
            if self.day is None:
                return str((value - date(1899, 12, 30)).days)
            return value.strftime(self.day) + self.time
        return str(value)


DATES = ["%Y-%m-%d", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%Y/%m/%d", "%Y%m%d", "%d-%b-%Y", "%B %d, %Y"]
DATES += ["%d-%m-%y", "%m/%d/%y", "%d.%m.%y", "%y-%m-%d", "%d-%b-%y", None]
NUMBERS = [("", "."), (",", "."), ("", ","), (".", ","), (" ", ","), ("'", "."), ("\u202f", ",")]
TIMES = ["", "", " 0:00", "T00:00:00", " 12:00:00 AM"]


@st.composite
def locales(draw):
    day = draw(st.sampled_from(DATES))
    group, decimal = draw(st.sampled_from(NUMBERS))
    time = draw(st.sampled_from(TIMES)) if day not in (None, "%Y%m%d") else ""
    return Locale(day, time, group, decimal, draw(st.sampled_from(["{}", "${}", "{} ", "{} USD"])))


days = st.dates(date(2015, 1, 1), EXTRACT)
amounts = st.one_of(
    st.integers(0, 10_000_000).map(lambda cents: Decimal(cents) / 100), st.integers(0, 9_999_999).map(Decimal)
)


@st.composite
def tables(draw):
    """Rows as they are meant, one of them with an amount whose cents nobody can misread."""
    span = draw(st.sampled_from([3, 40, 4000]))
    first = draw(st.dates(EXTRACT - timedelta(days=4000), EXTRACT))
    near = st.dates(first, min(EXTRACT, first + timedelta(days=span)))
    rows = [
        {
            "campaign_id": f"K{number}",
            "status": draw(st.sampled_from(["Planned", "Completed", None])),
            "start_date": draw(near),
            "end_date": draw(st.one_of(st.none(), near)),
            "budgeted_cost": draw(st.one_of(st.none(), amounts)),
            "actual_cost": draw(amounts),
        }
        for number in range(draw(st.integers(1, 12)))
    ]
    rows[0]["actual_cost"] = Decimal(draw(st.integers(1, 9_999_999))) + Decimal("0.25")
    return rows


def written(rows: list[Row], locale: Locale, null: str, damage: dict[tuple[int, str], str]) -> str:
    out = StringIO()
    writer = csv.writer(out, delimiter=";" if locale.decimal == "," else ",")
    writer.writerow(COLUMNS)
    for number, row in enumerate(rows):
        cells = (null if row[name] is None else locale.text(row[name]) for name in COLUMNS)
        writer.writerow([damage.get((number, name), cell) for name, cell in zip(COLUMNS, cells, strict=True)])
    return out.getvalue()


def read(path, content: str) -> pl.DataFrame:
    """Rows as a load puts them into bronze, and what silver makes of the text that bronze has kept apart."""
    path.write_text(content, encoding="utf-8")
    (extract,) = open_paths([path], SalesforceCampaigns, extract_date=EXTRACT)
    rows = as_mapped(extract, SalesforceCampaigns)
    readings = find_readings(rows, extract, SalesforceCampaigns, whole=False)
    found = bronze(rows, SalesforceCampaigns, readings or {})
    if readings is None and asks(found, SalesforceCampaigns):
        found = bronze(rows, SalesforceCampaigns, find_readings(rows, extract, SalesforceCampaigns, whole=True) or {})
    apart = {name: pl.col("rescued").str.json_path_match(f"$.{name}") for name in (*DAYS, *AMOUNTS)}
    parsed = {name: (parse_date if name in DAYS else parse_number)(text) for name, text in apart.items()}
    return found.with_columns(pl.coalesce(name, value).alias(name) for name, value in parsed.items()).collect()


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return tmp_path_factory.mktemp("locales") / "campaigns.csv"


@settings(max_examples=30)
@given(tables(), locales(), st.sampled_from(sorted(NULL_WORDS)), st.data())
def test_every_value_is_read_exactly_or_kept_apart_or_the_file_is_refused(path, rows, locale, null, data):
    cells = st.tuples(st.integers(0, len(rows) - 1), st.sampled_from([*DAYS, *AMOUNTS]))
    junk = st.sampled_from(["?", "see note", "31/31/2026", "1,2,3", "12,34.5.6", "0x1F", "2026-02-30"])
    # The amount that tells of the decimal sign stays: nobody knows what 1.000 means where nothing else does.
    damage = data.draw(st.dictionaries(cells.filter(lambda cell: cell != (0, "actual_cost")), junk, max_size=2))
    try:
        found = read(path, written(rows, locale, null, damage))
    except ExtractError as error:
        event("refused")
        assert "Say" in str(error)
        return
    event("read")
    assert found["campaign_id"].to_list() == [row["campaign_id"] for row in rows]
    for number, (row, got) in enumerate(zip(rows, found.to_dicts(), strict=True)):
        rescued = json.loads(got["rescued"] or "{}")
        for name in COLUMNS:
            if (number, name) in damage:
                assert got[name] is None
                assert rescued[name] == damage[number, name]
                continue
            meant = float(row[name]) if isinstance(row[name], Decimal) else row[name]
            assert got[name] == meant or (got[name] is None and name in rescued), (name, row[name], got[name])


WHOLE = [Locale(day) for day in DATES] + [Locale("%d.%m.%Y", "", group, decimal) for group, decimal in NUMBERS]


@pytest.mark.parametrize("locale", WHOLE, ids=str)
def test_each_locale_is_read_where_its_values_tell_of_it(path, locale):
    """What the property would not notice: that a locale is refused, or kept apart, whatever it writes."""
    rows: list[Row] = [
        {
            "campaign_id": f"K{number}",
            "status": None,
            "start_date": date(2026, 1, 1) + timedelta(days=3 * number),
            "end_date": date(2026, 3, 30),
            "budgeted_cost": Decimal(2000),
            "actual_cost": Decimal(1234500 + number) / 100,
        }
        for number in range(25)
    ]
    found = read(path, written(rows, locale, "NULL", {}))
    for name in COLUMNS:
        meant = [float(row[name]) if isinstance(row[name], Decimal) else row[name] for row in rows]
        assert found[name].to_list() == meant
