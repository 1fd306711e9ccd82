"""Every error is a problem detail; limits hold; what-if questions, files and pages answer; nothing of it tells more."""

import io
import json
import logging
import time
from dataclasses import replace

import openpyxl
import polars as pl
import pytest

from carti_lake.pipeline.gold import opportunity_predictions as opportunity_value
from carti_lake.releases.release import Audit
from carti_lake.serve.downloads import _told
from carti_lake.serve.observe import LOG, JsonLines
from carti_lake.serve.problems import SCHEMA
from carti_lake.serve.request import RequestContext
from carti_lake.serve.seed import COLUMNS
from carti_lake.serve.what_if import WHAT_IFS
from tests.doubles.readers import Visible
from tests.serve.conftest import PATIENT, key, service


def problem(answer, status):
    """The answer's problem, once it is found to be one."""
    import jsonschema

    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-request-id"]
    said = answer.json()
    jsonschema.validate(said, SCHEMA)
    assert said["status"] == status
    return said


@pytest.mark.parametrize(
    ("method", "path", "who", "status"),
    [
        ("GET", "/nothing", "all", 404),
        ("GET", "/v1/nothing", "all", 404),
        ("GET", "/v1/summary/", "all", 404),
        ("POST", "/v1/summary", "all", 405),
        ("PUT", "/providers", "all", 405),
        ("GET", "/v1/summary", "", 401),
        ("GET", "/nothing", "", 401),
        ("GET", "/metrics", "reader", 403),
        ("GET", "/v1/workbook", "reader", 403),
        ("POST", "/v1/predictions/opportunity", "reader", 403),
        ("POST", "/v1/predictions/opportunity", "all", 422),
        ("GET", "/predictions/opportunity", "all", 422),
        ("GET", "/providers/nobody", "all", 404),
        ("GET", "/v1/metrics/nothing", "all", 404),
        ("GET", "/v1/metrics/claims?by=colour", "all", 422),
        ("GET", "/v1/changes/nothing?from=1&to=2", "all", 404),
        ("GET", "/v1/changes/summary?from=1", "all", 422),
        ("GET", "/v1/explain/total_patients?from=1&to=2", "all", 404),
        ("GET", "/v1/explain/nothing?from=1&to=2", "all", 404),
        ("GET", "/v1/explain/claims?from=2&to=1", "all", 422),
        ("GET", "/v1/published/nothing.csv", "all", 404),
    ],
)
def test_every_error_is_a_problem(client, method, path, who, status):
    body = {"json": {"rows": [{}]}} if method == "POST" and status == 403 else {}
    problem(client.request(method, path, headers=key(who), **body), status)


def test_a_method_that_is_not_allowed_says_which_are(client):
    assert client.post("/v1/summary", headers=key()).headers["allow"] == "GET"


@pytest.mark.parametrize("chunked", [False, True])
def test_a_large_body_is_refused_before_it_is_read_to_the_end(client, chunked):
    large = b"x" * (2 << 20)

    async def parts():
        for start in range(0, len(large), 1 << 16):
            yield large[start : start + (1 << 16)]

    body = parts() if chunked else large
    problem(client.post("/v1/predictions/opportunity", headers=key(), content=body), 413)


def test_a_viewer_may_ask_so_often_and_others_are_not_held_up(served):
    with service(served, replace(PATIENT, rate="5/hour")) as client:
        answers = [client.get("/v1/service-lines", headers=key()).status_code for _ in range(7)]
        refused = client.get("/v1/service-lines", headers=key())
        other = client.get("/v1/service-lines", headers=key("few"))
    assert answers == [200] * 5 + [429] * 2
    problem(refused, 429)
    assert int(refused.headers["retry-after"]) >= 1
    assert other.status_code == 200


def test_nobody_guesses_keys_for_long(served):
    context = []
    with service(served, replace(PATIENT, refusals="3/hour")) as client:
        for _ in range(5):
            context.append(client.get("/v1/summary", headers=key("guess")).status_code)
        locked_out = client.get("/v1/summary", headers=key("all"))
    assert context == [401] * 3 + [429] * 2
    problem(locked_out, 429)


def test_slow_work_ends_and_the_service_goes_on(served, monkeypatch):
    scan = Visible.scan

    def slow(self, table):
        if table == "gold.claims_monthly":
            time.sleep(1)
        return scan(self, table)

    monkeypatch.setattr(Visible, "scan", slow)
    with service(served, replace(PATIENT, seconds=0.3)) as client:
        said = problem(client.get("/v1/claims", headers=key()), 503)
        assert client.get("/v1/service-lines", headers=key()).status_code == 200
    assert "0.3 seconds" in said["detail"]


class Unforeseen(BaseException):
    pass


Unforeseen.__name__ = "PanicException"


