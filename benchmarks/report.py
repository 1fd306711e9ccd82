"""RESULTS.md and its chart, from what was measured."""

import os
import platform
import subprocess
from collections.abc import Iterable, Sequence
from importlib.metadata import version
from pathlib import Path

from benchmarks import aging, equal, targets, whole_job
from benchmarks.jobs import KINDS
from benchmarks.targets import NAMES, Verdict

HERE = Path(__file__).parent
KEPT = {
    "summary": "only the summary kept",
    "visits": "current visits and summary kept",
    "everything": "everything kept: delivered rows with a hash, visits by month, gold tables",
}
#: Steps below this share of the whole job are told of together.
TOLD_APART = 0.01


def machine(*packages: str) -> str:
    """Which commit this is, what it runs on, and with which versions of these packages."""
    cpu = next(
        (line.split(":", 1)[1].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")),
        platform.processor() or platform.machine(),
    )
    import psutil

    memory = psutil.virtual_memory().total / 1e9
    return (
        f"{commit(HERE)}; {cpu}, {os.cpu_count()} cores, {memory:.0f} GB; {platform.system()} {platform.release()}; "
        f"Python {platform.python_version()}, " + ", ".join(f"{name} {version(name)}" for name in packages)
    )


def commit(folder: Path) -> str:
    """Short hash and date of the commit that is checked out, and whether files differ from it."""

    def git(*arguments: str) -> str:
        asked = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True)
        return asked.stdout.strip()

    named = git("log", "-1", "--format=%h of %cs")
    changed = " with changes" if git("status", "--porcelain", "--untracked-files=no") else ""
    return f"Commit {named}{changed}" if named else "A copy without its history"


def whole_job_section(results: Sequence[whole_job.Result]) -> str:
    """Tables of every size and kind, with ratios to the lake and to the floor."""
    parts = []
    for visits in sorted({one.visits for one in results}):
        lake, floor = _only(results, visits, "lake"), _only(results, visits, "floor")
        for kind in reversed(KINDS):
            peers = [one for one in results if (one.visits, one.kind) == (visits, kind) and one is not lake]
            if peers:
                parts.append(f"### {visits:,} visits: {KEPT[kind]}\n")
                parts.append(_times([floor, lake, *peers], lake, floor))
    return "\n".join(parts)


def steps_section(results: Sequence[whole_job.Result]) -> str:
    """Processor seconds of the lake's steps at the largest size, the longest first."""
    visits = max(one.visits for one in results)
    floor, steps = _only(results, visits, "floor").cpu_seconds, _only(results, visits, "lake").steps
    whole = sum(steps.values())
    ranked = sorted(steps.items(), key=lambda step: -step[1])
    apart = [step for step in ranked if step[1] >= TOLD_APART * whole]
    others = ranked[len(apart) :]
    lines = [
        *((f"`{name}`" if "." in name else name, taken) for name, taken in apart),
        *([("all others", sum(taken for _, taken in others))] if others else []),
        ("the whole job", whole),
        ("the floor", floor),
    ]
    rows = [[name, f"{taken:.2f}", f"{taken / whole:.1%}", f"{taken / floor:.2f}"] for name, taken in lines]
    return f"{visits:,} visits. A step that makes several tables has the name of its last.\n\n" + _table(
        ["step", "processor seconds", "of the whole", "of the floor"], rows
    )


def aging_section(result: aging.Result) -> str:
    """Days by the lake's age, beside the floor."""
    first = result.days[0]
    rows = [
        [
            str(day.years),
            f"{day.visits:,}",
            *(f"{value:.2f}" for value in (day.load, day.run, day.total, day.total / first.total)),
            *(f"{value:.2f}" for value in (day.cpu, day.cpu / first.cpu, day.copy, day.cpu / day.copy)),
        ]
        for day in result.days
    ]
    times = f"times {first.years} year's"
    header = ["years", "visits", "load, s", "run, s", "a day, s", times, "processor, s", times, "floor, s", "of floor"]
    return _table(header, rows)


def verdicts_section(verdicts: Iterable[Verdict]) -> str:
    """Every target beside what was measured."""
    return _table(["question", "target", "measured"], [[one.question, one.wanted, one.found] for one in verdicts])


def missed_section(verdicts: Iterable[Verdict], notes: str) -> str:
    """What was missed and by how much, and what a person found to hold it."""
    missed = [
        f"- **{one.question}**: {one.measured:.3g} instead of {one.wanted}, missed by a factor of {one.missed_by:.1f}."
        for one in verdicts
        if not one.met
    ]
    return "\n".join([*(missed or ["None."]), "", notes]).strip()


