"""One measurement: a process of its own, its wall time and its tree's peak of resident memory."""

import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import psutil

POLL_SECONDS = 0.05


@dataclass(frozen=True)
class Measured:
    """What a process took.

    Attributes
    ----------
    seconds
        From start to end, interpreter and imports included.
    cpu_seconds
        Processor time of the process and all its descendants: says more than the clock where others use the machine.
    gigabytes
        Highest sum of the resident memory of the process and all its descendants.
    """

    seconds: float
    cpu_seconds: float
    gigabytes: float


def run(module: str, *arguments: object, log: Path) -> Measured:
    """Run a module of the benchmarks and wait for it; its output goes to ``log``."""
    # Only here: the tests collect this package without what only a benchmark needs.
    import psutil

    command = [sys.executable, "-m", module, *map(str, arguments)]
    with log.open("wb") as output:
        start = time.perf_counter()
        child = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
        tree = psutil.Process(child.pid)
        peak, cpu = 0, dict[int, float]()
        while child.poll() is None:
            peak = max(peak, _sample(tree, cpu))
            time.sleep(POLL_SECONDS)
        seconds = time.perf_counter() - start
    if child.returncode:
        tail = log.read_text(errors="replace")[-2000:]
        raise RuntimeError(f"{module} failed with exit code {child.returncode}:\n{tail}")
    return Measured(seconds, sum(cpu.values()), peak / 1e9)


def _sample(tree: "psutil.Process", cpu: dict[int, float]) -> int:
    """Resident bytes of a process and its descendants; their processor time is noted by process id."""
    import psutil

    total = 0
    try:
        members = [tree, *tree.children(recursive=True)]
    except psutil.NoSuchProcess:
        return 0
    for member in members:
        try:
            with member.oneshot():
                total += member.memory_info().rss
                times = member.cpu_times()
                cpu[member.pid] = times.user + times.system
        except psutil.NoSuchProcess:
            continue
    return total
