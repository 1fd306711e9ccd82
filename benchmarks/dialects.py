"""What reading a delimited file costs by its dialect, as a ratio to the plain one.

    python -m benchmarks.dialects [--rows N] [--before CHECKOUT]

Each file is loaded into an empty lake in a process of its own, five times, in turns with the plain file or, where every
field has quotes, with the same rows in doubled ones. The median of the pairs' ratios of processor time counts. With
``--before`` that other file is loaded by that checkout's code. Code is compiled beforehand, as it is once installed.
"""

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

HEADER = [
    *("visit_id", "patient_id", "visit_date", "diagnosis_code", "procedure_code"),
    *("provider_name", "claim_amount", "claim_paid", "claim_status"),
]
NAME, ODD = HEADER.index("provider_name"), 50
PAIRS = 5
LOAD = "import sys; from carti_lake import Lake; print(Lake(sys.argv[2]).load('ehr_visits', sys.argv[1])[0].rows)"


def _fields(row: int) -> list[str]:
    day = f"2026-01-{row % 28 + 1:02}"
    return [f"V{row}", f"P{row % 9999}", day, "C50.911", "99213", "Dana Ortiz", f"{row % 977}.5", "80", "Paid"]


def _some(name: str, odd: Callable[[int], bool] = lambda row: row % ODD == 0) -> Callable[[int, list[str]], str]:
    """Every fiftieth row has the name as written; the others are plain."""
    return lambda row, fields: ",".join([*fields[:NAME], name, *fields[NAME + 1 :]] if odd(row) else fields)


def _all(quote: str) -> Callable[[int, list[str]], str]:
    return lambda _, fields: ",".join(f"{quote}{field}{quote}" for field in fields)


def _dialects(rows: int) -> dict[str, Callable[[int, list[str]], str]]:
    return {
        "plain": _some("Dana Ortiz"),
        "doubled, some": _some('"Ortiz, ""Dee"" Dana"'),
        "doubled, all": _all('"'),
        "line breaks": _some('"Dana\nOrtiz"'),
        "text quotes": _some('William "Bill" Smith'),
        "escaped": _some('"Ortiz, \\"Dee\\" Dana"'),
        "escaped, last": _some('"Ortiz, \\"Dee\\" Dana"', lambda row: row == rows - 1),
        "escaped, bare": _some("Ortiz\\, Dana"),
        "undoubled": _some('"Dana "Dee" Ortiz"'),
        "single, all": _all("'"),
        "single, inner": lambda row, fields: _all("'")(row, [*fields[:NAME], "Dana O'Brien", *fields[NAME + 1 :]]),
    }


def _processor_time(path: Path, source: str, compiled: Path) -> float:
    environment = {**os.environ, "PYTHONPATH": source, "PYTHONPYCACHEPREFIX": str(compiled)}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    with tempfile.TemporaryDirectory() as lake:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = subprocess.run(
            [sys.executable, "-c", LOAD, str(path), lake], env=environment, capture_output=True, text=True
        )
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        return float("nan")
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    """Write the files, load them, print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--before", metavar="CHECKOUT", help="root of a checkout to compare with")
    given = parser.parse_args()
    here = str(Path(__file__).parent.parent / "src")
    there = str(Path(given.before) / "src") if given.before else here
    with tempfile.TemporaryDirectory() as folder:
        compiled = Path(folder) / "compiled"
        first = Path(folder) / "first 2026-01-31.csv"
        first.write_text("\n".join(",".join(line) for line in (HEADER, _fields(1))) + "\n")
        for source in (here, there):
            _processor_time(first, source, compiled)
        units: dict[bool, Path] = {}
        for name, line in _dialects(given.rows).items():
            all_fields = not line(1, _fields(1)).startswith("V")
            path = Path(folder) / f"{name} 2026-01-31.csv"
            with path.open("w") as file:
                file.write(",".join(HEADER) + "\n")
                file.writelines(line(row, _fields(row)) + "\n" for row in range(given.rows))
            # The first of a kind: the plain file, and doubled quotes around every field.
            unit = units.setdefault(all_fields, path)
            pairs = [
                (_processor_time(path, here, compiled), _processor_time(unit, there, compiled)) for _ in range(PAIRS)
            ]
            seconds = statistics.median(now for now, _ in pairs)
            ratio = statistics.median(now / then for now, then in pairs)
            print(f"{name:15} {seconds:6.2f} s  {ratio:5.2f}", flush=True)
            if path != unit:
                path.unlink()


if __name__ == "__main__":
    main()
