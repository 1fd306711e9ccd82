"""RESULTS.md and its chart, from what was measured."""

import os
import platform
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from benchmarks import aging, whole_job

NAMES = {
    "lake": "carti_lake: the lake",
    "functions": "carti_lake: pure functions",
    "pandas": "pandas",
    "duckdb": "DuckDB",
    "pyspark": "PySpark local[2]",
}
#: Times as long as the lake that each tool is to take at the largest size, at least.
TARGETS = {"pandas": 5.0, "duckdb": 1.2, "pyspark": 5.0}
MEMORY_TARGET = 0.5
FLAT_TARGET, SHARE_TARGET, TRAVEL_TARGET = 1.3, 0.02, 1.1


def machine(*packages: str) -> str:
    """What this ran on, and with which versions of these packages."""
    cpu = next(
        (line.split(":", 1)[1].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")),
        platform.processor() or platform.machine(),
    )
    import psutil

    memory = psutil.virtual_memory().total / 1e9
    return (
        f"{cpu}, {os.cpu_count()} cores, {memory:.0f} GB; {platform.system()} {platform.release()}; "
        f"Python {platform.python_version()}, " + ", ".join(f"{name} {version(name)}" for name in packages)
    )


def whole_job_section(results: Sequence[whole_job.Result]) -> str:
    """Tables of every size and kind, with ratios to the lake, and the targets at the largest size."""
    parts = []
    for visits in sorted({one.visits for one in results}):
        lake = _only(results, visits, "visits", "lake")
        for kind, title in (
            ("visits", "current visits and summary kept"),
            ("summary", "only the summary kept (the lake keeps everything all the same)"),
        ):
            rows = [lake, *(one for one in results if (one.visits, one.kind) == (visits, kind) and one is not lake)]
            parts.append(f"### {visits:,} visits: {title}\n")
            parts.append(
                _table(
                    ["tool", "seconds", "of ours", "processor seconds", "of ours", "peak GB", "of ours"],
                    [
                        [
                            NAMES[one.tool],
                            f"{one.seconds:.1f}",
                            f"{one.seconds / lake.seconds:.2f}",
                            f"{one.cpu_seconds:.1f}",
                            f"{one.cpu_seconds / lake.cpu_seconds:.2f}",
                            f"{one.gigabytes:.2f}",
                            f"{one.gigabytes / lake.gigabytes:.2f}",
                        ]
                        for one in rows
                    ],
                )
            )
    return "\n".join([*parts, _targets(results)])


def _targets(results: Sequence[whole_job.Result]) -> str:
    visits = max(one.visits for one in results)
    lake = _only(results, visits, "visits", "lake")
    functions = {kind: _only(results, visits, kind, "functions") for kind in whole_job.KINDS}
    rows = []
    for tool, target in TARGETS.items():
        if not any(one.tool == tool for one in results):
            continue
        for kind in whole_job.KINDS:
            peer = _only(results, visits, kind, tool)
            rows.append(
                [
                    f"{NAMES[tool]}, {kind}",
                    f"at least {target}",
                    _verdict(peer.seconds / lake.seconds, target),
                    _verdict(peer.seconds / functions[kind].seconds, target),
                ]
            )
    for kind in whole_job.KINDS:
        peer = _only(results, visits, kind, "pandas")
        rows.append(
            [
                f"memory against pandas, {kind}",
                f"at most {MEMORY_TARGET}",
                _verdict(lake.gigabytes / peer.gigabytes, MEMORY_TARGET, most=True),
                _verdict(functions[kind].gigabytes / peer.gigabytes, MEMORY_TARGET, most=True),
            ]
        )
    return f"### Targets, at {visits:,} visits\n\n" + _table(
        ["times as long as ours; what the peer keeps", "target", "the lake", "pure functions, same kind"], rows
    )


def aging_section(result: aging.Result) -> str:
    """Days by the lake's age, the rebuild, and reads of an old release, with targets."""
    first, last = result.days[0], result.days[-1]
    rows = [
        [
            str(day.years),
            f"{day.visits:,}",
            *(f"{value:.2f}" for value in (day.load, day.run, day.total, day.total / first.total)),
            *(f"{value:.2f}" for value in (day.cpu, day.cpu / first.cpu)),
        ]
        for day in result.days
    ]
    times = f"times {first.years} year's"
    text = _table(["years", "visits", "load, s", "run, s", "a day, s", times, "processor, s", times], rows)
    verdicts = [
        [
            f"a day at {last.years} years, times that at {first.years}",
            f"at most {FLAT_TARGET}",
            _verdict(last.total / first.total, FLAT_TARGET, most=True),
        ]
    ]
    rebuilt = next((day for day in result.days if day.years == aging.REBUILT_AT), None)
    if rebuilt is not None and result.rebuild is not None:
        full = result.rebuild
        verdicts += [
            [
                f"a day, as a share of `run --full` ({full.run:.1f} s) at {rebuilt.years} years",
                f"at most {SHARE_TARGET}",
                _verdict(rebuilt.total / full.run, SHARE_TARGET, most=True, digits=3),
            ],
            [
                f"the same of processor time ({full.cpu:.1f} s)",
                f"at most {SHARE_TARGET}",
                _verdict(rebuilt.cpu / full.cpu, SHARE_TARGET, most=True, digits=3),
            ],
        ]
    for travel in result.travels:
        old, latest = travel.old * 1000, travel.latest * 1000
        verdicts.append(
            [
                f"`{travel.table}` of the first release ({old:.0f} ms) over the latest ({latest:.0f} ms)",
                f"at most {TRAVEL_TARGET}",
                _verdict(travel.old / travel.latest, TRAVEL_TARGET, most=True),
            ]
        )
    return text + "\n" + _table(["question", "target", "measured"], verdicts)


def chart(results: Sequence[whole_job.Result], aged: aging.Result, path: Path) -> None:
    """Draw seconds by tool at the largest size, and a day's cost by the lake's age."""
    import altair as alt
    import polars as pl

    visits = max(one.visits for one in results)
    titles = {"visits": "visits and summary kept", "summary": "only the summary kept"}
    bars = pl.DataFrame(
        [
            {
                "tool": NAMES[one.tool],
                "seconds": one.seconds,
                "kept": titles[one.kind],
                "ours": one.tool in ("lake", "functions"),
            }
            for one in results
            if one.visits == visits
        ]
    )
    left = (
        alt.Chart(bars, title=f"The whole job, {visits:,} visits", width=330, height={"step": 22})
        .mark_bar()
        .encode(
            x=alt.X("seconds:Q", title="seconds (median)"),
            y=alt.Y("tool:N", title=None, sort=list(NAMES.values())),
            yOffset=alt.YOffset("kept:N"),
            color=alt.Color("ours:N", legend=None, scale=alt.Scale(domain=[True, False], range=["#1b6e8c", "#b8c1c7"])),
            opacity=alt.Opacity(
                "kept:N",
                title=None,
                scale=alt.Scale(domain=list(titles.values()), range=[1, 0.55]),
                legend=alt.Legend(orient="bottom"),
            ),
        )
    )
    days = pl.DataFrame([{"years": day.years, "seconds": day.total} for day in aged.days])
    right = (
        alt.Chart(days, title="One more day, by the lake's age", width=200, height=200)
        .mark_line(point=True, color="#1b6e8c")
        .encode(
            x=alt.X("years:Q", title="years", scale=alt.Scale(domainMin=0)),
            y=alt.Y("seconds:Q", title="seconds (median)", scale=alt.Scale(domainMin=0)),
        )
    )
    (left | right).configure_view(strokeWidth=0).configure(font="sans-serif").save(path)


def write(path: Path, results: Sequence[whole_job.Result], aged: aging.Result, visits_a_day: int, rounds: int) -> None:
    """Write RESULTS.md beside the chart."""
    path.write_text(
        f"""# Results

Written by `make bench`; do not edit. {machine("polars", "deltalake", "pandas", "duckdb", "pyspark")}.

![Seconds by tool, and a day's cost by the lake's age](chart.svg)

## The whole job

Extract files (visits, stays, CRM) to the provider summary, from {whole_job.MONTHS} monthly extracts of visits. About a
tenth of their rows are visits delivered again; 1 % of the amounts are currency text, 0.3 % of the rows invalid,
providers are spelt in three ways. Every tool's summary equals the lake's to {whole_job.TOLERANCE:g} relative.

Each run is a process of its own, its start included; the tools take turns; medians of {rounds}. "Of ours" is the tool's
value over the lake's: above 1, the lake is quicker, or smaller.

The tools do not keep the same things. **The lake** writes every delivered row (bronze, with a hash and what did not
fit), one current row per visit with all columns validated and codes normalised, refused rows with reasons, the gold
tables, and an audited release, all of it versioned. **The pure functions** are the same cleansing and gold without
Delta tables. The **peers** read the columns they need and write the summary; in the first kind the current visits, too.

{whole_job_section(results)}

## A day on an ageing lake

{visits_a_day:,} visits a day, and an eighth as many redelivered; load and run timed within a process, medians of
successive days.

{aging_section(aged)}
{_notes(path.with_name("NOTES.md"))}""".rstrip()
        + "\n"
    )


def _notes(path: Path) -> str:
    """What a person found to hold each missed target; kept apart, so that a new run does not lose it."""
    return f"\n## What holds the missed targets\n\n{path.read_text().strip()}\n" if path.exists() else ""


def _verdict(value: float, target: float, *, most: bool = False, digits: int = 2) -> str:
    met = value <= target if most else value >= target
    if met:
        return f"{value:.{digits}f}, met"
    return f"{value:.{digits}f}, missed by a factor of {value / target if most else target / value:.1f}"


def _only(results: Sequence[whole_job.Result], visits: int, kind: str, tool: str) -> whole_job.Result:
    return next(one for one in results if (one.visits, one.kind, one.tool) == (visits, kind, tool))


def _table(header: list[str], rows: list[list[str]]) -> str:
    lines = ["| " + " | ".join(cells) + " |" for cells in (header, ["---"] + ["---:"] * (len(header) - 1), *rows)]
    return "\n".join(lines) + "\n"


def _lines(path: str) -> list[str]:
    return Path(path).read_text().splitlines() if Path(path).exists() else []
