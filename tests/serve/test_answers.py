"""Answers that are kept: ETags, compression, one computation for all who ask, and bounded memory."""

import gzip
from dataclasses import replace

import pytest
import zstandard

from tests.doubles.readers import Visible
from tests.serve.conftest import PATIENT, key, service

pytestmark = pytest.mark.slow

READS = ["/v1/summary", "/v1/monthly?limit=3", "/providers", "/v1/releases", "/v1/metrics/claims", "/v1/workbook"]


@pytest.mark.parametrize("path", READS)
def test_what_has_not_changed_is_not_sent_again(client, path):
    first = client.get(path, headers=key())
    etag = first.headers["etag"]
    again = client.get(path, headers=key(**{"If-None-Match": f'"other", W/{etag}'}))
    assert again.status_code == 304
    assert again.content == b""
    assert again.headers["etag"] == etag
    assert "content-type" not in again.headers
    assert client.get(path, headers=key(**{"If-None-Match": "*"})).status_code == 304
    assert client.get(path, headers=key(**{"If-None-Match": '"other"'})).content == first.content


def test_an_etag_names_release_viewer_question_and_format(client):
    tags = {
        client.get(path, headers=key(who, **more)).headers["etag"]
        for path in ("/v1/summary", "/v1/summary?release=1", "/v1/summary?limit=2")
        for who in ("all", "few")
        for more in ({}, {"Accept": "text/csv"}, {"Accept-Encoding": "gzip"})
    }
    assert len(tags) == 18


def test_naming_the_latest_release_changes_nothing_but_the_question(client, served):
    assert (
        client.get("/v1/summary", headers=key()).content
        == client.get(f"/v1/summary?release={len(served.stood)}", headers=key()).content
    )


@pytest.mark.parametrize(
    ("accepted", "sent"),
    [
        ("gzip", "gzip"),
        ("zstd", "zstd"),
        ("gzip, zstd", "zstd"),
        ("zstd;q=0.1, gzip;q=0.9", "gzip"),
        ("zstd;q=0, gzip", "gzip"),
        ("*", "zstd"),
        ("br", None),
        ("identity", None),
        ("gzip;q=0", None),
    ],
)
def test_bytes_are_compressed_as_the_client_accepts(client, accepted, sent):
    plain = client.get("/v1/summary", headers=key()).content
    how = {"zstd": zstandard.decompress, "gzip": gzip.decompress, None: bytes}[sent]
    with_raw = client.raw("/v1/summary", headers=key(**{"Accept-Encoding": accepted}))
    assert with_raw.headers.get("content-encoding") == sent
    assert how(with_raw.body) == plain
    assert with_raw.headers["content-length"] == str(len(with_raw.body))
    assert "Accept-Encoding" in with_raw.headers["vary"]
    assert sent is None or len(with_raw.body) < len(plain) / 2


def test_a_small_body_and_a_dense_file_are_sent_as_they_are(client):
    small = client.raw("/v1/summary?fields=provider_id&limit=1", headers=key(**{"Accept-Encoding": "gzip"}))
    dense = client.raw("/v1/workbook", headers=key(**{"Accept-Encoding": "gzip"}))
    assert "content-encoding" not in small.headers
    assert "content-encoding" not in dense.headers


def test_head_is_get_without_a_body(client):
    got, told = (client.request(method, "/v1/summary", headers=key()) for method in ("GET", "HEAD"))
    assert told.status_code == 200
    assert told.content == b""
    same = ("etag", "content-length", "content-type")
    assert [told.headers[name] for name in same] == [got.headers[name] for name in same]


def test_what_many_ask_at_once_is_worked_out_once(served, monkeypatch):
    reads = []
    scan = Visible.scan

    def counted(self, table):
        reads.append(table)
        return scan(self, table)

    monkeypatch.setattr(Visible, "scan", counted)
    with service(served) as client:
        answers = client.together([("GET", "/v1/summary", {"headers": key()})] * 30)
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.content for answer in answers}) == 1
    assert reads.count("gold.provider_summary") == 1


def test_answers_take_no_more_memory_than_they_may(served):
    with service(served, replace(PATIENT, most_kept=200_000)) as client:
        for limit in range(1, 60):
            assert client.get(f"/v1/monthly?limit={limit}", headers=key()).status_code == 200
        figures = client.get("/metrics", headers=key()).text
    kept = next(float(line.split()[1]) for line in figures.splitlines() if line.startswith("carti_lake_answer_bytes "))
    assert 100_000 < kept <= 200_000


def test_refusals_are_not_kept_and_bear_no_etag(client):
    for path, who in (("/v1/nothing", "all"), ("/v1/workbook", "reader"), ("/v1/summary?x=1", "all")):
        answer = client.get(path, headers=key(who))
        assert answer.status_code in (403, 404, 422)
        assert "etag" not in answer.headers
        assert answer.headers["cache-control"] == "no-store"
