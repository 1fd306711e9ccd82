"""What reading a delimited file costs by its dialect, as a ratio to the plain one.

    python -m benchmarks.dialects [--rows N] [--before CHECKOUT]

Each file is loaded into an empty lake in a process of its own, three times; the least processor time counts. With
``--before`` the plain file is loaded by that checkout's code, and every ratio is to it.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

HEADER = [
    *("visit_id", "patient_id", "visit_date", "diagnosis_code", "procedure_code"),
    *("provider_name", "claim_amount", "claim_paid", "claim_status"),
]
NAME, ODD = HEADER.index("provider_name"), 50
LOAD = "import sys; from carti_lake import Lake; print(Lake(sys.argv[2]).load('ehr_visits', sys.argv[1])[0].rows)"


def _table(rows: int) -> Iterator[list[str]]:
    for row in range(rows):
        day = f"2026-01-{row % 28 + 1:02}"
        yield [f"V{row}", f"P{row % 9999}", day, "C50.911", "99213", "Dana Ortiz", f"{row % 977}.5", "80", "Paid"]


def _some(name: str) -> Callable[[int, list[str]], str]:
    """Every fiftieth row has the name as written; the others are plain."""
    return lambda row, fields: ",".join([*fields[:NAME], name, *fields[NAME + 1 :]] if row % ODD == 0 else fields)


def _all(quote: str) -> Callable[[int, list[str]], str]:
    return lambda _, fields: ",".join(f"{quote}{field}{quote}" for field in fields)


DIALECTS = {
    "plain": _some("Dana Ortiz"),
    "doubled, some": _some('"Ortiz, ""Dee"" Dana"'),
    "doubled, all": _all('"'),
    "line breaks": _some('"Dana\nOrtiz"'),
    "text quotes": _some('William "Bill" Smith'),
    "escaped": _some('"Ortiz, \\"Dee\\" Dana"'),
    "undoubled": _some('"Dana "Dee" Ortiz"'),
    "single, all": _all("'"),
}


def _processor_time(path: Path, source: str) -> float:
    environment = {**os.environ, "PYTHONPATH": source}
    times = []
    for _ in range(3):
        with tempfile.TemporaryDirectory() as lake:
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            done = subprocess.run(
                [sys.executable, "-c", LOAD, str(path), lake], env=environment, capture_output=True, text=True
            )
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
        if done.returncode:
            return float("nan")
        times.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return min(times)


def main() -> None:
    """Write the files, load them, print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--before", metavar="CHECKOUT", help="root of a checkout to compare with")
    given = parser.parse_args()
    here = str(Path(__file__).parent.parent / "src")
    with tempfile.TemporaryDirectory() as folder:
        unit = None
        for name, line in DIALECTS.items():
            path = Path(folder) / "visits_2026-01-31.csv"
            with path.open("w") as file:
                file.write(",".join(HEADER) + "\n")
                file.writelines(line(row, fields) + "\n" for row, fields in enumerate(_table(given.rows)))
            if unit is None:
                unit = _processor_time(path, str(Path(given.before) / "src") if given.before else here)
            now = _processor_time(path, here)
            print(f"{name:15} {now:6.2f} s  {now / unit:5.2f}", flush=True)


if __name__ == "__main__":
    main()
