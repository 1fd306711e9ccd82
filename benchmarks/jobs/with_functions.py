"""The job by the pure functions of ``carti_lake.pipeline`` alone: no Delta tables, no history, no audits.

Bronze stands in plain Parquet files meanwhile, since its rows are read more than once.
"""

from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl

from benchmarks.jobs import SUMMARY, main, other_files, visit_files
from carti_lake.pipeline.bronze import bronze
from carti_lake.pipeline.cleanse import cleanse, survey
from carti_lake.pipeline.gold.dimensions import dim_provider
from carti_lake.pipeline.gold.provider_monthly import provider_monthly
from carti_lake.pipeline.gold.provider_summary import provider_summary
from carti_lake.pipeline.newest import LIGHT, resolve_versions
from carti_lake.pipeline.order import at_places
from carti_lake.pipeline.silver.providers import references, resolve, resolve_references
from carti_lake.tables import ENTITIES, Table
from carti_lake.tables.quarantine import QUARANTINE
from carti_lake.tables.silver import CrmAccounts, Encounters, Entity, Visits


def job(extracts: Path, output: Path, keep_visits: bool) -> None:
    """Cleanse, keep the newest valid rows, resolve providers, summarise."""
    stays, crm = other_files(extracts)
    delivered = {
        Visits: _delivered(Visits, visit_files(extracts), output),
        Encounters: _delivered(Encounters, [stays], output),
        CrmAccounts: _delivered(CrmAccounts, [crm], output),
    }
    named = pl.concat(references(rows, entity) for entity, rows in delivered.items()).unique()
    directory = _nothing(ENTITIES["providers"])
    known = resolve_references(named, directory).collect(engine="streaming").lazy()
    silver = {entity: resolve(_newest(entity, rows), entity, known) for entity, rows in delivered.items()}
    if keep_visits:
        silver[Visits].select(Visits.column_names()).sink_parquet(output / "visits.parquet")
    monthly = provider_monthly(
        silver[Visits], silver[Encounters], _nothing(ENTITIES["referrals"]), _nothing(ENTITIES["appointments"])
    )
    summary = provider_summary(
        monthly.collect(engine="streaming").lazy(),
        silver[Encounters],
        silver[CrmAccounts],
        _nothing(ENTITIES["opportunities"]),
        dim_provider(directory, known),
    )
    name = pl.col("provider_id").str.strip_prefix("name:").alias("provider_name")
    summary.with_columns(name).select(SUMMARY).sink_parquet(output / "summary.parquet")


def _delivered(entity: type[Entity], files: list[str], folder: Path) -> pl.LazyFrame:
    """Bronze rows of the files, with the lineage that loading gives them."""
    batches = [
        bronze(pl.scan_csv(path, infer_schema=False), entity.feed).with_columns(
            batch_id=pl.lit(path),
            extract_date=pl.lit(date.fromisoformat(Path(path).stem[-10:])),
            delivered_at=pl.lit(datetime(2026, 1, 1, tzinfo=UTC)).cast(pl.Datetime("us", "UTC")),
        )
        for path in files
    ]
    bronze_file = folder / f"bronze_{entity.short_name}.parquet"
    pl.concat(batches).sink_parquet(bronze_file, engine="streaming")
    return pl.scan_parquet(bronze_file)


def _newest(entity: type[Entity], rows: pl.LazyFrame) -> pl.LazyFrame:
    asked = survey(rows, entity)
    surveyed = dict(zip(asked, pl.collect_all(asked.values(), engine="streaming"), strict=True))
    cleansed = cleanse(rows, entity, surveyed, "")
    current, refused = (
        _nothing(table).with_columns(order=pl.lit(None, pl.Int128)).select(LIGHT).collect()
        for table in (entity, QUARANTINE[entity.short_name])
    )
    resolution = resolve_versions(cleansed, current, refused)
    return cleansed.filter(~at_places(resolution.superseded))


def _nothing(table: type[Table]) -> pl.LazyFrame:
    return pl.LazyFrame(schema=table.dtypes())


if __name__ == "__main__":
    main(job)
