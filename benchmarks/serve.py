"""``python -m benchmarks.serve``: the service under wrk's load, against a bare route, and while releases are published.

First the cached summary and a bare FastAPI route that returns the same bytes are loaded in turn, so that whatever else
the machine does meets both. Then the service is loaded for minutes while a release is published every ten seconds:
memory must stay flat, no request may fail, and every answer must be that of one release.
"""

import argparse
import contextlib
import os
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import httpx
import polars as pl

from carti_lake import Lake
from carti_lake.access import keys
from carti_lake.access.policies import grant
from carti_lake.generate import Network, write

ROOT = Path(__file__).resolve().parents[1]
CONNECTIONS, PUBLISH_EVERY = 100, 10.0
#: What wrk sends, and how it reports.
SCRIPT = """
wrk.headers["X-API-Key"] = os.getenv("KEY")
function done(summary, latency)
  local errors = summary.errors
  print(string.format("RESULT %f %f %d %d", summary.requests / summary.duration * 1e6, latency:percentile(99) / 1000,
    errors.connect + errors.read + errors.write + errors.status, errors.timeout))
end
"""


@dataclass(frozen=True)
class Loaded:
    """What wrk saw, and the server's processor time: the figure to trust where others use the machine.

    Attributes
    ----------
    rate
        Requests a second.
    p99
        99th percentile of the time to answer, in milliseconds.
    failed
        Requests whose connection broke, or whose status was another than 2xx.
    late
        Requests that took longer than two seconds.
    cpu
        Processor time of the server for one request, in microseconds.
    """

    rate: float
    p99: float
    failed: int
    late: int
    cpu: float


@dataclass(frozen=True)
class Server:
    """A process that serves."""

    url: str
    pid: int


PORT = object()


