"""What a survey has not seen changes nothing: cleansing asks of each row only what the batch has some of."""

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from carti_lake.pipeline.cleanse import cleanse, refusals
from carti_lake.pipeline.survey import ENDS, SEEN, survey
from carti_lake.tables import ENTITIES
from carti_lake.tables.silver import Appointments, Encounters, Opportunities, Referrals, Visits
from tests.strategies import VALUES
from tests.worlds.rows import landed

#: Cells at the edges of what a column can be, by the type of the column in silver.
EDGES: dict[type[pl.DataType], list[str | None]] = {
    pl.Date: ["1899-12-30", "1910-01-01", "1970-01-01", "1970-01-02", "9999-12-31", "2036-03-20", "3/9/2026", None],
    pl.Decimal: ["0", "-0.00005", "99999999999999", "100000000000000", "999999999.99", "1e9", "$5", "12 EUR", None],
    pl.Int64: ["0", "-1", "90", "120.9", "121", "90+", "2.5", None],
    pl.String: [
        *(" V1", "V1 ", "\u00a0V1", "V1", "\u200bV1", "\u200b V1", "Total", "2.6E+12", " ", "#REF!", None),
        *("0", " 99999", "Test", "xx"),
    ],
    pl.Boolean: ["true", "0", "perhaps", None],
}


@st.composite
def batches(draw, entity):
    """Rows of a feed, of the careless values of its tests and of the edges of each column's type."""
    dtypes = {name: column.dtype for name, column in entity.columns().items()}
    usual = VALUES[entity.feed.short_name]
    cells = {
        name: st.sampled_from([*usual.get(name, []), *EDGES.get(type(dtypes.get(name, pl.String())), [None])])
        for name in entity.feed.delivered()
    }
    return draw(st.lists(st.fixed_dictionaries(cells), min_size=1, max_size=5))


@pytest.mark.parametrize("entity", [Visits, Encounters, Opportunities, Referrals, Appointments])
@given(st.data())
@settings(max_examples=10)
def test_a_check_that_the_survey_has_seen_nothing_of_finds_nothing(entity, data):
    delivered = landed(entity.feed, *data.draw(batches(entity)))
    found = survey(delivered, entity)
    # A survey that has seen some of everything: each row is asked everything.
    asking = {**found, **{name: found[name].with_columns(pl.all().or_(True)) for name in (SEEN, ENDS)}}

    for one, other in zip(*(outcomes(delivered, entity, surveyed) for surveyed in (found, asking)), strict=True):
        assert_frame_equal(one, other)


def outcomes(delivered, entity, surveyed):
    return [
        rows.sort("row_number").collect()
        for rows in (cleanse(delivered, entity, surveyed, ""), refusals(delivered, entity, surveyed, ""))
    ]


def test_every_entity_can_be_surveyed_without_rows():
    for entity in ENTITIES.values():
        surveyed = survey(landed(entity.feed), entity)
        assert not surveyed[SEEN].select(pl.any_horizontal(pl.all())).item()
