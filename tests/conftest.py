"""Fixtures that several tests share, and what a skipped test means.

With ``CARTI_LAKE_REQUIRE_ALL=1`` (as in `.ci/run`) a skipped test fails: there, everything optional must be present.
The one thing that may still be absent is the folder ``../shared`` with its independent data.
"""

import contextlib
import getpass
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# Two processes on two processors: one has threads as users have them, for the other they would only begin and end.
# Polars asks when it is first imported.
if os.environ.get("PYTEST_XDIST_WORKER", "gw0") != "gw0":
    os.environ.setdefault("POLARS_MAX_THREADS", "1")

import pytest
from filelock import FileLock
from hypothesis import is_hypothesis_test, settings

# A busy machine is no reason to fail. Where everything is required, the same examples are tried each time: a new one
# is for whoever is changing the code to find, not for a release to trip over.
settings.register_profile(
    "carti_lake", deadline=None, print_blob=True, derandomize=os.environ.get("CARTI_LAKE_REQUIRE_ALL") == "1"
)
settings.load_profile("carti_lake")

#: Examples of every property, in place of the few that are enough where nothing has changed.
EXAMPLES = os.environ.get("CARTI_LAKE_EXAMPLES")

SHARED = Path(__file__).resolve().parents[1] / "../shared"
BUCKET = "carti-lake"
#: With what an address must spell otherwise.
POSTGRESQL_PASSWORD = "p@ss/w:rd#marked"
MARIADB_PASSWORD = "p@ss/w:rd#marked"
CHROMIUM = Path("/usr/bin/chromium")
#: What a test needs beside Python is told by the fixture that it asks for.
MARKED_BY_FIXTURE = {
    "browser": "browser",
    "s3": "server",
    "postgresql": "server",
    "mariadb": "server",
    "sftp": "server",
}


def fail_if_skipped(report: Any) -> Any:
    """Turn a skip into a failure where everything is required."""
    skipped = report.skipped and not hasattr(report, "wasxfail")
    if skipped and os.environ.get("CARTI_LAKE_REQUIRE_ALL") == "1":
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        if SHARED.is_dir() or "shared" not in reason:
            report.outcome = "failed"
            report.longrepr = f"{reason}\nCARTI_LAKE_REQUIRE_ALL=1 lets no test be skipped"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Any:
    return fail_if_skipped((yield))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Any:
    return fail_if_skipped((yield))


# First: what `-m` leaves out is decided from the marks.
@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if EXAMPLES and is_hypothesis_test(item.obj):  # type: ignore[attr-defined]
            own = "_hypothesis_internal_use_settings"
            setattr(item.obj, own, settings(getattr(item.obj, own), max_examples=int(EXAMPLES)))  # type: ignore[attr-defined]
        for fixture, mark in MARKED_BY_FIXTURE.items():
            if fixture in getattr(item, "fixturenames", ()):
                item.add_marker(mark)
    # What lasts begins first, and what is soon done fills both processors to the end.
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)


@pytest.fixture(scope="session")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, Callable[[Path], object]], Path]:
    """Gives a folder that is filled once a session, by whichever of its processes needs it first; read it only."""
    base = tmp_path_factory.getbasetemp()
    root = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base

    def folder(name: str, make: Callable[[Path], object]) -> Path:
        made, whole = root / name, root / f"{name}.whole"
        with FileLock(root / f"{name}.lock"):
            if not whole.exists():
                # What another process has left half done.
                shutil.rmtree(made, ignore_errors=True)
                made.mkdir()
                make(made)
                whole.touch()
        return made

    return folder


@pytest.fixture(scope="session")
def demo_folder(made_once: Callable[..., Path]) -> Path:
    """A folder with the demo of a few days, in ``lake`` and ``demo``; whoever writes copies it."""
    from carti_lake import Lake
    from carti_lake.demo import demo
    from tests.worlds.networks import FEW_DAYS

    return made_once(
        "demo", lambda folder: demo(Lake(folder / "lake"), folder / "demo", FEW_DAYS, progress=lambda step: None)
    )