@pytest.mark.parametrize("error", [RuntimeError("patient 4711"), Unforeseen("patient 4711")])
@pytest.mark.parametrize("path", ["/v1/claims", "/files"])
def test_an_unforeseen_error_says_nothing_of_rows(served, monkeypatch, caplog, error, path):
    def broken(self, table):
        raise error

    monkeypatch.setattr(Visible, "scan", broken)
    with caplog.at_level(logging.INFO, logger=LOG.name), service(served) as client:
        said = problem(client.get(path, headers=key()), 500)
    lines = [JsonLines().format(record) for record in caplog.records]
    assert any(type(error).__name__ in line for line in lines)
    assert "4711" not in json.dumps(said) + "".join(lines)


def test_a_lake_that_cannot_be_read_is_said_to_be_so(served, monkeypatch):
    from carti_lake.store.errors import CorruptTableError

    def damaged(self, table):
        raise CorruptTableError("claims_monthly: a data file is missing")

    monkeypatch.setattr(Visible, "scan", damaged)
    with service(served) as client:
        said = problem(client.get("/v1/claims", headers=key()), 503)
    assert "data file" not in said["detail"]


def test_the_log_has_a_line_for_each_answer_and_no_secret_and_no_question(client, caplog):
    with caplog.at_level(logging.INFO, logger=LOG.name):
        answer = client.get("/v1/summary?provider_name=Jane+Patient", headers=key("few"))
        client.get("/providers/Jane%20Patient", headers={"Authorization": "Bearer all"})
    lines = [json.loads(JsonLines().format(record)) for record in caplog.records if record.name == LOG.name]
    assert [(one["route"], one["status"], one["viewer"]) for one in lines] == [
        ("/v1/summary", 200, "few"),
        ("/providers/{name}", 404, "all"),
    ]
    assert lines[0]["request"] == answer.headers["x-request-id"]
    assert lines[0]["rows"] == 0
    assert "Jane" not in str(lines)


def test_a_viewer_reads_nothing_of_others_rows(client, served):
    ids = {*served.viewers["few"].providers}
    for path in ("/v1/summary", "/v1/monthly?limit=10000", "/v1/claims?limit=10000", "/v1/providers"):
        answer = client.get(path, headers=key("few")).json()
        assert {row["provider_id"] for row in answer["rows"]} <= ids
        assert answer["total"] == len(answer["rows"])
        assert client.get(path, headers=key("none")).json()["rows"] == []


def test_the_original_routes_answer_as_they_did(client, served):
    every = client.get("/providers", headers=key()).json()
    summary = served.lake.scan("gold.provider_summary").sort("provider_name").collect()
    assert [row["provider_name"] for row in every] == summary["provider_name"].to_list()
    assert [*every[0]] == [*COLUMNS]
    name = every[0]["provider_name"]
    for spelt in (name, name.upper(), name.lower()):
        assert client.get(f"/providers/{spelt}", headers=key()).json() == every[0]
        predicted = client.get("/predictions/opportunity", params={"provider": spelt}, headers=key()).json()
        assert predicted == {key: every[0][key] for key in ("provider_name", "predicted_opportunity_value")}


def test_a_what_if_row_is_predicted_as_a_provider_without_a_recorded_value(client, served):
    summary = served.lake.scan("gold.provider_summary").collect()
    row = summary.filter(pl.col("opportunity_value").is_not_null()).head(1)
    features = row.select(pl.col(*opportunity_value.FEATURES).cast(pl.Float64)).to_dicts()[0]
    context = {"rows": [features, {}]}
    answer = client.post("/v1/predictions/opportunity", json=context, headers=key()).json()
    fitted = opportunity_value.predictions(summary.lazy()).filter(provider_id=row["provider_id"].item()).collect()
    assert answer["rows"][0]["predicted"] == pytest.approx(fitted["predicted"].item(), abs=0.02)
    assert answer["rows"][1]["predicted"] is not None
    assert answer["note"]
    alone = client.post("/v1/predictions/opportunity", json=context, headers=key("none")).json()
    assert [one["predicted"] for one in alone["rows"]] == [None, None]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"rows": []},
        {"rows": [{"denial_rate": 1.5}]},
        {"rows": [{"total_patients": -1}]},
        {"rows": [{"colour": 1}]},
        {"rows": [{"avg_cost": "much"}]},
        {"rows": [{}] * 1001},
    ],
)
def test_a_wrong_what_if_is_refused_with_its_place(client, body):
    said = problem(client.post("/v1/predictions/opportunity", json=body, headers=key()), 422)
    assert all(one["in"] == "body" for one in said["errors"])


