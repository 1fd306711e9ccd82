"""The OpenAPI document, and whether the service keeps what it says: Schemathesis makes the requests up."""

import asyncio

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import CHECKS, load_all_checks

from carti_lake import Lake
from carti_lake.disclosure import in_full
from carti_lake.disclosure.release import gold_frames
from carti_lake.serve.app import create_app
from carti_lake.serve.resources import RESOURCES
from carti_lake.tables.gold.events import AXES
from tests.doubles.readers import see
from tests.serve.conftest import key

load_all_checks()
#: It would send requests of its own; what is refused without a key is checked below.
OURS = [CHECKS.get_one(name) for name in CHECKS.get_all_names() if name != "ignored_auth"]


def document():
    """As the service sends it; no lake is needed for it."""
    app = create_app(Lake("nowhere"), authenticate=lambda key: None, see=see, write=len)

    async def get():
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://lake.test") as client:
            return (await client.get("/openapi.json")).json()

    return asyncio.run(get())


DOCUMENT = document()
SCHEMA = schemathesis.openapi.from_dict(DOCUMENT)
FEW = settings(
    max_examples=5, deadline=None, suppress_health_check=[*HealthCheck], phases=[Phase.explicit, Phase.generate]
)


def answerable(case):
    """The request with a release that stands and without a cursor, which no schema can tell how to make up."""
    query = case.query or {}
    if case.meta is None or case.meta.generation.mode.is_positive:
        query.pop("cursor", None)
        query.pop("as_of", None)
        for name in ("release", "from", "to"):
            if name in query:
                query[name] = "1"
    return case


def sent(client, case, headers):
    wanted = case.as_transport_kwargs(base_url="http://lake.test")
    wanted["headers"] = {**dict(wanted.get("headers") or {}), **headers}
    wanted.pop("cookies", None)
    wanted.pop("auth", None)
    data = wanted.pop("data", None)
    if data is not None:
        wanted["content"] = data
    return client.request(wanted.pop("method"), wanted.pop("url"), **wanted)


@pytest.mark.slow
@SCHEMA.parametrize()
@FEW
def test_the_service_keeps_its_document(case, client):
    answer = sent(client, answerable(case), key())
    case.validate_response(answer, checks=OURS)


@pytest.mark.slow
@SCHEMA.exclude(path=["/healthz", "/readyz"]).parametrize()
@settings(FEW, max_examples=2, phases=[Phase.generate])
def test_nobody_is_answered_without_a_key(case, client):
    for headers in ({}, {"X-API-Key": "wrong"}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic YWxsOg=="}):
        answer = sent(client, case, headers)
        assert answer.status_code == 401
        case.validate_response(
            answer, checks=[CHECKS.get_one("response_schema_conformance"), CHECKS.get_one("content_type_conformance")]
        )


def test_every_resource_is_in_the_document_with_its_descriptions():
    for resource in RESOURCES:
        operation = DOCUMENT["paths"][f"/v1/{resource.path}"]["get"]
        assert operation["summary"] == resource.title.rstrip(".")
        page = operation["responses"]["200"]["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
        row = DOCUMENT["components"]["schemas"][page]["properties"]["rows"]["items"]["$ref"].rpartition("/")[2]
        columns = DOCUMENT["components"]["schemas"][row]["properties"]
        assert [*columns] == [*resource.columns]
        assert all(columns[name]["description"] == one.description for name, one in resource.columns.items())
        assert all(columns[name]["examples"] for name in columns)


def test_the_axes_of_the_network_have_the_columns_that_they_are_said_to_have(served):
    published = in_full(gold_frames(served.lake.at())).tables
    tables = {one.table.removeprefix("network_by_"): published[one.table] for one in AXES if one.key != "provider_id"}
    found = [resource for resource in RESOURCES if resource.path.startswith("network/")]
    assert len(found) == len(tables)
    for resource in found:
        table = tables[resource.path.partition("/")[2].replace("-", "_")]
        assert {*table.columns} == {*resource.columns}


def test_operations_are_secured_but_those_for_everybody():
    for path, operations in DOCUMENT["paths"].items():
        for operation in operations.values():
            assert bool(operation.get("security")) == (path not in ("/healthz", "/readyz"))
            assert {"4XX", "5XX"} <= {*operation["responses"]}
