"""The job by the pure functions of ``carti_lake.pipeline`` alone: no Delta tables, no history, no audits.

Bronze stands in plain Parquet files meanwhile, since its rows are read more than once.
"""

from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl

from benchmarks.jobs import FEEDS, GOLD_TABLES, SUMMARY, main
from carti_lake.pipeline.bronze import bronze
from carti_lake.pipeline.cleanse import cleanse
from carti_lake.pipeline.marts import MARTS
from carti_lake.pipeline.newest import LIGHT, resolve_versions
from carti_lake.pipeline.order import at_places
from carti_lake.pipeline.silver.earlier_answers import answers, first_answers, replaced
from carti_lake.pipeline.silver.providers import references, resolve, resolve_references
from carti_lake.pipeline.survey import survey
from carti_lake.tables import ENTITIES, TABLES, Table
from carti_lake.tables.quarantine import QUARANTINE
from carti_lake.tables.silver import EarlierAnswers, Entity, ProviderReferences, Visits

#: Tables without which there is no summary.
SUMMARISED = {"provider_monthly", "provider_summary", "dim_provider"}
LEVEL = 1


def job(extracts: Path, output: Path, kind: str) -> None:
    """Cleanse, keep the newest valid rows, resolve providers, and make the marts in their order."""
    entities = [entity for entity in ENTITIES.values() if entity.feed.short_name in FEEDS]
    (output / "delivered").mkdir()
    delivered = {entity: _delivered(entity, extracts, output / "delivered") for entity in entities}
    named = pl.concat(references(rows, entity) for entity, rows in delivered.items()).unique()
    known = resolve_references(named, _nothing(ENTITIES["providers"])).collect(engine="streaming").lazy()
    tables = {name: _nothing(table) for name, table in TABLES.items()}
    tables[ProviderReferences.full_name()] = known
    for entity, rows in delivered.items():
        tables[entity.full_name()] = resolve(_newest(entity, rows), entity, known)
    visits = Visits.full_name()
    if kind != "summary":
        tables[visits] = _by_month(tables[visits], output / "visits")
    if kind == "everything":
        earlier = replaced(delivered[Visits], tables[visits]).collect(engine="streaming").lazy()
        told = answers(_cleansed(Visits, earlier).filter(~pl.col("broken")))
        tables[EarlierAnswers.full_name()] = first_answers(told, tables[visits]).collect(engine="streaming").lazy()
    wanted = SUMMARISED | set(GOLD_TABLES if kind == "everything" else ())
    for mart in MARTS:
        if wanted & {table.short_name for table in mart.tables}:
            made = pl.collect_all(mart.rows(*(tables[name] for name in mart.inputs)), engine="streaming")
            tables |= {table.full_name(): rows.lazy() for table, rows in zip(mart.tables, made, strict=True)}
    for name in GOLD_TABLES if kind == "everything" else ("provider_summary",):
        _as_others_name_it(tables[f"gold.{name}"], name).sink_parquet(output / f"{name}.parquet")


def _as_others_name_it(rows: pl.LazyFrame, table: str) -> pl.LazyFrame:
    name = pl.col("provider_id").str.strip_prefix("name:")
    if table == "provider_summary":
        return rows.with_columns(provider_name=name).select(SUMMARY)
    return rows.with_columns(provider_id=name) if "provider_id" in TABLES[f"gold.{table}"].columns() else rows


def _delivered(entity: type[Entity], extracts: Path, folder: Path) -> pl.LazyFrame:
    """Bronze rows of the entity's extracts, with the lineage that loading gives them."""
    feed = entity.feed.short_name
    batches = [
        bronze(pl.scan_csv(path, infer_schema=False), entity.feed).with_columns(
            batch_id=pl.lit(path.name),
            extract_date=pl.lit(date.fromisoformat(path.stem[-10:])),
            delivered_at=pl.lit(datetime(2026, 1, 1, tzinfo=UTC)).cast(pl.Datetime("us", "UTC")),
        )
        for path in sorted(extracts.glob(f"{feed}_*.csv"))
    ]
    kept = folder / f"{feed}.parquet"
    pl.concat(batches).sink_parquet(kept, engine="streaming", compression_level=LEVEL)
    return pl.scan_parquet(kept)


def _by_month(visits: pl.LazyFrame, folder: Path) -> pl.LazyFrame:
    """The visits again, from a folder a month."""
    by_month = pl.PartitionBy(folder, key="visit_month", include_key=True)
    rows = visits.select(Visits.column_names())
    rows.sink_parquet(by_month, mkdir=True, engine="streaming", compression_level=LEVEL)
    return pl.scan_parquet(sorted(folder.rglob("*.parquet")))


def _newest(entity: type[Entity], rows: pl.LazyFrame) -> pl.LazyFrame:
    cleansed = _cleansed(entity, rows)
    current, refused = (
        _nothing(table).with_columns(order=pl.lit(None, pl.Int128)).select(LIGHT).collect()
        for table in (entity, QUARANTINE[entity.short_name])
    )
    resolution = resolve_versions(cleansed, current, refused)
    return cleansed.filter(~at_places(resolution.superseded.lazy()))


def _cleansed(entity: type[Entity], rows: pl.LazyFrame) -> pl.LazyFrame:
    return cleanse(rows, entity, survey(rows, entity), "")


def _nothing(table: type[Table]) -> pl.LazyFrame:
    return pl.LazyFrame(schema=table.dtypes())


if __name__ == "__main__":
    main(job)
