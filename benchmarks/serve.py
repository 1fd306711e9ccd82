"""``python -m benchmarks.serve``: the service under wrk's load, against a bare route, and while releases are published.

First the cached summary and a bare FastAPI route that returns the same bytes are loaded in turn, so that whatever else
the machine does meets both. Then the service is loaded for minutes while a release is published every ten seconds:
memory must stay flat, no request may fail, and every answer must be that of one release. Writes SERVICE.md.
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

from benchmarks.report import machine
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


def against_bare(service: Server, key: str, bare: Server, seconds: int, rounds: int, folder: Path) -> str:
    """Load both in turn; the table of what came of it."""
    pairs = []
    for _ in range(rounds):
        ours = wrk(f"{service.url}/v1/summary", service.pid, seconds, folder, key)
        pairs.append((ours, wrk(f"{bare.url}/bare", bare.pid, seconds, folder)))
        print(*pairs[-1], flush=True)
    lines = [
        f"| {ours.rate:,.0f} | {ours.p99:.0f} | {ours.cpu:.0f} | {ours.failed + ours.late} | {theirs.rate:,.0f} | "
        f"{theirs.p99:.0f} | {theirs.cpu:.0f} |"
        for ours, theirs in pairs
    ]
    rate = statistics.median(ours.rate / theirs.rate for ours, theirs in pairs)
    p99 = statistics.median(ours.p99 for ours, _ in pairs)
    return f"""The service reaches {rate:.2f} of the bare route's throughput (promised: 0.6); 99 % of the answers come
within {p99:.0f} ms (promised: 50 ms). Medians of rounds of {seconds} s in turns:

| service, requests/s | p99, ms | processor, µs | failed or late | bare route, requests/s | p99, ms | processor, µs |
| ---: | ---: | ---: | ---: | ---: | ---: | ---: |
{chr(10).join(lines)}"""


def while_publishing(
    service: Server, key: str, lake: Lake, rows: list[dict[str, str | None]], seconds: int, folder: Path
) -> str:
    """Load the service while releases are published; failures, mixed releases and memory in words."""
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
    return f"""For {seconds} s, while a release was published every {PUBLISH_EVERY:.0f} s ({len(read)} of them read):
{loaded.rate:,.0f} requests/s, 99 % within {loaded.p99:.0f} ms; failed {loaded.failed}, later than 2 s {loaded.late};
releases with an answer that mixed them with another {mixed}. Largest resident memory in the second third of the time
{max(memory[third : 2 * third])} MB, in the last {max(memory[2 * third :])} MB."""


def headers(key: str) -> dict[str, str]:
    """Of a request with that key, for an answer as it is."""
    return {"X-API-Key": key, "Accept-Encoding": "identity"}


def _resident(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+)", status).group(1)) // 1024  # type: ignore[union-attr]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.serve", description=__doc__)
    parser.add_argument("--seconds", type=int, default=300, help="of load while releases are published")
    parser.add_argument("--round", type=int, default=20, help="seconds of each round against the bare route")
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
                parts = [against_bare(service, key, bare, chosen.round, chosen.rounds, folder)]
            parts.append(while_publishing(service, key, lake, later, chosen.seconds, folder))
    parts = [
        "# The service under load",
        f"Written by `python -m benchmarks.serve`; do not edit. {machine('polars', 'fastapi', 'uvicorn')}.",
        f"`wrk` with {CONNECTIONS} connections over loopback, on the machine of the service. The cached `/v1/summary` "
        "of a small lake, with sign-in, policies, rate limit, log, figures and audit log, stands beside a FastAPI "
        "route without any that returns the same bytes from memory; both are served by uvicorn.",
        *parts,
    ]
    (Path(__file__).parent / "SERVICE.md").write_text("\n\n".join(parts) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
