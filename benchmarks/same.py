"""Whether two versions of the code make the same lake of the same extracts: every row of every table.

    python -m benchmarks.same --before CHECKOUT [--days N] [--visits-per-day N]

The extracts are those of the synthetic network: all feeds, dirt and late rows included. Each version loads and runs
them in a process of its own, half of the days at once, the rest in three runs. Tables are compared by the columns that
this checkout declares.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl

from carti_lake import Lake
from carti_lake.store.storage import Storage
from carti_lake.tables import TABLES

HERE = Path(__file__).parent.parent
#: Layers whose rows follow from the extracts.
COMPARED = ("bronze", "silver", "quarantine", "gold")
#: Shares of the extract days at which the lake is run.
RUNS = (0.5, 0.7, 0.9, 1.0)


def build(extracts: Path, place: Path) -> dict[str, float]:
    """Load and run a lake in turns; processor seconds."""
    lake, start = Lake(place), time.process_time()
    by_day = defaultdict(list)
    for file in sorted(extracts.rglob("*.*")):
        by_day[file.stem.rpartition("_")[2]].append(file)
    days = sorted(by_day)
    stops = {days[max(round(share * len(days)) - 1, 0)] for share in RUNS}
    for day in days:
        for file in by_day[day]:
            delivered = datetime.fromisoformat(day).replace(tzinfo=UTC) + timedelta(days=1, hours=4)
            lake.load(file.stem.rpartition("_")[0], file, delivered_at=delivered)
        if day in stops and (result := lake.run(accept=["drift", "quality"])).release is None:
            raise SystemExit(f"No release on {day}: {result.failed}")
    return {"cpu": time.process_time() - start}


def compare(one: Storage, other: Storage) -> pl.DataFrame:
    """By table that one of the two lakes has: rows of each, and how many rows only one of them has."""
    found = []
    for name, table in TABLES.items():
        if table.layer in COMPARED and table.view_of is None and (one.exists(name) or other.exists(name)):
            counted = [
                lake.scan(name).select(row=pl.struct(table.column_names()).hash()).collect(engine="streaming")
                for lake in (one, other)
            ]
            before, now = (rows.group_by("row").agg(pl.len()) for rows in counted)
            differ = (
                before.join(now, on=["row", "len"], how="anti").height
                + now.join(before, on=["row", "len"], how="anti").height
            )
            found.append({"table": name, "before": counted[0].height, "now": counted[1].height, "different": differ})
    return pl.DataFrame(found)


def main() -> None:
    """Make extracts, two lakes of them, and say where they differ."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--before", metavar="CHECKOUT", required=True, help="root of a checkout to compare with")
    parser.add_argument("--days", type=int, default=60)
    parser.add_argument("--visits-per-day", type=int, default=250)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        extracts = Path(folder) / "extracts"
        volume = ["--days", str(given.days), "--visits-per-day", str(given.visits_per_day)]
        subprocess.run([sys.executable, "-m", "carti_lake", "generate", "--to", str(extracts), *volume], check=True)
        cpu = {}
        for name, checkout in (("before", Path(given.before)), ("now", HERE)):
            paths = os.pathsep.join(str(path) for path in (checkout / "src", HERE))
            make = "import sys; from pathlib import Path; from benchmarks.same import build; import json; "
            make += "print(json.dumps(build(*map(Path, sys.argv[1:]))))"
            done = subprocess.run(
                [sys.executable, "-c", make, str(extracts), f"{folder}/{name}"],
                env={**os.environ, "PYTHONPATH": paths},
                stdout=subprocess.PIPE,
                check=True,
                text=True,
            )
            cpu[name] = json.loads(done.stdout.splitlines()[-1])["cpu"]
        tables = compare(Storage(f"{folder}/before"), Storage(f"{folder}/now"))
    with pl.Config(tbl_rows=-1, tbl_hide_dataframe_shape=True):
        print(tables)
    print(f"Processor time: now / before = {cpu['now'] / cpu['before']:.2f}")
    if tables["different"].sum():
        raise SystemExit("The tables differ.")
    print("Every row of every table is the same.")


if __name__ == "__main__":
    main()
