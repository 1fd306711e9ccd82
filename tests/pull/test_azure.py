"""Folders in Azure's object store, from Azurite.

Only where it is installed (``npm install azurite``, and its ``.bin`` in the path): CI has no Node.
"""

import base64
import hashlib
import hmac
import shutil
import subprocess
from datetime import UTC, datetime

import httpx
import polars as pl
import pytest

from tests.conftest import _free_port, _wait_for
from tests.pull.conftest import declare, taken
from tests.worlds.lakes import lake_in, visit

AZURITE = shutil.which("azurite-blob")
#: The account and key that Azurite documents, and everybody knows.
ACCOUNT = "devstoreaccount1"
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="


@pytest.fixture(scope="module")
def azure(tmp_path_factory):
    """How to reach a server with an empty container ``drop``."""
    port = _free_port()
    server = subprocess.Popen(
        [AZURITE, "--silent", "--skipApiVersionCheck", "--blobHost", "127.0.0.1", "--blobPort", str(port)],
        cwd=tmp_path_factory.mktemp("azurite"),
        stdout=subprocess.DEVNULL,
    )
    try:
        _wait_for(port, server)
        _make_container(f"http://127.0.0.1:{port}/{ACCOUNT}/drop")
        yield {
            "azure_storage_account_name": ACCOUNT,
            "azure_storage_account_key": KEY,
            "azure_storage_endpoint": f"http://127.0.0.1:{port}/{ACCOUNT}",
            "azure_allow_http": "true",
        }
    finally:
        server.terminate()
        server.wait()


def _make_container(address: str) -> None:
    said = {"x-ms-date": f"{datetime.now(UTC):%a, %d %b %Y %H:%M:%S GMT}", "x-ms-version": "2021-12-02"}
    headed = "".join(f"{name}:{value}\n" for name, value in said.items())
    signed = f"PUT{11 * chr(10)}\n{headed}/{ACCOUNT}/{ACCOUNT}/drop\nrestype:container"
    proof = base64.b64encode(hmac.digest(base64.b64decode(KEY), signed.encode(), hashlib.sha256)).decode()
    headers = {**said, "Authorization": f"SharedKey {ACCOUNT}:{proof}"}
    httpx.put(address, params={"restype": "container"}, headers=headers).raise_for_status()


if AZURITE:

    @pytest.mark.server
    @pytest.mark.parametrize("address", ["az://drop", f"abfss://drop@{ACCOUNT}.dfs.core.windows.net"])
    def test_files_come_from_a_container_each_once(azure, world, address, request):
        into = f"in-{request.node.callspec.id[:2]}"
        world.lake = lake_in(world.lake.uri, world.clock, azure)
        declare(world, f"{address}/{into}", files="**/*.csv", complete=".done")
        for number, name in enumerate(["a_2026-03-08.csv", "march/b_2026-03-09.csv"]):
            pl.DataFrame([visit(number)]).write_csv(f"az://drop/{into}/{name}", storage_options=azure)
        assert taken(world) == ([], ["a_2026-03-08.csv", "march/b_2026-03-09.csv"])
        pl.DataFrame({"x": [1]}).write_csv(f"az://drop/{into}/march/b_2026-03-09.csv.done", storage_options=azure)
        assert taken(world) == (["b_2026-03-09.csv"], ["a_2026-03-08.csv"])
        assert taken(world) == ([], ["a_2026-03-08.csv"])

    @pytest.mark.server
    @pytest.mark.parametrize("wrong", [{}, {"azure_storage_account_key": "bWFya2Vk"}])
    def test_a_container_that_is_not_there_or_refuses_is_an_error(azure, world, wrong):
        world.lake = lake_in(world.lake.uri, world.clock, azure | wrong)
        declare(world, "az://drop/in" if wrong else "az://none/in")
        (pulled,) = world.lake.pull()
        assert "the object store does not answer, or refuses" in pulled.error
        assert "bWFya2Vk" not in pulled.error
