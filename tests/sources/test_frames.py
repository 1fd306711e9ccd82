from datetime import UTC, date, datetime

import polars as pl
import pyarrow as pa
import pytest

from carti_lake.pipeline.bronze import bronze
from carti_lake.sources.extract import ExtractError
from carti_lake.sources.frames import open_frame
from carti_lake.tables.feeds import SalesforceCrm

NOW = datetime(2026, 11, 23, 10, 11, 12, 345_678, tzinfo=UTC)
RECORDS = [
    {
        "provider_name": f"Dr. {name}",
        "contact_count": number,
        "deals_value": number * 1000.5,
        "opportunity_value": None,
        "marketing_cost": 17,
        "pipeline_stage": "Won",
    }
    for number, name in enumerate(["Brown", "Müller", "Lee"])
]
FRAME = pl.DataFrame(RECORDS)


def opened(frame, **how):
    return open_frame(frame, SalesforceCrm, now=NOW, **how)


def rows_of(extract):
    return bronze(extract.rows, SalesforceCrm).collect(engine="streaming")


@pytest.mark.parametrize(
    "frame",
    [
        pytest.param(lambda: FRAME, id="DataFrame"),
        pytest.param(FRAME.lazy, id="LazyFrame"),
        pytest.param(lambda: RECORDS, id="dictionaries"),
        pytest.param(FRAME.to_arrow, id="Arrow table"),
        pytest.param(lambda: FRAME.to_arrow().to_reader(max_chunksize=2), id="Arrow stream"),
        pytest.param(lambda: FRAME.rename(lambda name: name.replace("_", " ").title()), id="other spelling"),
    ],
)
def test_every_kind_of_frame_gives_the_same_extract(frame):
    extract = opened(frame())
    assert rows_of(extract).equals(rows_of(opened(FRAME)))
    assert extract.content_hash == opened(FRAME).content_hash
    assert (extract.name, extract.extract_date) == ("frame", date(2026, 11, 23))
    assert extract.delivered_at == datetime(2026, 11, 23, 10, 11, 12, 345_000, tzinfo=UTC)


class Foreign:
    """What pandas and others offer: a stream of Arrow batches, and nothing else."""

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return FRAME.__arrow_c_stream__(requested_schema)


def test_whatever_streams_arrow_is_one_too():
    assert rows_of(opened(Foreign())).equals(rows_of(opened(FRAME)))


@pytest.mark.parametrize(
    "other",
    [FRAME.reverse(), FRAME.head(2), FRAME.with_columns(pipeline_stage=None), FRAME.with_columns(note=pl.lit("x"))],
    ids=["order", "rows", "values", "columns"],
)
def test_another_content_has_another_hash(other):
    assert opened(FRAME).content_hash != opened(other).content_hash


def test_the_hash_does_not_change_from_one_version_to_the_next():
    """Batches that were loaded before an upgrade must be recognised after it."""
    assert opened(FRAME).content_hash == "f7a16186177fae073acec48f49e7fe8145fdabf269c9351a49b7b1a122285e74"


def test_a_lazy_frame_is_run_once():
    runs = []

    def count(frame):
        runs.append(1)
        return frame

    assert rows_of(opened(FRAME.lazy().map_batches(count))).height == 3
    assert len(runs) == 1


def test_dictionaries_of_mixed_types_keep_every_value():
    records = [RECORDS[0] | {"deals_value": value} for value in ("$5", 5, 5.5, None, date(2026, 1, 1))]
    rows = rows_of(opened(records))
    assert rows["deals_value"].to_list() == [None, 5, 5.5, None, None]
    assert rows["rescued"].to_list() == ['{"deals_value":"$5"}', None, None, None, '{"deals_value":"2026-01-01"}']


def test_given_dates_go_before_now():
    extract = opened(FRAME, extract_date=date(2026, 1, 2), delivered_at=datetime(2026, 1, 3))
    assert (extract.extract_date, extract.delivered_at) == (date(2026, 1, 2), datetime(2026, 1, 3, tzinfo=UTC))


def test_an_empty_frame_with_the_columns_is_an_empty_extract():
    assert rows_of(opened(FRAME.clear())).height == 0


def test_what_is_no_frame_is_refused():
    with pytest.raises(ExtractError, match="A int is no extract"):
        opened(5)
    with pytest.raises(ExtractError, match='frame: column "deals_value" is missing'):
        opened(FRAME.drop("deals_value"))
    with pytest.raises(ExtractError, match="frame: columns"):
        opened([])


def test_arrow_chunks_do_not_matter():
    table = pa.concat_tables([FRAME[:1].to_arrow(), FRAME[1:].to_arrow()])
    assert opened(table).content_hash == opened(FRAME).content_hash
