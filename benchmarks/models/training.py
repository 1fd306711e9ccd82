"""``python -m benchmarks.models.training``: time and memory of training every model, by the size of the network.

Generates networks of three years, loads them, makes a release, and trains each model in a process of its own. Writes
TRAINING.md and its chart. The lakes are kept in ``benchmarks/data``.
"""

import argparse
import shutil
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl

from benchmarks import measure
from benchmarks.report import machine
from carti_lake import Lake
from carti_lake.generate import Network, extracts
from carti_lake.models.catalogue import MODELS

HERE = Path(__file__).parent
CHART = "training.svg"
FIRST, DAYS = date(2023, 1, 1), 1096
#: What is promised for ten million visits, on two processors.
MOST_SECONDS, MOST_GIGABYTES = 600, 8


def lake_of(visits: int, providers: int, data: Path) -> Lake:
    """The lake of a network with about so many visits, with a release; made once."""
    folder = data / f"training-{visits}-{providers}"
    now = datetime.combine(FIRST + timedelta(days=DAYS + 1), datetime.min.time(), UTC)
    lake = Lake(folder, clock=lambda: now)
    if folder.exists() and lake.releases():
        return lake
    shutil.rmtree(folder, ignore_errors=True)
    network = Network(
        start=FIRST, days=DAYS, visits_per_day=visits / DAYS, providers=providers, patients=max(visits // 8, 6000)
    )
    for feed, extract_date, delivered_at, rows in extracts(network, every="month"):
        lake.load(feed, rows, extract_date=extract_date, delivered_at=delivered_at)
    if lake.run().release is None:
        raise RuntimeError("the release is refused")
    return lake


def report(rows: pl.DataFrame) -> str:
    """The table, and what is promised beside it."""
    most = rows.filter(visits=rows["visits"].max())
    lines = [
        f"| {visits:,} | {model} | {seconds:.0f} | {cpu_seconds:.0f} | {gigabytes:.1f} |"
        for visits, model, seconds, cpu_seconds, gigabytes in rows.rows()
    ]
    seconds, cpu_seconds = most["seconds"].sum(), most["cpu_seconds"].sum()
    return f"""# Training

Written by `python -m benchmarks.models.training`; do not edit. {machine("polars", "scikit-learn", "statsforecast")}.

Each model is trained with all its evaluations, in a process of its own, on the release of a generated network of three
years, loaded and released at once: a lake that grew over years also has earlier releases to read. Of more than 200,000
examples a model takes a sample (`docs/adr/0021-features-as-known-then.md`).

![Seconds of training by visits]({CHART})

With {most["visits"][0]:,} visits all models together take {seconds:.0f} s ({cpu_seconds:.0f} processor seconds;
promised: {MOST_SECONDS} s) and at most {most["gigabytes"].max():.1f} GB (promised: {MOST_GIGABYTES} GB).

| visits | model | seconds | processor seconds | GB |
| ---: | --- | ---: | ---: | ---: |
{chr(10).join(lines)}
"""


def draw(rows: pl.DataFrame, path: Path) -> None:
    """Seconds by visits, a bar for each network and a part of it for each model."""
    import altair as alt

    bars = alt.Chart(rows, width=420, height={"step": 34}).mark_bar()
    bars.encode(
        x=alt.X("seconds:Q", title="seconds"),
        y=alt.Y("visits:O", title="visits", axis=alt.Axis(format=",d")),
        color=alt.Color("model:N", title=None, sort=[*MODELS]),
    ).configure_view(strokeWidth=0).configure(font="sans-serif").save(path)


def main() -> None:
    """Measure and write, or train one model where a measured process was asked for it."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.models.training", description=__doc__)
    parser.add_argument("--visits", type=int, nargs="+", default=[100_000, 1_000_000, 10_000_000])
    parser.add_argument("--providers", type=int, nargs="+", default=[40, 100, 400], help="of each network")
    parser.add_argument("--data", type=Path, default=HERE.parent / "data", help="folder of the lakes")
    parser.add_argument("--only", choices=MODELS, help="train this model of the first network, and write nothing")
    chosen = parser.parse_args()
    if chosen.only:
        lake_of(chosen.visits[0], chosen.providers[0], chosen.data).train([chosen.only])
        return
    rows = [
        {"visits": visits, **one}
        for visits, providers in zip(chosen.visits, chosen.providers, strict=True)
        for one in measured(visits, providers, chosen.data)
    ]
    found = pl.DataFrame(rows)
    (HERE / "TRAINING.md").write_text(report(found), encoding="utf-8")
    draw(found, HERE / CHART)


def measured(visits: int, providers: int, data: Path) -> Sequence[dict[str, object]]:
    """What the training of each model takes on one network."""
    lake_of(visits, providers, data)
    rows = []
    for model in MODELS:
        arguments = ("--visits", visits, "--providers", providers, "--data", data, "--only", model)
        took = measure.run("benchmarks.models.training", *arguments, log=data / "training.log")
        rows.append({"model": model, **vars(took)})
        print(visits, rows[-1], flush=True)
    return rows


if __name__ == "__main__":
    main()