def test_the_workbook_and_the_files_hold_the_viewers_rows(client, served):
    names = served.lake.scan("gold.dim_provider").collect()
    mine = {*names.filter(pl.col("provider_id").is_in([*served.viewers["few"].providers]))["provider_name"]}
    others = {*names["provider_name"]} - mine
    book = openpyxl.load_workbook(io.BytesIO(client.get("/v1/workbook", headers=key("few")).content))
    cells = {cell for sheet in book for row in sheet.iter_rows(values_only=True) for cell in row}
    assert mine <= cells
    assert not others & cells
    files = client.get("/v1/published", headers=key("few")).json()["files"]
    assert {"provider_summary.parquet", "provider_summary.csv"} <= {*files}
    assert not [file for file in files if file.startswith(("risk_scores", "referral_revenue"))]
    parquet = client.get("/v1/published/dim_provider.parquet", headers=key("few"))
    assert {*pl.read_parquet(io.BytesIO(parquet.content))["provider_name"]} == mine
    assert parquet.headers["content-disposition"] == 'attachment; filename="dim_provider.parquet"'


def test_the_workbook_tells_figures_of_audits_to_those_alone_who_see_everything(served):
    release = served.lake.at().release
    failed = replace(release, audits=(Audit("drift", False, "payments moved by 40 %"),), accepted=("drift",))
    told = {}
    for name in ("all", "few"):
        viewer = served.viewers[name]
        visible = Visible(replace(served.lake.at(), release=failed), viewer)
        told[name] = _told(RequestContext(viewer=viewer, visible=visible)).audits[0].detail
    assert told == {"all": "payments moved by 40 %", "few": "accepted"}


def test_it_is_well_once_a_release_can_be_read(client, served, tmp_path):
    assert client.get("/healthz").json() == client.get("/readyz").json() == {"status": "ok"}
    from tests.worlds.lakes import lake_in

    with service(replace(served, lake=lake_in(tmp_path / "lake"))) as empty:
        assert empty.get("/healthz").status_code == 200
        problem(empty.get("/readyz"), 503)
        problem(empty.get("/v1/summary", headers=key()), 503)


def test_prometheus_reads_figures_by_route(client):
    client.get("/v1/summary", headers=key())
    figures = client.get("/metrics", headers={"Authorization": "Bearer all"})
    assert figures.headers["content-type"].startswith("text/plain")
    assert 'carti_lake_requests_total{method="GET",route="/v1/summary",status="200"}' in figures.text
    assert "carti_lake_release 3.0" in figures.text
    assert client.get("/metrics").status_code == 401


def test_a_method_that_a_client_makes_up_is_no_figure_of_its_own(client):
    for number in range(3):
        client.request(f"BREW{number}", "/v1/summary")
    figures = client.get("/metrics", headers=key()).text
    assert "BREW" not in figures
    assert 'method="other"' in figures


@pytest.mark.parametrize("what_if", WHAT_IFS[:4], ids=lambda one: one.path)
def test_a_model_that_was_not_trained_says_so_and_makes_nothing_up(client, what_if):
    answer = client.post(f"/v1/predictions/{what_if.path}", json={"rows": [{}, {}]}, headers=key()).json()
    assert answer["rows"] == [{"probability": None, "drivers": None}] * 2
    assert "No model was trained" in answer["note"]
    of_all = client.post(f"/v1/predictions/{what_if.path}", json={"rows": [{}]}, headers=key("few"))
    assert "all providers" in problem(of_all, 403)["detail"]


def test_a_trained_model_answers_as_it_scores(client, served, monkeypatch):
    from carti_lake.models import classifier, estimators, no_show

    rows = pl.DataFrame(
        {
            "lead": [number % 40 for number in range(600)],
            "missed": [number % 3 for number in range(600)],
            "kept": [1] * 600,
            "patient_age": [20 + number % 60 for number in range(600)],
            "service_line": ["lung", "breast"] * 300,
            "weekday": ["Monday", "Friday", "Sunday"] * 200,
            "provider_share": [0.1] * 600,
            classifier.TARGET: [number % 40 > 25 for number in range(600)],
            classifier.GROUP: list(range(600)),
            classifier.SUBJECT: [str(number) for number in range(600)],
        }
    )
    fitted = estimators.fit(rows, no_show.FEATURES, 1).artifact
    version = {"version": "abc", "rows": 600, "data_as_of": "2026-01-09", "served": True}
    monkeypatch.setattr("carti_lake.serve.what_if.current", lambda trained: {"no_show": version})
    monkeypatch.setattr("carti_lake.serve.what_if.artifact", lambda storage, model, row: fitted)
    context = [{"lead": 39, "service_line": "lung", "missed": 2}, {"lead": 0}]
    answer = client.post("/v1/predictions/no-show", json={"rows": context}, headers=key()).json()
    late, soon = (row["probability"] for row in answer["rows"])
    assert late > 0.5 > soon
    assert "booked 39 days ahead" in answer["rows"][0]["drivers"]
    assert "Version abc, trained on 600 examples" in answer["note"]
