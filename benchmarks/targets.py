"""What the lake's speed is to be, and how far it is from it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from benchmarks import aging, whole_job
from benchmarks.jobs import KINDS

#: Tools as results show them.
NAMES = {
    "floor": "the floor: rows copied twice",
    "lake": "carti_lake: the lake",
    "functions": "carti_lake: pure functions",
    "pandas": "pandas",
    "duckdb": "DuckDB",
    "pyspark": "PySpark local[2]",
}
#: Processor time of the whole job over the floor's, at most; of a day over copying the months that it touches.
FLOOR, DAY_FLOOR = 2.5, 4.0
#: Times as long as the lake that a peer is to take for a kind, at least.
SLOWER = {("pandas", "everything"): 2.0, ("duckdb", "everything"): 1.2, ("pyspark", "everything"): 4.0}
SLOWER[("pandas", "visits")] = 1.0
#: Share of pandas' memory for everything, at most.
MEMORY = 0.5
#: A day on the oldest lake over one on the youngest; a day as a share of a rebuild; an old release over the latest.
FLAT, SHARE, TRAVEL = 1.1, 0.02, 1.1


@dataclass(frozen=True)
class Verdict:
    """A question, the target, and what was measured."""

    question: str
    target: float
    measured: float
    at_most: bool = True

    @property
    def met(self) -> bool:
        """Whether the target is reached."""
        return self.missed_by <= 1

    @property
    def missed_by(self) -> float:
        """Factor between the measured value and the target; at most 1 where it is met."""
        return self.measured / self.target if self.at_most else self.target / self.measured

    @property
    def wanted(self) -> str:
        """The target in words."""
        return f"{'at most' if self.at_most else 'at least'} {self.target:g}"

    @property
    def found(self) -> str:
        """The measured value, and whether that is enough."""
        digits = 2 if self.target >= 0.1 else 3
        return f"{self.measured:.{digits}f}, {'met' if self.met else f'missed by a factor of {self.missed_by:.1f}'}"


def of_whole_job(results: Sequence[whole_job.Result]) -> Iterator[Verdict]:
    """Verdicts on the floor at every size, on the peers at the largest."""
    by_job = {(one.visits, one.tool, one.kind): one for one in results}
    sizes = sorted({one.visits for one in results})
    for visits in sizes:
        lake, floor = by_job[visits, "lake", "everything"], by_job[visits, "floor", "copies"]
        question = f"whole job over the floor, processor time, {visits:,} visits"
        yield Verdict(question, FLOOR, lake.cpu_seconds / floor.cpu_seconds)
    for kind in KINDS:
        for tool in whole_job.PEERS:
            peer, target = by_job.get((sizes[-1], tool, kind)), SLOWER.get((tool, kind))
            if peer is not None and target is not None:
                question = f"{NAMES[tool]}, {kind}: times as long as the lake, {sizes[-1]:,} visits"
                yield Verdict(question, target, peer.seconds / lake.seconds, at_most=False)
    pandas = by_job.get((sizes[-1], "pandas", "everything"))
    if pandas is not None:
        question = f"the lake's memory over pandas', everything, {sizes[-1]:,} visits"
        yield Verdict(question, MEMORY, lake.gigabytes / pandas.gigabytes)


def of_aging(result: aging.Result) -> Iterator[Verdict]:
    """Verdicts on a day by the lake's age, and on reads of an old release."""
    first, last = result.days[0], result.days[-1]
    yield Verdict(f"a day at {last.years} years over one at {first.years}", FLAT, last.total / first.total)
    old = next((day for day in result.days if day.years == aging.REBUILT_AT), None)
    if old is not None and result.rebuild is not None:
        full = result.rebuild
        where = f"at {old.years} years"
        yield Verdict(
            f"a day {where} over copying the months that it touches, processor time", DAY_FLOOR, old.cpu / old.copy
        )
        yield Verdict(f"a day {where} as a share of `run --full` ({full.run:.1f} s)", SHARE, old.total / full.run)
        yield Verdict(f"the same of processor time ({full.cpu:.1f} s)", SHARE, old.cpu / full.cpu)
    for travel in result.travels:
        times = f"{travel.old * 1000:.0f} ms, over the latest, {travel.latest * 1000:.0f} ms"
        yield Verdict(f"`{travel.table}` of the first release, {times}", TRAVEL, travel.old / travel.latest)
