"""Fixtures that several tests share, and what a skipped test means.

With ``CARTI_LAKE_REQUIRE_ALL=1`` (as in `.ci/run`) a skipped test fails: there, everything optional must be present.
The one thing that may still be absent is the folder ``../shared`` with its independent data.
"""

import logging
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

# A busy machine is no reason to fail.
settings.register_profile("carti_lake", deadline=None, print_blob=True)
settings.load_profile("carti_lake")

SHARED = Path(__file__).resolve().parents[1] / "../shared"
BUCKET = "carti-lake"


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


@pytest.fixture(scope="session")
def shared() -> Path:
    """Folder of the independent data, beside the checkout."""
    if not SHARED.is_dir():
        pytest.skip("../shared is absent")
    return SHARED.resolve()


@pytest.fixture(scope="session")
def s3() -> Iterator[dict[str, str]]:
    """Options that reach an S3-compatible server on loopback, with the bucket ``carti-lake`` in it."""
    import boto3
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    options = {
        "aws_endpoint_url": f"http://{host}:{port}",
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
    server.stop()


@pytest.fixture
def s3_uri(s3: dict[str, str], request: pytest.FixtureRequest) -> str:
    """Place on that server for this test alone."""
    return f"s3://{BUCKET}/{request.node.name}"
