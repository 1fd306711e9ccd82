"""What reads answer: rows of one release, in every format, with filters, order, fields and pages."""

import io
from datetime import date

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from carti_lake.metrics import METRICS
from carti_lake.serve.resources import MARTS, RESOURCES
from carti_lake.serve.selection import RESERVED
from tests.serve.conftest import RECORDED, key, rows, service

ARROW, PARQUET = "application/vnd.apache.arrow.stream", "application/vnd.apache.parquet"
HELD = [path for path, table in MARTS.items() if table.short_name not in ("forecasts", "forecast_accuracy")]


@pytest.mark.slow
@pytest.mark.parametrize("place", range(3))
@pytest.mark.parametrize("path", RECORDED)
def test_an_earlier_release_answers_as_it_did_when_it_stood(client, served, place, path):
    sign = "&" if "?" in path else "?"
    for who in ("all", "few"):
        then = served.recorded[place][path, who]
        by_number = client.get(f"{path}{sign}release={place + 1}", headers=key(who))
        by_time = (
            client.get(path, params=None, headers=key(who))
            if place == 2
            else client.get(
                f"{path}{sign}as_of={served.stood[place].isoformat().replace('+00:00', 'Z')}", headers=key(who)
            )
        )
        assert by_number.status_code == by_time.status_code == 200
        assert by_number.content == then
        assert by_time.content == then


def test_the_recorded_answers_differ_between_releases(served):
    answers = [recorded["/v1/summary", "all"] for recorded in served.recorded]
    assert len({*answers}) == 3


@pytest.mark.parametrize("path", ["summary", "monthly", "claims", "referral-flow", "providers"])
def test_rows_are_those_of_the_table(client, served, path):
    table = served.lake.scan(MARTS[path].full_name()).sort(MARTS[path].key()).collect()
    answered = client.get(f"/v1/{path}?limit=10000", headers=key(Accept=PARQUET))
    assert_frame_equal(pl.read_parquet(io.BytesIO(answered.content)), table)
    assert answered.headers["carti-total"] == str(table.height)
    assert table.height > 5


@pytest.mark.parametrize("path", [*HELD, "network/month", "metrics", "releases", "data-quality"])
def test_every_format_holds_the_same_rows(client, path):
    given = {
        accept: client.get(f"/v1/{path}?limit=37", headers=key(Accept=accept))
        for accept in ("application/json", "text/csv", PARQUET, ARROW)
    }
    if given["text/csv"].status_code == 404:
        assert {answer.status_code for answer in given.values()} == {404}
        return
    for accept, answer in given.items():
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith(accept)
    parquet = pl.read_parquet(io.BytesIO(given[PARQUET].content))
    assert_frame_equal(pl.read_ipc_stream(io.BytesIO(given[ARROW].content)), parquet)
    plain = parquet.with_columns(pl.col(pl.Decimal).cast(pl.Float64))
    assert rows(given["application/json"]) == _as_json(plain)
    lists = [name for name, dtype in plain.schema.items() if isinstance(dtype, pl.List)]
    text = plain.with_columns(pl.col(lists).list.join("; ")) if lists else plain
    again = pl.read_csv(io.BytesIO(given["text/csv"].content), schema=_of_text(text.schema))
    assert_frame_equal(_typed(again, text.schema), text)


def _as_json(frame):
    import json

    return json.loads(frame.write_json())


def _of_text(schema):
    return {name: pl.String if isinstance(dtype, pl.Date | pl.Datetime) else dtype for name, dtype in schema.items()}


def _typed(frame, schema):
    return frame.with_columns(
        pl.col(name).str.to_date()
        if isinstance(dtype, pl.Date)
        else pl.col(name).str.to_datetime(time_zone="UTC", time_unit="us")
        for name, dtype in schema.items()
        if isinstance(dtype, pl.Date | pl.Datetime)
    )


@pytest.mark.parametrize(
    ("accept", "answered"),
    [
        ("*/*", "application/json"),
        ("", "application/json"),
        ("text/*", "text/csv"),
        ("text/csv;q=0.5, application/json;q=0.9", "application/json"),
        (f"application/json;q=0, {PARQUET}", PARQUET),
        ("text/html, */*;q=0.1", "application/json"),
    ],
)
def test_the_format_is_the_one_that_is_liked_best(client, accept, answered):
    found = client.get("/v1/service-lines", headers=key(Accept=accept))
    assert found.headers["content-type"].partition(";")[0] == answered


@pytest.mark.parametrize(
    ("accept", "said_as"), [("application/pdf", "application/problem+json"), ("text/html", "text/html; charset=utf-8")]
)
def test_a_format_that_there_is_not_is_refused(client, accept, said_as):
    found = client.get("/v1/summary", headers=key(Accept=accept))
    assert found.status_code == 406
    assert found.headers["content-type"] == said_as


