"""The model's DAX, evaluated by an engine that is not ours, gives what Polars gives on the same published rows.

The engine is the one of pbix-mcp (MIT), which nothing else here needs, so that this is run by hand:
``pip install --no-deps pbix-mcp==0.9.149`` and ``pytest -m bench tests/outlets/powerbi/test_dax.py``. It is a second
opinion and no proof: Power BI itself does not run here.
"""

import random
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from carti_lake.disclosure import SMALLEST_CELL, Publication
from carti_lake.metrics import METRICS, Metric
from carti_lake.metrics.value import values
from carti_lake.outlets.headline import shifted
from carti_lake.outlets.history import needed
from carti_lake.outlets.powerbi.measures import HEADLINES, MODELLED, NAMES, headline, measures
from carti_lake.outlets.powerbi.model import model
from carti_lake.outlets.published.frames import star
from carti_lake.outlets.published.star import FACTS
from carti_lake.releases.release import Release
from carti_lake.tables.gold import GOLD, Gold

pytestmark = pytest.mark.bench

RELEASE = Release(7, datetime(2026, 4, 1, tzinfo=UTC), date(2026, 3, 31), {}, {}, (), (), (), False)
MONTHS = [date(2024 + month // 12, month % 12 + 1, 1) for month in range(20)]
BY_MART = {fact.mart: fact for fact in FACTS}
Evaluate = Callable[[list[str], dict[str, list[Any]]], dict[str, Any]]


def rows(mart: type[Gold], rng: random.Random) -> pl.DataFrame:
    """Rows of a mart: three providers, two payers and lines, twenty months, counts and amounts at random."""

    def value(name: str, dtype: pl.DataType) -> Any:
        if dtype == pl.String:
            kind = "provider" if name.endswith("provider_id") else name
            return {"metric": "visits", "level": "network"}.get(name, rng.choice([f"{kind} 1", f"{kind} 2", "unknown"]))
        if dtype == pl.Date:
            return rng.choice(MONTHS)
        if mart.columns()[name].nullable and rng.random() < 0.1:
            return None
        return Decimal(rng.randint(0, 10**7)).scaleb(-2) if isinstance(dtype, pl.Decimal) else rng.randint(0, 50)

    drawn = [[value(name, dtype) for name, dtype in mart.dtypes().items()] for _ in range(120)]
    return pl.DataFrame(drawn, schema=mart.dtypes(), orient="row", strict=False).unique(mart.key(), maintain_order=True)


@pytest.fixture(scope="module")
def published() -> dict[str, pl.DataFrame]:
    rng = random.Random(7)
    marts = {name: rows(mart, rng) for name, mart in GOLD.items() if mart in BY_MART}
    tables = star(Publication(marts, pl.DataFrame(), ()), RELEASE, full_counts=True)
    return {name: frame.collect() for name, frame in tables.items()}


@pytest.fixture(scope="module")
def evaluate(published: dict[str, pl.DataFrame]) -> Evaluate:
    """Measures under a filter, as a visual would ask for them."""
    engine = pytest.importorskip("pbix_mcp.dax.engine", reason="pip install --no-deps pbix-mcp==0.9.149")
    shape = model()
    tables = {
        table.name: {
            "columns": [column.name for column in table.columns],
            "rows": [
                [plain(one) for one in row]
                for row in published[table.source].select(c.source for c in table.columns).rows()
            ],
        }
        for table in shape.tables
    }
    ways = [
        {
            "FromTable": one.many[0],
            "FromColumn": one.many[1],
            "ToTable": one.one[0],
            "ToColumn": one.one[1],
            "IsActive": True,
        }
        for one in shape.relationships
    ]
    dax = {one.name: one.expression for one in measures()}

    def of(names: list[str], filters: dict[str, list[Any]]) -> dict[str, Any]:
        found = engine.evaluate_measures_batch(
            names, tables, dax, filters, "Date", "Date", ways, date_tables={"Date": "Date"}
        )
        return dict(found)

    return of


def plain(value: Any) -> Any:
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day)
    return float(value) if isinstance(value, Decimal) else value


def in_polars(metric: Metric, published: dict[str, pl.DataFrame], **only: Any) -> float | None:
    """The metric over the rows of its fact that hold these values; of windows the month that is asked for."""
    fact = BY_MART[metric.mart]
    frame = published[fact.name]
    month = only.pop("month", None)
    keep = [pl.col(name) == value for name, value in only.items()]
    named = {way.key: way.columns[0] for way in fact.references} | ({"month": fact.month} if fact.month else {})
    by: list[str] = []
    if month is not None and fact.month:
        keep += [] if metric.window else [pl.col("month") == month]
        by = [fact.month]
    rows = frame.lazy().filter(pl.lit(True), *keep).rename(named)
    if not metric.window and month is None:
        single = [name for name in metric.mart.key() if name not in metric.additive_over() and name in named.values()]
        by = single if single and rows.select(pl.struct(single).n_unique()).collect().item() == 1 else []
    found = values(metric, rows, by).collect()
    if metric.window:
        found = found.filter(pl.col(metric.window.month) == month)
    elif metric.denominator and metric.cases:
        found = found.filter(pl.col("n") >= SMALLEST_CELL)
    return found["value"][0] if found.height else None


def agree(left: Any, right: Any) -> bool:
    if left is None or right is None:
        # No rows: a sum is blank in DAX.
        return (left or 0) == (right or 0)
    return float(left) == pytest.approx(float(right), rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("name", [name for name, one in MODELLED.items() if not one.window])
def test_measures_are_the_metrics_in_all_and_by_provider(
    name: str, evaluate: Evaluate, published: dict[str, pl.DataFrame]
) -> None:
    metric = MODELLED[name]
    assert agree(evaluate([NAMES[name]], {})[NAMES[name]], in_polars(metric, published))
    fact = BY_MART[metric.mart]
    for way in fact.references[:1]:
        table = (
            "Provider"
            if way.to.key == "provider_key"
            else {"check_key": "Check", "campaign_key": "Campaign"}[way.to.key]
        )
        for key in (-1, 1, 2):
            got = evaluate([NAMES[name]], {f"{table}.{table} Key": [key]})[NAMES[name]]
            assert agree(got, in_polars(metric, published, **{way.key: key}))


@pytest.mark.parametrize("name", [name for name, one in MODELLED.items() if one.window])
def test_metrics_of_reporting_months_have_their_windows(
    name: str, evaluate: Evaluate, published: dict[str, pl.DataFrame]
) -> None:
    seen = 0
    for month in MONTHS:
        got = evaluate([NAMES[name]], {"Date.Month Start": [plain(month)]})[NAMES[name]]
        want = in_polars(MODELLED[name], published, month=month)
        assert (got is None) == (want is None)
        assert agree(got, want)
        seen += want is not None
    assert seen > 7
    assert evaluate([NAMES[name]], {})[NAMES[name]] is None


@pytest.mark.parametrize("name", HEADLINES)
@pytest.mark.parametrize("chosen", [[], MONTHS[-3:], MONTHS[-11:], MONTHS[2:4]])
def test_headlines_are_of_the_months_that_stay(
    name: str, chosen: list[date], evaluate: Evaluate, published: dict[str, pl.DataFrame]
) -> None:
    metric, dates = METRICS[name], published["dim_date"]
    asked = pl.col("month").is_in(chosen) if chosen else pl.col("newest_period")
    months = dates.filter(asked)["month"].unique().to_list()
    stays = dates.filter(asked, *needed(metric))["month"].unique().to_list()

    def over(some: list[date]) -> Any:
        rows = published["provider_monthly"].filter(pl.col("month").is_in(some))
        return values(metric, rows.lazy()).collect()["value"].item() if some else None

    now, then = over(stays), over([shifted(month, -len(months)) for month in stays])
    filters = {"Date.Month Start": [plain(month) for month in chosen]} if chosen else {}
    names = [headline(name), f"{headline(name)}, change", f"{headline(name)}, still moving"]
    got = evaluate(names, filters)
    assert agree(got[names[0]], now)
    assert agree(got[names[2]], over([month for month in months if month not in stays]))
    first = min(one for one in MONTHS if over([one]))
    if months and min(months) < shifted(first, len(months)):
        assert got[names[1]] is None
    elif now is not None and then:
        change = float(now) - float(then) if metric.denominator else float(now) / float(then) - 1
        assert agree(got[names[1]], change)


def test_nothing_is_loaded_from_another_release(evaluate: Evaluate) -> None:
    name = "Tables of Another Release"
    assert evaluate([name], {})[name] == 0
