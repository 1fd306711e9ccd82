"""From a grant to a verified audit log by the command line: the real service, a real key, its own process."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest

COMMAND = [sys.executable, "-m", "carti_lake"]


@contextmanager
def serving(*options: str) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """``carti-lake serve`` on a free port; gives the process and its address once it answers."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with open("serve.log", "wb") as log:
        started = subprocess.Popen([*COMMAND, "serve", "--port", str(port), *options], env={**os.environ}, stderr=log)
        address = f"http://127.0.0.1:{port}"
        try:
            until = time.monotonic() + 60
            while time.monotonic() < until and started.poll() is None:
                try:
                    httpx.get(f"{address}/healthz")
                    break
                except httpx.TransportError:
                    time.sleep(0.1)
            yield started, address
        finally:
            started.kill()
            started.wait()


@pytest.mark.server
def test_a_granted_viewer_reads_its_rows_and_is_written_down(here, carti_lake):
    providers = json.loads(carti_lake("query", "SELECT provider_id FROM dim_provider", "--format", "json").out)
    mine = min(row["provider_id"] for row in providers)
    assert carti_lake("access", "grant", "ann", "--provider", mine, "--exact", "--why", "her own practice").code == 0
    key = json.loads(carti_lake("key", "create", "ann", "--json").out)
    headers = {"Authorization": f"Bearer {key['key']}"}
    with serving() as (started, address):
        assert httpx.get(f"{address}/v1/summary").status_code == 401
        answer = httpx.get(f"{address}/v1/summary", headers=headers)
        assert [row["provider_id"] for row in answer.json()["rows"]] == [mine]
        assert answer.json()["total"] == 1
        started.send_signal(signal.SIGTERM)
        assert started.wait(30) in (0, -signal.SIGTERM)
    assert carti_lake("audit", "verify").code == 0
    entries = json.loads(carti_lake("audit", "list", "--json").out)
    assert answer.headers["x-request-id"] in {entry["request"] for entry in entries}
    log = (here / "serve.log").read_text()
    assert key["key"] not in log + json.dumps(entries)


@pytest.mark.server
def test_without_any_key_it_says_so_and_answers_nobody(here):
    with serving() as (_, address):
        assert httpx.get(f"{address}/v1/summary").status_code == 401
        assert httpx.get(f"{address}/healthz").status_code == 200


def test_beyond_loopback_it_does_not_start_without_a_key(here, carti_lake):
    ended = carti_lake("serve", "--host", "0.0.0.0")
    assert ended.code == 1
    assert "key create" in ended.err
