"""A process of its own: it starts, answers, reads a new release, and ends in order; and where it may listen."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import httpx
import pytest

from carti_lake.serve.server import ExposedError, is_loopback, refuse_exposure
from tests.serve.conftest import key

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def process(served, tmp_path):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = (tmp_path / "log").open("w")
    started = subprocess.Popen(
        [sys.executable, "-m", "tests.serve.process", str(served.lake.uri), str(port), str(tmp_path / "trail")],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"},
        stderr=log,
    )
    address = f"http://127.0.0.1:{port}"
    until = time.monotonic() + 60
    while time.monotonic() < until:
        try:
            if httpx.get(f"{address}/readyz").status_code == 200:
                break
        except httpx.TransportError:
            time.sleep(0.1)
    yield started, address
    started.kill()
    started.wait()
    log.close()


@pytest.mark.server
def test_it_answers_and_ends_in_order_with_its_trail_written(process, tmp_path):
    started, address = process
    ids, failures, ended = [], [], threading.Event()

    def ask():
        with httpx.Client() as client:
            while not ended.is_set():
                try:
                    answer = client.get(f"{address}/v1/summary", headers=key())
                except httpx.TransportError:
                    return
                if answer.status_code == 200:
                    ids.append(answer.headers["x-request-id"])
                else:
                    failures.append(answer.status_code)

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    time.sleep(1.5)
    started.send_signal(signal.SIGTERM)
    assert started.wait(30) in (0, -signal.SIGTERM)
    ended.set()
    for thread in threads:
        thread.join()
    assert not failures
    assert len(ids) > 20
    written = [line.split()[0] for line in (tmp_path / "trail").read_text().splitlines()]
    assert {*ids} <= {*written}
    assert len({*written}) == len(written)
    lines = [json.loads(line) for line in (tmp_path / "log").read_text().splitlines()]
    assert {line["route"] for line in lines if line["event"] == "answered"} == {"/readyz", "/v1/summary"}


@pytest.mark.server
def test_headers_of_the_server_tell_nothing_of_it(process):
    _, address = process
    answer = httpx.get(f"{address}/v1/summary", headers=key())
    assert "server" not in answer.headers
    assert "etag" in answer.headers


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "localhost", "[::1]"])
def test_loopback_needs_no_sign_in_to_be_configured(host):
    assert is_loopback(host)
    refuse_exposure(host, configured=False)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.1.2.3", "lake.hospital.org", "", "localhost.evil.org"])
def test_beyond_loopback_nobody_listens_before_somebody_can_sign_in(host):
    with pytest.raises(ExposedError, match="key create"):
        refuse_exposure(host, configured=False)
    refuse_exposure(host, configured=True)