@contextlib.contextmanager
def process(module: str, *arguments: object) -> Iterator[Server]:
    """A server on a free port of loopback, which it is told where `PORT` stands among the arguments."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    given = [str(port) if one is PORT else str(one) for one in arguments]
    environment = {**os.environ, "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"}
    started = subprocess.Popen(
        [sys.executable, "-m", module, *given], cwd=ROOT, env=environment, stderr=subprocess.DEVNULL
    )
    try:
        for _ in range(600):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                break
            time.sleep(0.1)
        time.sleep(1)
        yield Server(f"http://127.0.0.1:{port}", started.pid)
    finally:
        started.terminate()
        started.wait(60)


def wrk(url: str, pid: int, seconds: int, folder: Path, key: str = "") -> Loaded:
    """Load an address over a hundred connections."""
    script = folder / "wrk.lua"
    script.write_text(SCRIPT)
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "-s", str(script), url]
    before = _processor_seconds(pid)
    told = subprocess.run(command, capture_output=True, text=True, check=True, env={**os.environ, "KEY": key}).stdout
    rate, p99, failed, late = re.search(r"RESULT (\S+) (\S+) (\S+) (\S+)", told).groups()  # type: ignore[union-attr]
    cpu = (_processor_seconds(pid) - before) / (float(rate) * seconds) * 1e6
    return Loaded(float(rate), float(p99), int(failed), int(late), cpu)


def _processor_seconds(pid: int) -> float:
    spent = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(spent[11]) + int(spent[12])) / os.sysconf("SC_CLK_TCK")


def make(folder: Path) -> tuple[Lake, str, list[dict[str, str | None]]]:
    """A small lake with its first release; a key to all of it; and visits that later releases add."""
    lake = Lake(folder / "lake")
    for file in write(Network(providers=16, patients=250, days=5, visits_per_day=20), folder / "extracts"):
        lake.load(file.parent.name, file)
    assert not lake.run().failed
    later = pl.read_csv(sorted((folder / "extracts/ehr_visits").iterdir())[-1], infer_schema=False).to_dicts()
    now, who = lake.clock(), "benchmark"
    grant(
        lake.storage,
        who,
        providers=None,
        service_lines=None,
        exact=True,
        scopes=["read"],
        until=None,
        who=who,
        why="measured",
        now=now,
    )
    _, key = keys.create(lake.storage, who, days=1, scopes=None, who=who, now=now)
    return lake, key, later


def against_bare(service: Server, key: str, bare: Server, seconds: int, rounds: int, folder: Path) -> None:
    """Load both in turn and print the ratios."""
    pairs = []
    for _ in range(rounds):
        ours = wrk(f"{service.url}/v1/summary", service.pid, seconds, folder, key)
        theirs = wrk(f"{bare.url}/bare", bare.pid, seconds, folder)
        pairs.append((ours, theirs))
        print(
            f"service {ours.rate:5.0f}/s, p99 {ours.p99:5.1f} ms, {ours.cpu:4.0f} us of processor each, failed "
            f"{ours.failed}, late {ours.late}; "
            f"bare {theirs.rate:5.0f}/s, p99 {theirs.p99:5.1f} ms, {theirs.cpu:4.0f} us",
            flush=True,
        )
    rate = statistics.median(ours.rate / theirs.rate for ours, theirs in pairs)
    cpu = statistics.median(theirs.cpu / ours.cpu for ours, theirs in pairs)
    p99 = statistics.median(ours.p99 for ours, _ in pairs)
    print(f"of the bare route's throughput {rate:.2f} (by processor time {cpu:.2f}); p99 {p99:.1f} ms", flush=True)


def while_publishing(
    service: Server, key: str, lake: Lake, rows: list[dict[str, str | None]], seconds: int, folder: Path
) -> None:
    """Load the service while releases are published; print failures, mixed releases and memory."""
    ended = threading.Event()
    read: dict[int, set[bytes]] = {}
    memory: list[int] = []

    def publish() -> None:
        day = date(2026, 2, 1)
        while not ended.is_set():
            began = time.monotonic()
            row = {**rows[len(read) % len(rows)], "visit_id": f"late-{day}"}
            lake.load("ehr_visits", pl.DataFrame([row]), extract_date=day, delivered_at=datetime.now(UTC))
            day += timedelta(days=1)
            assert lake.run(accept=("drift", "totals", "quality")).release is not None
            ended.wait(max(0.0, PUBLISH_EVERY - (time.monotonic() - began)))

    def check() -> None:
        with httpx.Client(headers=headers(key)) as client:
            while not ended.is_set():
                answer = client.get(f"{service.url}/v1/monthly?limit=10000")
                answer.raise_for_status()
                read.setdefault(answer.json()["release"]["number"], set()).add(answer.content)
                memory.append(_resident(service.pid))
                ended.wait(0.5)

    threads = [threading.Thread(target=publish), threading.Thread(target=check)]
    for thread in threads:
        thread.start()
    loaded = wrk(f"{service.url}/v1/summary", service.pid, seconds, folder, key)
    ended.set()
    for thread in threads:
        thread.join()
    mixed = 0
    for number, bodies in read.items():
        then = httpx.get(f"{service.url}/v1/monthly?limit=10000&release={number}", headers=headers(key)).content
        mixed += bodies != {then}
    third = len(memory) // 3
    print(
        f"{seconds} s, {len(read)} releases read: {loaded.rate:.0f}/s, p99 {loaded.p99:.1f} ms, failed "
        f"{loaded.failed}, late {loaded.late}, releases with mixed answers {mixed}; memory of the second third "
        f"{max(memory[third : 2 * third])} MB, of the last {max(memory[2 * third :])} MB",
        flush=True,
    )


def headers(key: str) -> dict[str, str]:
    """Of a request with that key, for an answer as it is."""
    return {"X-API-Key": key, "Accept-Encoding": "identity"}


def _resident(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+)", status).group(1)) // 1024  # type: ignore[union-attr]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.serve", description=__doc__)
    parser.add_argument("--seconds", type=int, default=300, help="of load while releases are published")
    parser.add_argument("--round", type=int, default=10, help="seconds of each round against the bare route")
    parser.add_argument("--rounds", type=int, default=3)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        lake, key, later = make(folder)
        options = ("--lake", lake.uri, "--rate", "1000000/second", "--port", PORT)
        with process("carti_lake", "serve", *options) as service:
            (folder / "body").write_bytes(
                httpx.get(f"{service.url}/v1/summary", headers=headers(key)).raise_for_status().content
            )
            with process("benchmarks.bare", folder / "body", PORT) as bare:
                against_bare(service, key, bare, chosen.round, chosen.rounds, folder)
            while_publishing(service, key, lake, later, chosen.seconds, folder)


if __name__ == "__main__":
    main()
