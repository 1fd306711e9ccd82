"""The service with the lake's own rights: whoever may not see exact numbers gets no small count by any route."""

import io

import polars as pl
import pytest

from carti_lake.access import Viewer, visible
from carti_lake.metrics import METRICS
from carti_lake.serve.app import create_app
from carti_lake.serve.resources import RESOURCES
from carti_lake.tables.gold.events import FAMILIES, MADE_FROM
from tests.serve.conftest import PATIENT, key
from tests.serve.in_process import InProcess

COUNTS = {one for family in FAMILIES for split in family.splits for one in (split.whole, *split.parts)}
EVENTS = COUNTS | {name for name, made in MADE_FROM.items() if {*made} <= COUNTS}
#: Tables that cross two axes: most of their rows are about few people.
CROSSED = ("monthly", "claims", "claims/denials", "claims/aged", "referral-flow", "readmissions")


@pytest.fixture(scope="module")
def client(served):
    few = served.viewers["few"].providers
    scopes = frozenset({"read", "download", "predict"})
    viewers = {
        "suppressed": Viewer("suppressed", None, None, False, scopes),
        "few": Viewer("few", few, None, False, scopes),
        "exact": Viewer("exact", few, None, True, scopes),
    }
    app = create_app(served.lake, authenticate=viewers.get, see=visible, write=len, settings=PATIENT)
    with InProcess(app) as client:
        yield client


def small(rows: pl.DataFrame) -> list[str]:
    return [name for name in EVENTS & {*rows.columns} if rows[name].cast(pl.Int64).is_between(1, 10).any()]


@pytest.mark.parametrize("who", ["suppressed", "few"])
def test_no_route_of_rows_gives_a_small_count(client, who):
    read = {}
    for resource in RESOURCES:
        answer = client.get(f"/v1/{resource.path}?limit=10000", headers=key(who, Accept="text/csv"))
        assert answer.status_code in (200, 404)
        if answer.status_code == 200:
            read[resource.path] = pl.read_csv(io.BytesIO(answer.content), infer_schema_length=None)
            assert small(read[resource.path]) == [], resource.path
    # Of three providers hardly anything can be shown; of all, most.
    assert who == "few" or read["summary"]["total_visits"].drop_nulls().len() > 0
    assert not {*CROSSED} & {*read}


def test_whoever_may_see_exact_numbers_has_them(client):
    found = [client.get(f"/v1/{path}", headers=key("exact")) for path in CROSSED]
    assert {one.status_code for one in found} == {200}
    rows = client.get("/v1/claims?limit=10000", headers=key("exact", Accept="text/csv")).content
    assert "claims" in small(pl.read_csv(io.BytesIO(rows), infer_schema_length=None))


@pytest.mark.parametrize("who", ["suppressed", "few"])
def test_no_file_gives_a_small_count(client, who):
    names = [one for one in client.get("/v1/published", headers=key(who)).json()["files"] if one.endswith(".parquet")]
    assert "provider_summary.parquet" in names
    for name in names:
        assert small(pl.read_parquet(client.get(f"/v1/published/{name}", headers=key(who)).content)) == [], name
    assert client.get("/v1/published/claims_monthly.csv", headers=key(who)).status_code == 404


@pytest.mark.slow
def test_no_metric_gives_a_small_count(client):
    answered = 0
    for metric in METRICS.values():
        for by in ("", *metric.mart.key(), ",".join(metric.mart.key())):
            answer = client.get(f"/v1/metrics/{metric.id}?by={by}&limit=10000", headers=key("suppressed"))
            assert answer.status_code in (200, 404)
            if answer.status_code == 200:
                answered += 1
                assert not [row for row in answer.json()["rows"] if row["n"] is not None and 1 <= row["n"] <= 10]
    assert answered > 40


@pytest.mark.slow
def test_no_change_between_releases_gives_a_small_count(client):
    for resource in RESOURCES:
        answer = client.get(
            f"/v1/changes/{resource.path}?from=1&to=2&limit=10000", headers=key("suppressed", Accept="text/csv")
        )
        assert answer.status_code in (200, 404)
        if answer.status_code == 200 and answer.content.strip():
            assert small(pl.read_csv(io.BytesIO(answer.content), infer_schema_length=None)) == [], resource.path
