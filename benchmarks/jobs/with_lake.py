"""The job by the lake: bronze, silver, quarantine and gold as Delta tables, audited and released."""

from pathlib import Path

import polars as pl

from benchmarks.jobs import SUMMARY, main, other_files, visit_files
from carti_lake import Lake


def job(extracts: Path, output: Path, keep_visits: bool) -> None:
    """Load the extracts, run, and write the released summary; a lake keeps the visits in any case."""
    lake = Lake(output / "lake")
    stays, crm = other_files(extracts)
    lake.load("ehr_visits", *visit_files(extracts))
    lake.load("sg2_patient_flow", stays)
    lake.load("salesforce_crm", crm)
    result = lake.run()
    if result.release is None:
        raise SystemExit(f"No release: {result.failed}")
    summary = lake.scan("gold.provider_summary")
    name = pl.col("provider_id").str.strip_prefix("name:").alias("provider_name")
    summary.with_columns(name).select(SUMMARY).sink_parquet(output / "summary.parquet")


if __name__ == "__main__":
    main(job)
