"""``python -m benchmarks.pull``: visits from PostgreSQL into bronze, pulled, and by ``COPY`` into a CSV and ``load``.

Both in turn, on a server that is started for it, with the same rows and columns; the pull also reads the cursor.
"""

import argparse
import contextlib
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.measure import Measured, run

COLUMNS = (
    "visit_id, patient_id, visit_date, diagnosis_code, procedure_code, provider_name, "
    "claim_amount, claim_paid, claim_status"
)
VISITS = """
CREATE TABLE visits AS SELECT
    'V' || i AS visit_id,
    'P' || (i * 7919 % 900000) AS patient_id,
    date '2024-01-01' + (i % 700)::int AS visit_date,
    (array['C34.90', 'C50.911', 'C61', 'I25.10', 'M17.11', 'E11.9'])[1 + i % 6] AS diagnosis_code,
    (array['99213', '99214', '96413', '27447'])[1 + i % 4] AS procedure_code,
    'Dr. ' || (array['Ann Lee', 'Dana Ortiz', 'Sam Hill', 'Kim Park', 'Jo Diaz'])[1 + i % 5] AS provider_name,
    (50 + (i * 37 % 250000) / 100.0)::numeric(12, 2) AS claim_amount,
    ((i * 37 % 250000) / 125.0)::numeric(12, 2) AS claim_paid,
    (array['Paid', 'Denied', 'Pending'])[1 + i % 3] AS claim_status,
    timestamptz '2024-01-01 00:00+00' + i * interval '1 second' AS updated_at
FROM generate_series(1::bigint, {rows}) AS i;
CREATE INDEX ON visits (updated_at);
VACUUM ANALYZE visits;
"""


@contextlib.contextmanager
def server(folder: Path) -> Iterator[str]:
    """A PostgreSQL server on loopback; gives its address."""
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin"))[-1]
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    # It refuses to be run by root.
    user = {"user": "postgres", "group": "postgres", "extra_groups": []} if os.geteuid() == 0 else {}
    if user:
        shutil.chown(folder, "postgres")
    quietly = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": folder, **user}
    made = [programs / "initdb", "-D", folder / "data", "-U", "reader", "--auth=trust", "--no-sync"]
    subprocess.run(made, check=True, **quietly)
    options = ["-D", folder / "data", "-p", str(port), "-k", folder, "-h", "127.0.0.1", "-F"]
    process = subprocess.Popen([programs / "postgres", *options], **quietly)
    address = f"postgresql://reader@127.0.0.1:{port}/postgres"
    try:
        while subprocess.run(["psql", "-q", "-c", "", address], capture_output=True).returncode:
            time.sleep(0.1)
        yield address
    finally:
        process.terminate()
        process.wait()


def by_file(address: str, folder: Path) -> None:
    """``COPY … TO STDOUT`` into a CSV, and ``load`` of it."""
    from carti_lake import Lake

    path = folder / "ehr_visits_2026-03-01.csv"
    with path.open("wb") as file:
        copy = f"COPY (SELECT {COLUMNS} FROM visits) TO STDOUT (FORMAT csv, HEADER)"
        subprocess.run(["psql", "-q", "-c", copy, address], check=True, stdout=file)
    print(Lake(folder / "lake").load("ehr_visits", path)[0].rows)


def by_pull(address: str, folder: Path) -> None:
    """A pull from the beginning."""
    from carti_lake import Lake

    (folder / "lake/sources").mkdir(parents=True)
    said = [
        'kind = "sql"',
        'feed = "ehr_visits"',
        f'address = "{address}"',
        'table = "visits"',
        'cursor = "updated_at"',
    ]
    (folder / "lake/sources/ehr.toml").write_text("\n".join(said), "utf-8")
    (pulled,) = Lake(folder / "lake").pull()
    assert pulled.error is None, pulled.error
    print(pulled.rows)


WAYS = {"file": by_file, "pull": by_pull}


def measured(way: str, address: str, folder: Path) -> Measured:
    with tempfile.TemporaryDirectory(dir=folder) as here:
        return run("benchmarks.pull", "--way", way, "--address", address, "--folder", here, log=folder / f"{way}.log")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.pull", description=__doc__)
    parser.add_argument("--rows", type=int, default=3_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--way", choices=WAYS)
    parser.add_argument("--address")
    parser.add_argument("--folder", type=Path)
    said = parser.parse_args()
    if said.way:
        WAYS[said.way](said.address, said.folder)
        return
    with tempfile.TemporaryDirectory(prefix="carti-lake-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o755)
        (data := folder / "server").mkdir()
        with server(data) as address:
            subprocess.run(["psql", "-q", "-c", VISITS.split(";")[0].format(rows=said.rows), address], check=True)
            for statement in VISITS.split(";")[1:3]:
                subprocess.run(["psql", "-q", "-c", statement, address], check=True)
            taken: dict[str, list[Measured]] = {way: [] for way in WAYS}
            for _ in range(said.rounds):
                for way, all_ in taken.items():
                    all_.append(measured(way, address, folder))
                    print(way, all_[-1], file=sys.stderr, flush=True)
    print(f"{said.rows:,} visits, the median of {said.rounds}:")
    for way, all_ in taken.items():
        medians = [
            statistics.median(getattr(one, what) for one in all_) for what in ("cpu_seconds", "seconds", "gigabytes")
        ]
        print(f"{way}: {medians[0]:.1f} s of processor time, {medians[1]:.1f} s, {medians[2]:.2f} GB")
    pairs = [b.cpu_seconds / a.cpu_seconds for a, b in zip(*taken.values(), strict=True)]
    print(f"processor time of the pull over that of the file: {statistics.median(pairs):.2f}")


if __name__ == "__main__":
    main()
