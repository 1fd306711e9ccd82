"""How long outlets take on a large lake, and how much memory: ``python -m benchmarks.outlets [--claims]``.

The gold tables are made up, of the size that ten million visits over three years give; reading them is not measured.
"""

import argparse
import resource
import tempfile
import time
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import polars as pl

from carti_lake.disclosure import in_full, publication
from carti_lake.outlets.charts import Shown
from carti_lake.outlets.charts.files import write_charts
from carti_lake.outlets.workbook import write_workbook
from carti_lake.releases.release import Release
from carti_lake.tables.gold import GOLD

PROVIDERS, LINES, PAYERS, FLOWS = 400, 8, 6, 300_000
MONTHS = pl.date_range(date(2023, 4, 1), date(2026, 3, 1), "1mo", eager=True)
RELEASE = Release(12, datetime(2026, 4, 1, tzinfo=UTC), date(2026, 3, 31), {}, {}, (), (), (), False)


def crossed(**members: pl.Series) -> pl.DataFrame:
    """Every combination of the members."""
    frames = [pl.DataFrame({name: values}) for name, values in members.items()]
    rows = frames[0]
    for frame in frames[1:]:
        rows = rows.join(frame, how="cross")
    return rows


def filled(name: str, keys: pl.DataFrame, draws: np.random.Generator) -> pl.DataFrame:
    """Rows of a gold table: these keys, a number in each column of numbers, a word in each column of text."""
    table, rows = GOLD[name], keys.height
    made = {column: keys[column] for column in keys.columns}
    for column, dtype in table.dtypes().items():
        if column in made:
            continue
        if dtype == pl.String:
            made[column] = pl.Series(np.full(rows, "word"))
        elif dtype == pl.Date:
            made[column] = pl.repeat(date(2026, 3, 31), rows, eager=True)
        elif dtype.is_integer():
            made[column] = pl.Series(draws.integers(12, 400, rows))
        else:
            made[column] = pl.Series(draws.random(rows) * 5000)
    return pl.DataFrame(made).cast(table.dtypes()).select(*table.columns())  # type: ignore[arg-type]


def gold(claims: bool) -> dict[str, pl.DataFrame]:
    """The gold tables; those of claims only where asked for: with payers they are six times as long."""
    draws = np.random.default_rng(7)
    providers = pl.Series([f"{1_000_000_000 + number}" for number in range(PROVIDERS)])
    lines = pl.Series([f"line_{number}" for number in range(LINES)])
    payers = pl.Series([f"payer_{number}" for number in range(PAYERS)])
    flow = pl.DataFrame(
        {
            "month": MONTHS.sample(FLOWS, with_replacement=True, seed=1),
            "origin_zip3": pl.Series(draws.integers(100, 999, FLOWS)).cast(pl.String),
            "referring_provider_id": providers.sample(FLOWS, with_replacement=True, seed=2),
            "rendering_provider_id": providers.sample(FLOWS, with_replacement=True, seed=3),
            "service_line": lines.sample(FLOWS, with_replacement=True, seed=4),
        }
    )
    cells = crossed(month=MONTHS, provider_id=providers, payer=payers, service_line=lines)
    keys = {
        "provider_summary": crossed(provider_id=providers),
        "provider_monthly": crossed(provider_id=providers, month=MONTHS, service_line=lines),
        "claims_monthly": cells if claims else cells.head(0),
        "referral_flow": flow,
        "dim_provider": crossed(provider_id=providers),
    }
    made = {name: filled(name, rows, draws) for name, rows in keys.items()}
    return {name: made.get(name, pl.DataFrame(schema=table.dtypes())) for name, table in GOLD.items()}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.outlets", description=__doc__)
    parser.add_argument("--claims", action="store_true", help="with claims by payer: 691,200 rows more")
    parser.add_argument("--only", help="one outlet: charts, workbook, full")
    asked = parser.parse_args()
    frames = gold(asked.claims)

    def peak() -> float:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

    print(f"{sum(frame.height for frame in frames.values()):,} rows of gold in memory: {peak():,.0f} MB")
    with tempfile.TemporaryDirectory() as folder:
        makers = {
            "charts": lambda: write_charts(Shown(publication(frames), RELEASE.caption), Path(folder) / "charts"),
            "workbook": lambda: write_workbook(publication(frames), RELEASE, Path(folder) / "board.xlsx"),
            "full": lambda: write_workbook(in_full(frames), RELEASE, Path(folder) / "full.xlsx"),
        }
        for name, make in makers.items():
            if asked.only in (None, name):
                start = time.perf_counter()
                make()
                size = sum(file.stat().st_size for file in Path(folder).rglob("*") if file.is_file()) / 1e6
                print(
                    f"{name:10} {time.perf_counter() - start:6.1f} s  peak {peak():6,.0f} MB  {size:4.0f} MB of files"
                )


if __name__ == "__main__":
    main()
