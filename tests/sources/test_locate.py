import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest

from carti_lake.sources.extract import ExtractError
from carti_lake.sources.files import open_paths
from carti_lake.sources.locate import locate
from carti_lake.tables.feeds import SalesforceCampaigns

CAMPAIGNS = "campaign_id,actual_cost\nC1,10\n"


@pytest.fixture
def folder(tmp_path):
    for name in [
        "b_2026-01-02.csv",
        "a_2026-01-03.csv",
        "2026/c.csv",
        "2026/_SUCCESS",
        ".hidden/d.csv",
        "2026/x[1].csv",
    ]:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(CAMPAIGNS)
    return tmp_path


def names(*paths, **options):
    return [found.name for found in locate(paths, options or None).found]


def test_a_folder_stands_for_all_files_below_it_but_hidden_ones(folder):
    assert names(folder) == ["a_2026-01-03.csv", "b_2026-01-02.csv", "c.csv", "x[1].csv"]


def test_what_lies_beside_extracts_is_left_out_with_a_word_but_not_where_it_is_named(folder):
    leftovers = [
        "b.csv.md5",
        "b.ok",
        "Thumbs.db",
        "desktop.ini",
        "~$b.xlsx",
        "c.csv.part",
        "c.tmp",
        ".DS_Store",
        "d.csv.CRC",
    ]
    for name in leftovers:
        (folder / name).write_text("x")
    listing = locate([folder], None)
    assert [one.name for one in listing.found] == ["a_2026-01-03.csv", "b_2026-01-02.csv", "c.csv", "x[1].csv"]
    assert listing.left_out == sorted([*leftovers, "_SUCCESS"])
    assert names(f"{folder}/b*") == ["b_2026-01-02.csv"]
    assert names(folder / "b.ok", folder / "2026/_SUCCESS") == ["_SUCCESS", "b.ok"]
    extracts = list(open_paths([folder], SalesforceCampaigns))
    assert [len(one.notes) for one in extracts] == [1, 0, 0, 0]
    assert extracts[0].notes[0].startswith("left out beside it: .DS_Store, Thumbs.db, ")
    with pytest.raises(ExtractError, match=r"nothing but files that are no extracts: b\.csv\.md5, b\.ok"):
        names(f"{folder}/b.*")


def test_globs_and_files_each_count_once(folder):
    assert names(f"{folder}/*.csv", folder / "b_2026-01-02.csv") == ["a_2026-01-03.csv", "b_2026-01-02.csv"]
    assert names(f"{folder}/**/*.csv") == ["a_2026-01-03.csv", "b_2026-01-02.csv", "c.csv", "x[1].csv"]


def test_a_file_whose_name_looks_like_a_glob(folder):
    assert names(folder / "2026/x[1].csv") == ["x[1].csv"]


@pytest.mark.parametrize("missing", ["absent.csv", "*.xlsx"])
def test_nothing_found_is_an_error(folder, missing):
    with pytest.raises(ExtractError, match="there is no such file"):
        locate([folder / missing], None)


def test_a_uri_names_the_same_files(folder):
    uri = folder.as_uri()
    assert names(f"{uri}/b_2026-01-02.csv") == ["b_2026-01-02.csv"]
    assert names(f"{uri}/*_2026*.csv") == ["a_2026-01-03.csv", "b_2026-01-02.csv"]
    assert names(f"{uri}/2026") == ["c.csv", "x[1].csv"]
    with pytest.raises(ExtractError, match="there is no such file"):
        names(f"{uri}/absent.csv")


@pytest.fixture(scope="module")
def bucket():
    """An S3-compatible server in a process of its own: the object store's reader holds this one's interpreter lock."""
    boto3 = pytest.importorskip("boto3", reason="boto3 is not installed")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = subprocess.Popen(
        [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    url = f"http://127.0.0.1:{port}"
    for _ in range(200):
        with suppress(OSError):
            urllib.request.urlopen(url).close()
            break
        time.sleep(0.1)
    keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
    client = boto3.client("s3", endpoint_url=url, region_name="us-east-1", **keys)
    client.create_bucket(Bucket="extracts")
    for key in ["in/b_2026-01-02.csv", "in/2026/a_2026-01-03.csv", "in/_log/x.csv"]:
        client.put_object(Bucket="extracts", Key=key, Body=CAMPAIGNS.encode())
    client.close()
    yield {"aws_endpoint_url": url, "aws_allow_http": "true", "aws_region": "us-east-1", **keys}
    server.terminate()
    server.wait()


@pytest.mark.server
def test_objects_of_a_bucket_are_extracts(bucket):
    extracts = list(open_paths(["s3://extracts/in"], SalesforceCampaigns, storage_options=bucket))
    assert [extract.name for extract in extracts] == ["a_2026-01-03.csv", "b_2026-01-02.csv"]
    assert extracts[0].rows.collect().rows() == [("C1", "10")]
    assert datetime.now(UTC) - extracts[0].delivered_at < timedelta(hours=1)
    with pytest.raises(ExtractError, match=r"s3://nowhere.*: cannot be read: .*NoSuchBucket"):
        names("s3://nowhere/x.csv", **bucket)
    assert names("s3://extracts/in/b*.csv", **bucket) == ["b_2026-01-02.csv"]
    assert names("s3://extracts/in/2026/a_2026-01-03.csv", **bucket) == ["a_2026-01-03.csv"]