def chart(results: Sequence[whole_job.Result], aged: aging.Result, path: Path) -> None:
    """Draw seconds by tool at the largest size, and a day's cost by the lake's age."""
    import altair as alt
    import polars as pl

    visits = max(one.visits for one in results)
    bars = pl.DataFrame(
        [
            {
                "tool": NAMES[one.tool],
                "seconds": one.seconds,
                "kept": one.kind,
                "ours": one.tool in ("lake", "functions"),
            }
            for one in results
            if one.visits == visits and one.tool != "floor"
        ]
    )
    left = (
        alt.Chart(bars, title=f"The whole job, {visits:,} visits", width=330, height={"step": 14})
        .mark_bar()
        .encode(
            x=alt.X("seconds:Q", title="seconds (median)"),
            y=alt.Y("tool:N", title=None, sort=list(NAMES.values())),
            yOffset=alt.YOffset("kept:N", sort=KINDS[::-1]),
            color=alt.Color("ours:N", legend=None, scale=alt.Scale(domain=[True, False], range=["#1b6e8c", "#b8c1c7"])),
            opacity=alt.Opacity(
                "kept:N",
                title="kept",
                scale=alt.Scale(domain=KINDS[::-1], range=[1, 0.7, 0.4]),
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


def page(
    measured_on: str, results: Sequence[whole_job.Result], aged: aging.Result, visits_a_day: int, rounds: int
) -> str:
    """RESULTS.md."""
    verdicts = [*targets.of_whole_job(results), *targets.of_aging(aged)]
    return f"""# Results

Written by `make bench`; do not edit. {measured_on}.

![Seconds by tool, and a day's cost by the lake's age](chart.svg)

## The whole job

Extract files (visits, stays, CRM) to gold, from {whole_job.MONTHS} monthly extracts of visits. About a tenth of their
rows are visits delivered again; 1 % of the amounts are currency text, 0.3 % of the rows invalid, providers are spelt in
three ways. What every tool makes equals the lake's: counts exactly, dollars to {equal.TOLERANCE:g} relative.

Each run is a process of its own, its start included; the tools take turns; medians of {rounds}. "Of ours" is the tool's
value over the lake's: above 1, the lake is quicker, or smaller. "Of floor" is its processor time over that of the
floor, which copies the delivered visits twice with no logic.

The tools do not keep the same things. **The lake** writes every delivered row (bronze, with a hash and what did not
fit), one current row per visit with all columns validated and codes normalised, refused rows with reasons, all gold
tables, and an audited release, all of it versioned: whatever a peer keeps beside it. **The pure functions** are the
same cleansing and gold without Delta tables, audits and the other marts. The **peers** that keep everything write
delivered rows, visits by month and the gold tables of visits and claims as plain Parquet; the others read the columns
that they need.

{whole_job_section(results)}
## Where the time goes

{steps_section(results)}
## A day on an ageing lake

{visits_a_day:,} visits a day, and an eighth as many redelivered; load and run timed within a process, medians of
successive days. The floor copies the two months of silver's visits that a day touches.

{aging_section(aged)}
## Targets

{verdicts_section(verdicts)}
## Missed targets

{missed_section(verdicts, _notes())}
"""


def _times(rows: Iterable[whole_job.Result], lake: whole_job.Result, floor: whole_job.Result) -> str:
    return _table(
        ["tool", "seconds", "of ours", "processor seconds", "of ours", "of floor", "peak GB", "of ours"],
        [
            [
                NAMES[one.tool],
                f"{one.seconds:.1f}",
                f"{one.seconds / lake.seconds:.2f}",
                f"{one.cpu_seconds:.1f}",
                f"{one.cpu_seconds / lake.cpu_seconds:.2f}",
                f"{one.cpu_seconds / floor.cpu_seconds:.2f}",
                f"{one.gigabytes:.2f}",
                f"{one.gigabytes / lake.gigabytes:.2f}",
            ]
            for one in rows
        ],
    )


def _notes() -> str:
    """What a person found to hold the missed targets; kept apart, so that a new run does not lose it."""
    return (HERE / "NOTES.md").read_text().strip()


def _only(results: Sequence[whole_job.Result], visits: int, tool: str) -> whole_job.Result:
    return next(one for one in results if (one.visits, one.tool) == (visits, tool))


def _table(header: list[str], rows: list[list[str]]) -> str:
    lines = ["| " + " | ".join(cells) + " |" for cells in (header, ["---"] + ["---:"] * (len(header) - 1), *rows)]
    return "\n".join(lines) + "\n"


def _lines(path: str) -> list[str]:
    return Path(path).read_text().splitlines() if Path(path).exists() else []