def test_filters_are_those_of_polars(client, served):
    monthly = served.lake.scan("gold.provider_monthly").collect()
    who, month = monthly["provider_id"][0], monthly["month"].max()
    assert isinstance(month, date)
    cases = {
        f"provider_id={who}": pl.col("provider_id") == who,
        f"provider_id={who}&provider_id=nobody": pl.col("provider_id") == who,
        f"month.gte={month}": pl.col("month") >= month,
        f"month.lt={month}": pl.col("month") < month,
        "gross_charges.gt=100.5&visits.lte=3": (pl.col("gross_charges").cast(float) > 100.5) & (pl.col("visits") <= 3),
        "service_line.null=false": pl.col("service_line").is_not_null(),
        "service_line.null=true": pl.col("service_line").is_null(),
    }
    for query, kept in cases.items():
        answer = client.get(f"/v1/monthly?limit=10000&{query}", headers=key())
        assert answer.json()["total"] == monthly.filter(kept).height, query
    assert 0 < client.get(f"/v1/monthly?{list(cases)[4]}", headers=key()).json()["total"] < monthly.height


@pytest.mark.parametrize(
    "query",
    [
        "colour=red",
        "visits=three",
        "visits.gte=1e400",
        "month=2026-1-1",
        "month.gte=January",
        "service_line.null=perhaps",
        "limit=0",
        "limit=10001",
        "limit=-1",
        "limit=ten",
        "limit=1&limit=2",
        "sort=colour",
        "sort=",
        "sort=visits,visits",
        "fields=visits,visits",
        "fields=",
        "cursor=zzz",
        "cursor=WzEsICJ4IiwgInkiXQ==",
        "release=1&as_of=2026-03-11",
        "visits.about=3",
    ],
)
def test_a_wrong_parameter_is_named_and_refused(client, query):
    answer = client.get(f"/v1/monthly?{query}", headers=key())
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["errors"][0]["name"].partition(".")[0] in query


@pytest.mark.parametrize(
    ("query", "status"),
    [("release=99", 404), ("as_of=2020-01-01", 404), ("as_of=2999-01-01", 404), ("release=nobody", 404)],
)
def test_a_release_that_does_not_stand_is_not_found(client, query, status):
    answer = client.get(f"/v1/monthly?{query}", headers=key())
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"


def test_fields_and_order(client):
    found = rows(client.get("/v1/summary?fields=total_visits,provider_name&sort=-total_visits", headers=key()))
    assert [list(row) for row in found] == [["total_visits", "provider_name"]] * len(found)
    visits = [row["total_visits"] for row in found]
    assert visits == sorted(visits, reverse=True)
    assert len({*visits}) > 1


def test_metric_values_at_a_grain_are_the_lakes_own(client, served):
    ours = served.lake.metric("gross_collection_rate", by=["provider_id"]).sort("provider_id").collect()
    found = rows(client.get("/v1/metrics/gross_collection_rate?by=provider_id&limit=1000", headers=key()))
    assert [row["value"] for row in found] == ours["value"].to_list()
    network = rows(client.get("/v1/metrics/gross_collection_rate", headers=key()))
    assert [row["value"] for row in network] == served.lake.metric("gross_collection_rate").collect()["value"].to_list()


@pytest.mark.parametrize("metric", METRICS)
def test_every_metric_answers(client, metric):
    by = ",".join(METRICS[metric].mart.key())
    assert client.get(f"/v1/metrics/{metric}?by={by}", headers=key()).status_code == 200


def test_changes_between_releases_are_those_of_the_lake(client, served):
    ours = served.lake.diff("gold.provider_summary", 1, 3).collect()
    answer = client.get("/v1/changes/summary?from=1&to=3&limit=10000", headers=key(Accept=PARQUET))
    assert_frame_equal(pl.read_parquet(io.BytesIO(answer.content)), ours, check_row_order=False)
    assert ours.height > 0


def test_an_explanation_sums_to_the_change(client):
    found = client.get("/v1/explain/gross_charges?from=1&to=3", headers=key()).json()
    assert found["from"]["value"] + sum(part["value"] for part in found["parts"]) == pytest.approx(found["to"]["value"])
    assert found["from"]["value"] != found["to"]["value"]


def test_an_explanation_of_a_provider_is_for_those_who_see_it(client, served):
    ids = served.lake.scan("gold.dim_provider").collect()["provider_id"].sort().to_list()
    context = "/v1/explain/gross_charges?from=1&to=3"
    assert client.get(f"{context}&provider={ids[0]}", headers=key("few")).status_code == 200
    hidden = client.get(f"{context}&provider={ids[-1]}", headers=key("few"))
    unknown = client.get(f"{context}&provider=nobody", headers=key("few"))
    assert hidden.status_code == unknown.status_code == 404
    assert hidden.content == unknown.content
    assert client.get(context, headers=key("few")).status_code == 403


def test_a_release_is_read_as_soon_as_it_stands(served):
    import time

    with service(served) as client:
        newest = client.get("/v1/summary", headers=key()).json()["release"]["number"]
        served.lake.lock("tests", newest)
        try:
            until = time.monotonic() + 10
            while time.monotonic() < until:
                if "tests" in rows(client.get("/v1/releases?sort=-number", headers=key()))[0]["locks"]:
                    break
                time.sleep(0.05)
            assert client.get("/v1/summary?release=tests", headers=key()).json()["release"]["number"] == newest
        finally:
            served.lake.unlock("tests")


def test_no_column_bears_the_name_of_a_parameter():
    for resource in RESOURCES:
        # An equal as_of is asked for as as_of.gte and as_of.lte: bare, it names the release.
        assert {*resource.columns} & {*RESERVED} <= {"as_of"}
        assert not [name for name in resource.columns if "." in name]