@pytest.fixture(scope="session")
def shared() -> Path:
    """Folder of the independent data, beside the checkout."""
    if not SHARED.is_dir():
        pytest.skip("../shared is absent")
    return SHARED.resolve()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Chromium, for the tests of one file: as long as it runs, its event loop is the thread's, and bars any other."""
    if not CHROMIUM.exists():
        pytest.skip("Chromium is not installed: apt-get install chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def s3() -> Iterator[dict[str, str]]:
    """Options that reach an S3-compatible server on loopback, with the bucket ``carti-lake`` in it."""
    import boto3

    # A process of its own: some calls of deltalake hold this one's interpreter while they wait for an answer.
    port = _free_port()
    server = subprocess.Popen(
        [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    _wait_for(port, server)
    options = {
        "aws_endpoint_url": f"http://127.0.0.1:{port}",
        "aws_allow_http": "true",
        "aws_region": "us-east-1",
        "aws_access_key_id": "test",
        "aws_secret_access_key": "test",
    }
    client = boto3.client(
        "s3",
        endpoint_url=options["aws_endpoint_url"],
        region_name=options["aws_region"],
        aws_access_key_id=options["aws_access_key_id"],
        aws_secret_access_key=options["aws_secret_access_key"],
    )
    client.create_bucket(Bucket=BUCKET)
    client.close()
    yield options
    server.terminate()
    server.wait()


@pytest.fixture(scope="session")
def postgresql(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of a PostgreSQL server on loopback, without the password ``POSTGRESQL_PASSWORD`` of its user."""
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    if not programs:
        pytest.skip("PostgreSQL is not installed: apt-get install postgresql")
    folder, port = Path(tempfile.mkdtemp(prefix="carti-lake-postgresql-")), _free_port()
    (folder / "password").write_text(POSTGRESQL_PASSWORD)
    # It refuses to be run by root.
    user = {"user": "postgres", "group": "postgres", "extra_groups": []} if os.geteuid() == 0 else {}
    if user:
        shutil.chown(folder, "postgres")
    quietly: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": folder, **user}
    made = [programs[-1] / "initdb", "-D", folder / "data", "-U", "reader", "--auth=scram-sha-256", "--no-sync"]
    subprocess.run([*made, f"--pwfile={folder / 'password'}", "--encoding=UTF8"], check=True, **quietly)
    server = subprocess.Popen(
        [programs[-1] / "postgres", "-D", folder / "data", "-p", str(port), "-k", folder, "-h", "127.0.0.1", "-F"],
        **quietly,
    )
    try:
        _wait_for(port, server)
        # It listens before it lets anybody in.
        while subprocess.run([programs[-1] / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(port)]).returncode:
            time.sleep(0.05)
        yield f"postgresql://reader@127.0.0.1:{port}/postgres"
    finally:
        server.terminate()
        server.wait()
        shutil.rmtree(folder)


@pytest.fixture(scope="session")
def mariadb() -> Iterator[str]:
    """Address of a MariaDB server on loopback, without the password ``MARIADB_PASSWORD`` of its user."""
    if not (program := shutil.which("mariadbd", path=f"{os.environ.get('PATH', '')}:/usr/sbin")):
        pytest.skip("MariaDB is not installed: apt-get install mariadb-server")
    folder, port = Path(tempfile.mkdtemp(prefix="carti-lake-mariadb-")), _free_port()
    user = {"user": "mysql", "group": "mysql", "extra_groups": []} if os.geteuid() == 0 else {}
    if user:
        shutil.chown(folder, "mysql")
    quietly: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": folder, **user}
    install = ["mariadb-install-db", "--no-defaults", f"--datadir={folder / 'data'}", "--skip-test-db"]
    subprocess.run([*install, "--auth-root-authentication-method=normal"], check=True, **quietly)
    (folder / "first.sql").write_text(
        # A statement a line.
        "CREATE DATABASE ehr;\n"
        f"CREATE USER reader@'127.0.0.1' IDENTIFIED BY '{MARIADB_PASSWORD}';\n"
        "GRANT ALL ON *.* TO reader@'127.0.0.1';\n",
        "utf-8",
    )
    options = [f"--datadir={folder / 'data'}", f"--port={port}", f"--socket={folder / 'socket'}"]
    options += ["--bind-address=127.0.0.1", "--skip-name-resolve", f"--init-file={folder / 'first.sql'}"]
    server = subprocess.Popen(
        [program, "--no-defaults", *options, "--innodb-flush-log-at-trx-commit=0", "--skip-log-bin"], **quietly
    )
    try:
        _wait_for(port, server)
        yield f"mysql://reader@127.0.0.1:{port}/ehr"
    finally:
        server.terminate()
        server.wait()
        shutil.rmtree(folder)


@dataclass(frozen=True)
class Sftp:
    """An SFTP server on loopback.

    Attributes
    ----------
    address
        Of the root of its file system, which is this machine's.
    key
        File with the user's private key.
    host_key
        The host's public key.
    """

    address: str
    key: Path
    host_key: str


@pytest.fixture(scope="session")
def sftp(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sftp]:
    """OpenSSH's server, for the user of this process."""
    if not (program := shutil.which("sshd", path=f"{os.environ.get('PATH', '')}:/usr/sbin")):
        pytest.skip("OpenSSH's server is not installed: apt-get install openssh-server")
    folder, port = tmp_path_factory.mktemp("sftp"), _free_port()
    for name in ("host", "user"):
        made = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / name]
        subprocess.run(made, check=True, stdout=subprocess.DEVNULL)
    options = {
        "Port": port,
        "ListenAddress": "127.0.0.1",
        "HostKey": folder / "host",
        "PidFile": folder / "pid",
        "AuthorizedKeysFile": folder / "user.pub",
        "StrictModes": "no",
        "PasswordAuthentication": "no",
        "PermitRootLogin": "prohibit-password",
        "UsePAM": "no",
        "Subsystem": "sftp internal-sftp",
    }
    (folder / "config").write_text("".join(f"{key} {value}\n" for key, value in options.items()), "utf-8")
    if os.geteuid() == 0:
        # Where it gives up its rights.
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    server = subprocess.Popen([program, "-D", "-f", folder / "config"], stderr=subprocess.DEVNULL)
    _wait_for(port, server)
    host_key = " ".join((folder / "host.pub").read_text().split()[:2])
    yield Sftp(f"sftp://{getpass.getuser()}@127.0.0.1:{port}", folder / "user", host_key)
    server.terminate()
    server.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_for(port: int, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 60
    while server.poll() is None and time.monotonic() < deadline:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.05)
    raise RuntimeError("the server does not start")


@pytest.fixture
def s3_uri(s3: dict[str, str], request: pytest.FixtureRequest) -> str:
    """Place on that server for this test alone."""
    return f"s3://{BUCKET}/{request.node.name}"
