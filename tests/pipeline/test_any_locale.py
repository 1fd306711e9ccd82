"""However a source writes days and amounts, they are read as meant, or refused: never as others, in silence."""

from datetime import date, timedelta

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from carti_lake.pipeline.bronze import bronze
from carti_lake.pipeline.evidence import survey_readings
from carti_lake.pipeline.parse import parse_date, parse_decimal
from carti_lake.pipeline.reading import AmbiguousColumnError, decide, undecided
from carti_lake.tables.feeds import EhrMedications

TODAY = date(2026, 3, 31)
NOTHING = ("", "NULL", "\\N", "n/a", "-", "None", "nan", "#N/A")
NOISE = ("soon", "13/13/2026", "12 apples", "31/02/2026", "?")

days = st.dates(TODAY - timedelta(days=4000), TODAY)
amounts = st.integers(0, 10_000_000)
orders = st.sampled_from(
    ["%m{0}%d{0}%Y", "%d{0}%m{0}%Y", "%Y{0}%m{0}%d", "%m{0}%d{0}%y", "%d{0}%m{0}%y", "%y{0}%m{0}%d"]
)
formats = st.one_of(
    st.builds(lambda order, mark: order.format(mark), orders, st.sampled_from("/-.")),
    st.sampled_from(["%d-%b-%Y", "%B %d, %Y", "%d-%b-%y", "%Y%m%d", "%Y-%m-%dT%H:%M:%SZ", "%Y%m%d%H%M%S"]),
)


def as_amount(thousandths: int, thousands: str, decimal: str, places: int, negative: str) -> tuple[str, float]:
    """A number's text, and the number that it is."""
    value = round(thousandths / 1000, places)
    whole, _, fraction = f"{value:,.{places}f}".partition(".")
    text = whole.replace(",", thousands) + (decimal + fraction if places else "")
    return (negative.format(text), -value if negative != "{}" else value)


@st.composite
def columns(draw):
    """Two columns as a source writes them, and what each cell means; None where it is nothing or noise."""
    written = draw(formats)
    marks = st.sampled_from([",.", ".,", " .", " ,", "'.", "\u00a0,"])
    thousands, decimal = draw(marks)
    style = {"thousands": thousands, "decimal": decimal, "places": draw(st.integers(0, 3))}
    count = draw(st.integers(1, 12))
    cells = []
    for _ in range(count):
        blank = draw(st.sampled_from([None, None, None, None, None, *NOTHING[:3], NOISE[0]]))
        day, number = draw(days), draw(amounts)
        text, value = as_amount(number, negative=draw(st.sampled_from(["{}", "{}", "({})", "{}-", "-{}"])), **style)
        cells.append((blank, None, blank, None) if blank is not None else (day.strftime(written), day, text, value))
    return cells


@given(columns())
def test_a_value_is_read_as_it_was_meant_or_refused(cells):
    rows = pl.LazyFrame(
        {"ordered_date": [cell[0] for cell in cells], "dose": [cell[2] for cell in cells]},
        schema=dict.fromkeys(["ordered_date", "dose"], pl.String()),
    )
    readings = {}
    if undecided(bronze(rows, EhrMedications), EhrMedications, EhrMedications.delivered()).collect().item():
        surveyed = {name: found.collect() for name, found in survey_readings(rows, EhrMedications, TODAY).items()}
        try:
            readings = decide(surveyed, EhrMedications, {}, TODAY)
        except AmbiguousColumnError:
            return
    held = bronze(rows, EhrMedications, readings).with_columns(
        day=pl.coalesce("ordered_date", parse_date(pl.col("rescued").str.json_path_match("$.ordered_date"))),
        amount=pl.coalesce(
            pl.col("dose").cast(pl.Decimal(18, 4)),
            parse_decimal(pl.col("rescued").str.json_path_match("$.dose"), pl.Decimal(18, 4)),
        ).cast(pl.Float64),
    )
    for (_, day, text, value), found in zip(cells, held.collect().iter_rows(named=True), strict=True):
        assert found["day"] in (day, None)
        # Points alone are a decimal sign, as bronze types them.
        if found["amount"] is not None and text != str(text).replace(".", ""):
            plain = pl.select(pl.lit(text).cast(pl.Float64, strict=False)).item()
            assert found["amount"] in (value, plain)
        else:
            assert found["amount"] in (value, None)
